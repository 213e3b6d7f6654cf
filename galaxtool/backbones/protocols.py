"""What a backbone must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch


class Backbone(Protocol):
    """A `torch.nn.Module` that embeds images, and texts where its spec says so.

    Attributes
    ----------
    dim : int
        Length of an embedding.
    image_size : int
        Side of the images it takes, in pixels.
    image_tower : torch.nn.Module
        Called with images, gives what `embed` gives; copied to make a symbol encoder.

    Notes
    -----
    Some have more. `suggested_lr`, float, is a learning rate to begin with. ``blocks()`` returns the parameters of the
    image tower in groups from stem to head, ``list[list[torch.nn.Parameter]]``: the stem first, then each transformer
    block or residual stage, the last with the final norm and projection; every parameter in exactly one.
    ``set_checkpointing(on)`` switches gradient checkpointing of the image tower, which changes neither gradients nor
    running statistics. Either may raise `galaxtool.errors.ConfigError` where an architecture has no such thing.

    A backbone takes images of other channels than three where its image tower begins with a `torch.nn.Conv2d` of three
    input channels, which galaxtool replaces. galaxtool writes the full name into `registered_name`.
    """

    dim: int
    image_size: int
    image_tower: torch.nn.Module

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images, float (N, C, image_size, image_size), as (N, dim); not normalised to unit length."""

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts as (N, dim); not normalised to unit length."""
