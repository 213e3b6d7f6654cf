"""The bundled backbone: EfficientNet-Lite0 at 96 pixels for images, and a small byte-level transformer for prompts.

The network is that of `galaxtool.backbones.efficientnet_lite`; its 1280 averaged features are projected to the length
of the text embeddings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn

from galaxtool.backbones.byte_text import TextTower, tokenize
from galaxtool.backbones.efficientnet_lite import PRETRAINED_LR, RANDOM_LR, LiteTower
from galaxtool.backbones.former_names import is_former_mini
from galaxtool.backbones.small_resnet import SmallResnet
from galaxtool.backbones.weights import read_state_dict
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import Weights

ARCHITECTURE = "tf_efficientnet_lite0"
DIM = 256
IMAGE_SIZE = 96
_HALF = (0.5, 0.5, 0.5)


class Mini(nn.Module):
    """The image and text towers; see `galaxtool.backbones.protocols.Backbone`."""

    dim = DIM
    image_size = IMAGE_SIZE

    def __init__(self, *, pretrained: bool) -> None:
        super().__init__()
        self.image_tower = LiteTower(ARCHITECTURE, DIM)
        self.text_tower = TextTower(DIM)
        # long steps suit random weights, but would make a trained network forget
        self.suggested_lr = PRETRAINED_LR if pretrained else RANDOM_LR

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
        return self.image_tower.blocks()

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing of the image tower."""
        self.image_tower.checkpointing = on

    def adapt_state(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Convert the published tensors of an EfficientNet-Lite0; the projection and the text tower stay random."""
        adapted = self.image_tower.adapt_state(state, "image_tower.")
        if adapted.keys() == state.keys():
            return adapted
        random = ("image_tower.project.", "text_tower.")
        return {key: value for key, value in self.state_dict().items() if key.startswith(random)} | adapted


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
