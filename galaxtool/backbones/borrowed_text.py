"""An image encoder combined with the text encoder of another backbone, so that it can be aligned with prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.abilities import (
    extract_attention,
    extract_cls_tokens,
    extract_features,
    extract_text_encoder,
    get_name,
    group_by_block,
    set_checkpointing,
)
from galaxtool.backbones.tokens import Tokenizer
from galaxtool.errors import ConfigError


class BackboneWithText(nn.Module):
    """Image and text encoders of two backbones as one; see `galaxtool.backbones.protocols.Backbone`.

    The output of the image tower is projected, without a bias, to the length of the text embeddings. The projection
    starts orthogonal and has to be learned, because the two encoders were trained apart. Zhai et al. 2022
    (arXiv:2111.07991) tune a text tower to a given image tower in this way.

    Parameters
    ----------
    image : galaxtool.backbones.protocols.Backbone
        Backbone that encodes images. It is kept whole.
    text : galaxtool.backbones.protocols.Backbone
        Backbone that encodes texts. Its image tower is removed.

    Raises
    ------
    ConfigError
        If the text encoder cannot be separated from its image tower.
    """

    def __init__(self, image: Any, text: Any) -> None:
        super().__init__()
        _remove_image_tower(text)
        self.image = image
        self.text = text
        self.project = nn.Linear(image.dim, text.dim, bias=False)
        nn.init.orthogonal_(self.project.weight)
        self.dim = int(text.dim)
        self.image_size = int(image.image_size)
        self.registered_name = f"{get_name(image)} with the text encoder of {get_name(text)}"
        rates = [float(b.suggested_lr) for b in (image, text) if hasattr(b, "suggested_lr")]
        if rates:
            # the lower rate, so that neither encoder forgets what it has learned
            self.suggested_lr = min(rates)

    @property
    def image_tower(self) -> nn.Module:
        """The image backbone's tower, then the projection: images (N, C, size, size) to (N, dim)."""
        tower = nn.Sequential(self.image.image_tower, self.project)
        tower.training = self.training
        return tower

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, C, image_size, image_size) as (N, dim)."""
        embedded: torch.Tensor = self.project(self.image.embed(images))
        return embedded

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts as (N, dim)."""
        embedded: torch.Tensor = self.text.embed_text(texts)
        return embedded

    def text_encoder(self) -> tuple[nn.Module, Tokenizer]:
        """Return the borrowed text tower, from token ids (N, context) to (N, dim), and its tokenizer."""
        return extract_text_encoder(self.text)

    @property
    def patch(self) -> int | None:
        """Side of a patch of the image backbone in pixels; None if it is not a vision transformer."""
        return getattr(self.image, "patch", None)

    @property
    def prefix_tokens(self) -> int:
        """Number of tokens before those of the patches."""
        return int(getattr(self.image, "prefix_tokens", 0))

    def penultimate(self, images: torch.Tensor) -> torch.Tensor:
        """Return the image backbone's own embeddings, before the projection."""
        embedded: torch.Tensor = self.image.embed(images)
        return embedded

    def features(self, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
        """Return the image backbone's feature maps, with their strides in pixels."""
        return extract_features(self.image, images)

    def cls_tokens(self, images: torch.Tensor, last: int = 4) -> torch.Tensor:
        """Return the image backbone's class tokens after the last blocks, as (N, last, width)."""
        return extract_cls_tokens(self.image, images, last)

    def attention(self, images: torch.Tensor) -> torch.Tensor:
        """Return the attention of the image backbone's last block, as (N, heads, T, T)."""
        return extract_attention(self.image, images)

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the image backbone's blocks; the projection joins the last one."""
        *first, last = group_by_block(self.image)
        return [*first, [*last, *self.project.parameters()]]

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing of the image tower."""
        set_checkpointing(self.image, on)


def _remove_image_tower(text: Any) -> None:
    """Replace a backbone's image tower with an identity, so that it is neither trained, saved nor counted."""
    tower = text.image_tower
    path = next((name for name, module in text.named_modules() if module is tower and name), None)
    if path is None:
        raise ConfigError(
            f"The text encoder of '{get_name(text)}' cannot be separated from its image tower.",
            hint="Borrow another, e.g. --text-encoder clip-vit-16 or mini.",
        )
    text.set_submodule(path, nn.Identity())
