"""An image encoder with the text encoder of another backbone, so that it can be aligned with prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.abilities import blocks_of, name_of, set_checkpointing
from galaxtool.errors import ConfigError


class WithText(nn.Module):
    """Two backbones as one; see `galaxtool.backbones.protocols.Backbone`.

    What the image tower gives is projected, without a bias, to the length of the text's embeddings. The projection
    starts orthogonal and has to be learned, as the two have never met (Zhai et al. 2022, arXiv:2111.07991, tune a text
    tower to a given image tower in this way).

    Parameters
    ----------
    image : galaxtool.backbones.protocols.Backbone
        Kept whole.
    text : galaxtool.backbones.protocols.Backbone
        Loses its image tower.

    Raises
    ------
    ConfigError
        If the text encoder cannot be parted from its image tower.
    """

    def __init__(self, image: Any, text: Any) -> None:
        super().__init__()
        _drop_image_tower(text)
        self.image = image
        self.text = text
        self.project = nn.Linear(image.dim, text.dim, bias=False)
        nn.init.orthogonal_(self.project.weight)
        self.dim = int(text.dim)
        self.image_size = int(image.image_size)
        self.registered_name = f"{name_of(image)} with the text encoder of {name_of(text)}"
        rates = [float(b.suggested_lr) for b in (image, text) if hasattr(b, "suggested_lr")]
        if rates:
            # what either was given to learn must not be forgotten
            self.suggested_lr = min(rates)

    @property
    def image_tower(self) -> nn.Module:
        """The image backbone's tower, then the projection: images (N, C, size, size) to (N, dim)."""
        tower = nn.Sequential(self.image.image_tower, self.project)
        tower.training = self.training
        return tower

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, C, image_size, image_size) as (N, dim)."""
        return self.project(self.image.embed(images))

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts as (N, dim)."""
        embedded: torch.Tensor = self.text.embed_text(texts)
        return embedded

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the image backbone's blocks; the projection joins the last."""
        *first, last = blocks_of(self.image)
        return [*first, [*last, *self.project.parameters()]]

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing of the image tower."""
        set_checkpointing(self.image, on)


def _drop_image_tower(text: Any) -> None:
    """Put nothing in the place of a backbone's image tower, which is then neither trained, saved nor counted."""
    tower = text.image_tower
    place = next((name for name, module in text.named_modules() if module is tower and name), None)
    if place is None:
        raise ConfigError(
            f"The text encoder of '{name_of(text)}' cannot be parted from its image tower.",
            hint="Borrow another, e.g. --text-encoder clip-vit-16 or mini.",
        )
    text.set_submodule(place, nn.Identity())
