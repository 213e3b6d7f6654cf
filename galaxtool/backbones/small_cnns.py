"""Two small networks trained from scratch by Alberghi et al. 2024: `vgg11-32` and `small-cnn`.

What the paper specifies and what it leaves open:

* `vgg11-32`: VGG11 with 32 channels in every convolution, weights drawn from a normal distribution of mean 0 and
  variance 1e-2. The zero biases, and the two fully connected layers with VGG11's 4096 activations and dropout, are our
  choice: torchvision's layers expect 512 channels, and the paper does not say how the authors changed them.
* `small-cnn`: average pooling comes first, there are 32 channels throughout, the network is "slightly shorter" than
  VGG11, and ReLU and BatchNorm follow every convolutional and linear layer. The layout is a drawing without numbers in
  the text. Our choices are the pooling of 2 x 2 pixels, six convolutions of 3 x 3 in the order of `SMALL`, the maximum
  pooling between them, one fully connected layer of 256, and PyTorch's initial weights.

Images have 224 pixels a side, as for `vgg11`; the paper does not state a size.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.backbones.abilities import get_name, group_by_layer, make_groups
from galaxtool.backbones.feature_maps import collect_maps
from galaxtool.errors import ConfigError
from galaxtool.plugins.specs import Weights

SIZE = 224
WIDTH = 32
POOL = 0
"""Marks a maximum pooling of 2 x 2 in a list of widths."""

VGG11 = (WIDTH, POOL, WIDTH, POOL, WIDTH, WIDTH, POOL, WIDTH, WIDTH, POOL, WIDTH, WIDTH, POOL)
SMALL = (WIDTH, POOL, WIDTH, POOL, WIDTH, WIDTH, POOL, WIDTH, WIDTH, POOL)
CONNECTED = 4096
DIM = 256
VARIANCE = 1e-2


class SingleImageBatchNorm(nn.BatchNorm1d):
    """A BatchNorm that uses the running statistics for a training batch of one image, which has none of its own."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize features (N, dim)."""
        if self.training and len(x) == 1:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)


class SmallCnn(nn.Module):
    """Convolutions followed by fully connected layers; see `galaxtool.backbones.protocols.Backbone`.

    Parameters
    ----------
    features : list of torch.nn.Module
        Layers from images (N, 3, 224, 224) to maps.
    connected : list of torch.nn.Module
        Layers from flattened maps to features.
    dim : int
        Length of the features.
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
        embedded: torch.Tensor = self.image_tower(images)
        return embedded

    def features(self, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
        """Return the last feature map of each stride, with the stride in pixels."""
        return collect_maps(self.image_tower, self.image_tower.get_submodule("features").children(), images)

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each convolution in turn, then of all fully connected layers."""
        tower = self.image_tower
        convolutions = group_by_layer(tower.get_submodule("features").children())
        return make_groups(tower, [*convolutions, self.classifier().parameters()])

    def classifier(self) -> nn.Module:
        """Return the fully connected layers."""
        return self.image_tower.get_submodule("connected")

    def set_checkpointing(self, on: bool) -> None:
        """Refuse gradient checkpointing, which these small networks do not need.

        Raises
        ------
        ConfigError
            If it is to be switched on.
        """
        if on:
            raise ConfigError(f"'{get_name(self)}' does not support gradient checkpointing.", hint="Train without it.")


def build_vgg11_32(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> SmallCnn:
    """Create `vgg11-32`."""
    features: list[nn.Module] = []
    channels = 3
    for width in VGG11:
        features += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()] if width else [nn.MaxPool2d(2)]
        channels = width or channels
    side = SIZE // 2 ** VGG11.count(POOL)
    connected: list[nn.Module] = []
    for length in (channels * side**2, CONNECTED):
        connected += [nn.Linear(length, CONNECTED), nn.ReLU(), nn.Dropout(0.5)]
    network = SmallCnn(features, connected, CONNECTED)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.normal_(module.weight, mean=0.0, std=VARIANCE**0.5)
            nn.init.zeros_(module.get_parameter("bias"))
    return network


def build_small_cnn(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> SmallCnn:
    """Create `small-cnn`."""
    features: list[nn.Module] = [nn.AvgPool2d(2)]
    channels = 3
    for width in SMALL:
        # a convolution before BatchNorm needs no bias, but here a ReLU comes between them
        features += (
            [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(width)] if width else [nn.MaxPool2d(2)]
        )
        channels = width or channels
    side = SIZE // 2 ** (1 + SMALL.count(POOL))
    connected: list[nn.Module] = [nn.Linear(channels * side**2, DIM), nn.ReLU(), SingleImageBatchNorm(DIM)]
    return SmallCnn(features, connected, DIM)
