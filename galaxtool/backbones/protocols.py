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
    does not support it. ``text_encoder()`` returns what `galaxtool export --what text` writes: a module from token ids,
    int64 (N, context), to the output of `embed_text`, and the `galaxtool.backbones.tokens.Tokenizer` of these ids.

    What a backbone can give from within is named in its spec; `galaxtool.backbones.abilities` asks for it, and raises a
    `galaxtool.errors.ConfigError` for a backbone that does not have it.

    ``features(images)`` returns feature maps and their strides in pixels of the image as a list of pairs, each map of
    shape (N, channels, ny, nx), from the finest to the coarsest: one for each stage of a convolutional network, one for
    each block of a vision transformer (its patches' tokens, before the norm).
    ``cls_tokens(images, last=4)`` returns the class tokens after each of the last blocks, (N, last, width), from the
    first of them to the last, each normalized by the norm after the last block. ``attention(images)`` returns the
    attention of the last block, (N, heads, T, T): row i has the weights with which token i takes in all T tokens, their
    sum is 1. A backbone with attention has the integers `prefix_tokens`, the number of tokens before those of the
    patches (the class token is the first of them), and `patch`, the side of a patch in pixels; the patches follow row
    by row, so that T is prefix_tokens + (ny / patch) * (nx / patch). All three are meant for evaluation mode; gradients
    pass. A backbone that projects its features also has ``penultimate(images)``, which returns them before the
    projection, (N, width).

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
