"""A small residual network for images, and a small byte-level transformer for prompts, both from random weights.

The image tower follows He et al. 2016 (arXiv:1512.03385) with the averaging shortcut of He et al. 2019
(arXiv:1812.01187), scaled to 64-pixel cutouts. With a few hundred images and no pretraining it learns in a fraction of
the steps that a transformer or ConvNeXt of its size needs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.backbones.abilities import make_groups
from galaxtool.backbones.byte_text import TOKENIZER, TextReader, TextTower, tokenize
from galaxtool.backbones.checkpointing import checkpoint_module
from galaxtool.backbones.feature_maps import collect_maps
from galaxtool.backbones.tokens import Tokenizer

DIM = 256
IMAGE_SIZE = 64
STEM = 24
WIDTHS = (48, 96, 192, 320)
DEPTHS = (1, 2, 2, 1)


class Block(nn.Module):
    """A residual block: two 3 x 3 convolutions with BatchNorm, and a shortcut that averages if the stride is above 1.

    Parameters
    ----------
    width_in, width : int
        Number of channels of the input and of the output.
    stride : int
        Stride of the first convolution.
    """

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = make_convolution(width_in, width, stride)
        self.second = make_convolution(width, width, 1)
        shortcut: list[nn.Module] = [nn.AvgPool2d(stride)] if stride > 1 else []
        if width_in != width:
            shortcut += [nn.Conv2d(width_in, width, 1, bias=False), nn.BatchNorm2d(width)]
        self.shortcut = nn.Sequential(*shortcut)
        # the block starts as its shortcut, which makes the first steps more stable (Goyal et al. 2017)
        nn.init.zeros_(self.second.get_parameter("1.weight"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, width_in, ny, nx) to (N, width, ny / stride, nx / stride)."""
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


def make_convolution(width_in: int, width: int, stride: int) -> nn.Sequential:
    """Create a 3 x 3 convolution with BatchNorm."""
    return nn.Sequential(nn.Conv2d(width_in, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width))


class ImageTower(nn.Module):
    """The image encoder: (N, 3, 64, 64) to (N, dim). Other sizes work too, because features are averaged over the map.

    Attributes
    ----------
    checkpointing : bool
        Whether activations within the stem and each stage are recomputed in the backward pass instead of stored.
    """

    def __init__(self, dim: int = DIM) -> None:
        super().__init__()
        self.checkpointing = False
        self.stem = nn.Sequential(
            make_convolution(3, STEM, 2), nn.ReLU(), make_convolution(STEM, STEM, 1), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        self.stages = nn.ModuleList()
        width_in = STEM
        for i, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
            first = Block(width_in, width, stride=1 if i == 0 else 2)
            self.stages.append(nn.Sequential(first, *(Block(width, width, 1) for _ in range(depth - 1))))
            width_in = width
        self.project = nn.Linear(width_in, dim, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images; the embeddings are not normalized to unit length."""
        embedded: torch.Tensor = self.project(self.pool(images))
        return embedded

    def pool(self, images: torch.Tensor) -> torch.Tensor:
        """Return the averaged features of images before the projection, (N, width)."""
        recompute = self.checkpointing and torch.is_grad_enabled()
        x = images
        for part in (self.stem, *self.stages):
            x = checkpoint_module(part, x) if recompute else part(x)
        return x.mean(dim=(2, 3))


class SmallResnet(nn.Module):
    """The image and text towers; see `galaxtool.backbones.protocols.Backbone`.

    Parameters
    ----------
    pretrained : bool
        Whether weights will be loaded.

    Attributes
    ----------
    mean, std : tuple of 3 float, or None
        Normalization of the weights, if it is not that of the spec by which the backbone was created.
    """

    dim = DIM
    image_size = IMAGE_SIZE

    def __init__(self, *, pretrained: bool) -> None:
        super().__init__()
        self.image_tower = ImageTower()
        self.text_tower = TextTower(DIM)
        # long steps suit random weights, but would make a trained network forget
        self.suggested_lr = 1e-3 if pretrained else 2e-3
        self.mean: tuple[float, float, float] | None = None
        self.std: tuple[float, float, float] | None = None

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, 3, 64, 64) as (N, dim)."""
        embedded: torch.Tensor = self.image_tower(images)
        return embedded

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts as (N, dim)."""
        embedded: torch.Tensor = self.text_tower(tokenize(texts).to(self.text_tower.places.device))
        return embedded

    def text_encoder(self) -> tuple[nn.Module, Tokenizer]:
        """Return the text tower, from token ids (N, context) to (N, dim), and its tokenizer."""
        return TextReader(self.text_tower), TOKENIZER

    def penultimate(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features of images before the projection, (N, width)."""
        return self.image_tower.pool(images)

    def features(self, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
        """Return the feature map of each stage of the image tower, with its stride in pixels."""
        return collect_maps(self.image_tower, self.image_tower.stages, images)

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the stem and of each stage; the projection joins the last stage."""
        tower = self.image_tower
        return make_groups(tower, [part.parameters() for part in (tower.stem, *tower.stages)])

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing of the image tower."""
        self.image_tower.checkpointing = on


def build(*, architecture: str, weights: str | None, resolve: object = None) -> SmallResnet:
    """Create the towers with random weights, into which `galaxtool.backbones.create` loads a file."""
    return SmallResnet(pretrained=weights is not None)
