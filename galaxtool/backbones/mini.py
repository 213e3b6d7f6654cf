"""The bundled backbone: EfficientNet-Lite0 at 96 pixels for images, and a small byte-level transformer for prompts.

EfficientNet-Lite is the EfficientNet of Tan & Le 2019 (arXiv:1905.11946) without its squeeze-and-excitation and with
ReLU6, which makes it fast on processors and exact in int8. The network is timm's ``tf_efficientnet_lite0`` without its
classifier; its 1280 averaged features are projected to the length of the text embeddings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import safe_open
from torch import nn

from galaxtool.backbones.abilities import make_groups
from galaxtool.backbones.byte_text import TextTower, tokenize
from galaxtool.backbones.checkpointing import checkpoint_module
from galaxtool.backbones.former_names import is_former_mini
from galaxtool.backbones.small_resnet import SmallResnet
from galaxtool.backbones.weights import read_state_dict
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import Weights

ARCHITECTURE = "tf_efficientnet_lite0"
DIM = 256
IMAGE_SIZE = 96
_HALF = (0.5, 0.5, 0.5)


class ImageTower(nn.Module):
    """The image encoder: (N, 3, 96, 96) to (N, dim). Other sizes work too, because features are averaged over the map.

    Attributes
    ----------
    checkpointing : bool
        Whether activations within each stage are recomputed in the backward pass instead of stored.
    """

    def __init__(self, dim: int = DIM) -> None:
        super().__init__()
        self.checkpointing = False
        network: Any = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0)
        self.stem = nn.Sequential(network.conv_stem, network.bn1)
        self.stages = nn.ModuleList(network.blocks)
        self.head = nn.Sequential(network.conv_head, network.bn2)
        self.project = nn.Linear(network.num_features, dim, bias=False)

    @property
    def parts(self) -> list[nn.Module]:
        """The stem, each stage, and the convolution after the last stage."""
        return [self.stem, *self.stages, self.head]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images; the embeddings are not normalized to unit length."""
        x = images
        for part in self.parts:
            x = self._run(part, x)
        embedded: torch.Tensor = self.project(x.mean(dim=(2, 3)))
        return embedded

    def features(self, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
        """Return the feature map (N, channels, ny, nx) of each stage, with its stride in pixels of the image."""
        x = self._run(self.stem, images)
        maps = []
        for part in (*self.stages, self.head):
            x = self._run(part, x)
            maps.append((x, round(images.shape[-1] / x.shape[-1])))
        return maps

    def _run(self, part: nn.Module, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = checkpoint_module(part, x) if self.checkpointing and torch.is_grad_enabled() else part(x)
        return output


class Mini(nn.Module):
    """The image and text towers; see `galaxtool.backbones.protocols.Backbone`."""

    dim = DIM
    image_size = IMAGE_SIZE

    def __init__(self, *, pretrained: bool) -> None:
        super().__init__()
        self.image_tower = ImageTower()
        self.text_tower = TextTower(DIM)
        # long steps suit random weights, but would make a trained network forget
        self.suggested_lr = 1e-3 if pretrained else 2e-3

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, 3, 96, 96) as (N, dim)."""
        embedded: torch.Tensor = self.image_tower(images)
        return embedded

    def features(self, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
        """Return the feature map of each stage of the image tower, with its stride in pixels."""
        return self.image_tower.features(images)

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts as (N, dim)."""
        embedded: torch.Tensor = self.text_tower(tokenize(texts).to(self.text_tower.places.device))
        return embedded

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the stem, of each stage, and of the last convolution with the projection."""
        tower = self.image_tower
        return make_groups(tower, [part.parameters() for part in tower.parts])

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing of the image tower."""
        self.image_tower.checkpointing = on


def build(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> Mini | SmallResnet:
    """Create the towers with random weights, into which `galaxtool.backbones.create` loads a file.

    A file that an older galaxtool wrote for its `mini` makes the network that it was written for.
    """
    if weights is not None and is_former_mini(_read_names(resolve(_find_record(weights)))):
        former = SmallResnet(pretrained=True)
        former.mean, former.std = _HALF, _HALF
        return former
    return Mini(pretrained=weights is not None)


def _find_record(tag: str) -> Weights:
    """Return the record of the weights after the ``@``: registered ones, or the path of a file."""
    known = get_registry().backbones.find("mini").spec.weights
    return next((weights for weights in known if weights.tag == tag), Weights(tag=tag, uri=f"file:{tag}"))


def _read_names(file: Path) -> list[str]:
    """Return the names of the tensors in a file of weights."""
    if file.suffix != ".safetensors":
        return list(read_state_dict(file))
    with safe_open(file, framework="pt") as content:
        return list(content.keys())
