"""Any architecture of OpenCLIP as a backbone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.abilities import grouped, name_of
from galaxtool.backbones.citations import of_openclip
from galaxtool.backbones.openclip_towers import find_parts, recomputes
from galaxtool.errors import ConfigError, UnknownName
from galaxtool.plugins.specs import Weights

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""OpenAI's normalisation, which OpenCLIP takes where the weights do not say."""


class OpenClip(nn.Module):
    """An OpenCLIP model; see `galaxtool.backbones.protocols.Backbone`.

    Parameters
    ----------
    model : open_clip.CLIP or open_clip.CustomTextCLIP
        As OpenCLIP makes it.
    tokenizer : callable
        Its tokenizer.
    pretrained : bool
        Whether weights will be loaded.
    """

    def __init__(self, model: Any, tokenizer: Callable[..., torch.Tensor], *, pretrained: bool) -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        size = model.visual.image_size
        self.image_size = int(size[0] if isinstance(size, (tuple, list)) else size)
        with torch.no_grad():
            self.dim = int(self.embed_text(["."]).shape[-1])
        self.suggested_lr = 1e-5 if pretrained else 5e-4

    @property
    def image_tower(self) -> nn.Module:
        """The visual tower: images (N, 3, size, size) to (N, dim)."""
        return self.model.visual

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, 3, image_size, image_size) as (N, dim)."""
        return self.model.encode_image(images)

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts as (N, dim)."""
        tokens = self.tokenizer(list(texts)).to(next(self.model.parameters()).device)
        return self.model.encode_text(tokens)

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the visual tower's parameters: the stem's, each block's or stage's, the head's with the last.

        Raises
        ------
        ConfigError
            If the tower is not of a kind that is known.
        """
        parts = find_parts(self.model.visual)
        if parts is None:
            raise ConfigError(
                f"The image tower of '{name_of(self)}', a {type(self.model.visual).__name__}, does not say what its "
                "blocks are.",
                hint="Train its layers alike, or choose another backbone, e.g. open_clip:ViT-B-16.",
            )
        return grouped(self.model.visual, parts)

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing of both towers.

        Raises
        ------
        ConfigError
            If the image tower has none, or has BatchNorm, which would count each batch twice.
        """
        if not recomputes(self.model.visual):
            if not on:
                return
            raise ConfigError(
                f"The image tower of '{name_of(self)}' has no gradient checkpointing.",
                hint="Train without it, with a smaller --batch-size.",
            )
        self.model.set_grad_checkpointing(on)


def build(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> OpenClip:
    """Make an architecture by OpenCLIP's name, e.g. ``ViT-B-16``.

    Raises
    ------
    UnknownName
        If OpenCLIP has no such architecture, with the nearest.
    ConfigError
        If its tokenizer or towers come from a hub and are not at hand.
    """
    import open_clip

    _check(architecture)
    try:
        with _no_log():
            model = open_clip.create_model(architecture, pretrained=None)
        tokenizer = open_clip.get_tokenizer(architecture)
    except OSError as error:
        raise ConfigError(
            f"The OpenCLIP architecture '{architecture}' needs files from a model hub: {error}.",
            hint="Choose one whose towers are OpenCLIP's own, e.g. open_clip:ViT-B-16.",
        ) from error
    return OpenClip(model, tokenizer, pretrained=weights is not None)


@contextmanager
def _no_log() -> Iterator[None]:
    """Keep OpenCLIP from warning that it loads no weights: galaxtool does, or was told not to."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def known_weights(architecture: str) -> list[Weights]:
    """List the pretrained weights that OpenCLIP knows for an architecture and a hub serves, in its order.

    Raises
    ------
    UnknownName
        If OpenCLIP has no such architecture, with the nearest.
    """
    import open_clip

    _check(architecture)
    size = (open_clip.get_model_config(architecture) or {}).get("vision_cfg", {}).get("image_size", 224)
    found = []
    for tag in open_clip.list_pretrained_tags_by_model(architecture):
        record = open_clip.get_pretrained_cfg(architecture, tag) or {}
        hub = record.get("hf_hub", "")
        if hub:
            place = hub if not hub.endswith("/") else f"{hub}open_clip_model.safetensors"
            mean, std = (tuple(record.get(key) or default) for key, default in (("mean", MEAN), ("std", STD)))
            found.append(
                Weights(
                    tag=tag,
                    uri=f"hf-hub:{place}",
                    licence=f"see https://huggingface.co/{'/'.join(place.split('/')[:2])}",
                    citation=of_openclip(architecture, tag),
                    image_size=int(size[0] if isinstance(size, (tuple, list)) else size),
                    mean=mean,
                    std=std,
                )
            )
    return found


def _check(architecture: str) -> None:
    import open_clip

    known = open_clip.list_models()
    if architecture not in known:
        raise UnknownName("OpenCLIP architecture", architecture, known)


def build_vit_b_16(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> OpenClip:
    """Make ViT-B-16, whatever short name it was asked by."""
    return build(architecture="ViT-B-16", weights=weights, resolve=resolve)


def build_convnext_base_w(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> OpenClip:
    """Make convnext_base_w, whatever short name it was asked by."""
    return build(architecture="convnext_base_w", weights=weights, resolve=resolve)
