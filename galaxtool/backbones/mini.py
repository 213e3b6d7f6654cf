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

from galaxtool.backbones.byte_text import TOKENIZER, TextReader, TextTower, tokenize
from galaxtool.backbones.efficientnet_lite import EfficientNetLite
from galaxtool.backbones.former_names import is_former_mini
from galaxtool.backbones.small_resnet import SmallResnet
from galaxtool.backbones.tokens import Tokenizer
from galaxtool.backbones.weights.load import read_state_dict
from galaxtool.backbones.weights.local_licence import find_local_licence
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import Weights

ARCHITECTURE = "tf_efficientnet_lite0"
DIM = 256
IMAGE_SIZE = 96
_HALF = (0.5, 0.5, 0.5)


class Mini(EfficientNetLite):
    """The image and text towers; see `galaxtool.backbones.protocols.Backbone`."""

    def __init__(self, *, pretrained: bool) -> None:
        super().__init__(ARCHITECTURE, image_size=IMAGE_SIZE, pretrained=pretrained, dim=DIM)
        self.text_tower = TextTower(DIM)

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts as (N, dim)."""
        embedded: torch.Tensor = self.text_tower(tokenize(texts).to(self.text_tower.places.device))
        return embedded

    def text_encoder(self) -> tuple[nn.Module, Tokenizer]:
        """Return the text tower, from token ids (N, context) to (N, dim), and its tokenizer."""
        return TextReader(self.text_tower), TOKENIZER

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
    local = Weights(tag=tag, uri=f"file:{tag}", licence=find_local_licence(tag))
    return next((weights for weights in known if weights.tag == tag), local)


def _read_names(file: Path) -> list[str]:
    """Return the names of the tensors in a file of weights."""
    if file.suffix != ".safetensors":
        return list(read_state_dict(file))
    with safe_open(file, framework="pt") as content:
        return list(content.keys())
