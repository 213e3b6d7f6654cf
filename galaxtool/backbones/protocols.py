"""The protocol of backbones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch


class Backbone(Protocol):
    """A `torch.nn.Module` that embeds images, and texts if its spec says so.

    Attributes
    ----------
    dim : int
        Length of an embedding.
    image_size : int
        Side of the images in pixels.
    image_tower : torch.nn.Module
        Image encoder, called with images, whose output is that of `embed`. It is copied to make a symbol encoder.

    Notes
    -----
    A backbone may also have the following. `suggested_lr`, a float, is a learning rate to start with. `logit_scale`, a
    scalar, is the logarithm of 1 / tau with which image and text encoder were trained against each other. ``blocks()``
    returns the parameters of the image tower in groups, ``list[list[torch.nn.Parameter]]``: first the stem, then each
    transformer block or residual stage; the last group also has the final norm and projection, and every parameter is
    in exactly one group. ``set_checkpointing(on)`` switches gradient checkpointing of the image tower, which must not
    change gradients or running statistics. Either method may raise `galaxtool.errors.ConfigError` if an architecture
    does not support it.

    A backbone can take images with other than three channels if its image tower begins with a `torch.nn.Conv2d` of
    three input channels, which galaxtool replaces. galaxtool sets `registered_name` to the full name of the backbone.
    """

    dim: int
    image_size: int
    image_tower: torch.nn.Module

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images, float (N, C, image_size, image_size), as (N, dim); not normalized to unit length."""

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts as (N, dim); not normalized to unit length."""
