"""Two small networks trained from scratch by Alberghi et al. 2024: `vgg11-32` and `small-cnn`.

What Alberghi et al. 2024 print, and what they do not:

* `vgg11-32`: VGG11 with 32 channels in every convolution, weights drawn from a normal distribution of mean 0 and
  variance 1e-2. That biases begin at 0, and that the two fully connected layers keep VGG11's 4096 activations and
  dropout, is ours: torchvision's own expect 512 channels, and how the authors changed them is not said.
* `small-cnn`: an average pooling comes first, channels are 32 throughout, the network is "slightly shorter" than
  VGG11, and all convolutional and linear layers are followed by ReLU and BatchNorm. Their outline is a drawing without
  numbers in the text. Ours are: the pooling of 2 x 2 pixels, six convolutions of 3 x 3 in the order of `SMALL`, the
  maximum pooling between them, one fully connected layer of 256, and the initial weights, PyTorch's own.

Images are of 224 pixels, as `vgg11` takes them; the paper names no size.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.backbones.abilities import grouped, name_of
from galaxtool.backbones.torchvision_models import layers_of
from galaxtool.errors import ConfigError
from galaxtool.plugins.specs import Weights

SIZE = 224
WIDTH = 32
POOL = 0
"""Stands for a maximum pooling of 2 x 2 among widths."""

VGG11 = (WIDTH, POOL, WIDTH, POOL, WIDTH, WIDTH, POOL, WIDTH, WIDTH, POOL, WIDTH, WIDTH, POOL)
SMALL = (WIDTH, POOL, WIDTH, POOL, WIDTH, WIDTH, POOL, WIDTH, WIDTH, POOL)
CONNECTED = 4096
DIM = 256
VARIANCE = 1e-2


class Norm(nn.BatchNorm1d):
    """A BatchNorm that takes the running statistics where a batch in training has one image, and so none of its own."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise (N, dim)."""
        if self.training and len(x) == 1:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)


class SmallCnn(nn.Module):
    """Convolutions and then fully connected layers; see `galaxtool.backbones.protocols.Backbone`.

    Parameters
    ----------
    features : list of torch.nn.Module
        Images (N, 3, 224, 224) to maps.
    connected : list of torch.nn.Module
        Flattened maps to features.
    dim : int
        Length of these.
    """

    image_size = SIZE
    suggested_lr = 5e-4  # the paper prints 5 x 10^4

    def __init__(self, features: list[nn.Module], connected: list[nn.Module], dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.image_tower = nn.Sequential(
            OrderedDict(features=nn.Sequential(*features), flatten=nn.Flatten(), connected=nn.Sequential(*connected))
        )

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, 3, 224, 224) as (N, dim)."""
        return self.image_tower(images)

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each layer in turn."""
        tower = self.image_tower
        layers = [*tower.get_submodule("features").children(), *tower.get_submodule("connected").children()]
        return grouped(tower, layers_of(layers))

    def set_checkpointing(self, on: bool) -> None:
        """Refuse; these networks are small.

        Raises
        ------
        ConfigError
            If it is to be on.
        """
        if on:
            raise ConfigError(f"'{name_of(self)}' has no gradient checkpointing.", hint="Train without it.")


def build_vgg11_32(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> SmallCnn:
    """Make `vgg11-32`."""
    features: list[nn.Module] = []
    channels = 3
    for width in VGG11:
        features += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()] if width else [nn.MaxPool2d(2)]
        channels = width or channels
    side = SIZE // 2 ** VGG11.count(POOL)
    connected: list[nn.Module] = []
    for length in (channels * side**2, CONNECTED):
        connected += [nn.Linear(length, CONNECTED), nn.ReLU(), nn.Dropout(0.5)]
    made = SmallCnn(features, connected, CONNECTED)
    for module in made.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.normal_(module.weight, mean=0.0, std=VARIANCE**0.5)
            nn.init.zeros_(module.get_parameter("bias"))
    return made


def build_small_cnn(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> SmallCnn:
    """Make `small-cnn`."""
    features: list[nn.Module] = [nn.AvgPool2d(2)]
    channels = 3
    for width in SMALL:
        # what BatchNorm follows needs no bias, but here a ReLU lies between
        features += (
            [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(width)] if width else [nn.MaxPool2d(2)]
        )
        channels = width or channels
    side = SIZE // 2 ** (1 + SMALL.count(POOL))
    connected: list[nn.Module] = [nn.Linear(channels * side**2, DIM), nn.ReLU(), Norm(DIM)]
    return SmallCnn(features, connected, DIM)
