"""Backbones from OpenCLIP, of any of its architectures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import nn

from galaxtool.backbones.abilities import get_name, make_groups
from galaxtool.backbones.citations import cite_openclip_weights
from galaxtool.backbones.openclip.text import OpenClipText, make_tokenizer
from galaxtool.backbones.openclip.towers import (
    collect_tower_maps,
    embed_unprojected,
    find_parts,
    find_tower_transformer,
    supports_checkpointing,
)
from galaxtool.backbones.tokens import Tokenizer
from galaxtool.backbones.transformer import Transformer, TransformerAbilities
from galaxtool.errors import ConfigError, UnknownName
from galaxtool.plugins.specs import Weights
from galaxtool.utils.config import is_offline
from galaxtool.utils.optional_imports import require
from galaxtool.utils.privacy import forbid_downloads

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""OpenAI's normalization, which OpenCLIP uses for weights that do not define another."""


class OpenClip(TransformerAbilities, nn.Module):
    """An OpenCLIP model; see `galaxtool.backbones.protocols.Backbone`.

    Parameters
    ----------
    model : open_clip.CLIP or open_clip.CustomTextCLIP
        Model as created by OpenCLIP.
    tokenizer : callable
        Tokenizer of the model.
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
        tower: nn.Module = self.model.visual
        return tower

    @property
    def logit_scale(self) -> torch.Tensor:
        """Logarithm of 1 / tau that the weights were trained with."""
        scale: torch.Tensor = self.model.logit_scale
        return scale

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images (N, 3, image_size, image_size) as (N, dim)."""
        embedded: torch.Tensor = self.model.encode_image(images)
        return embedded

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed texts as (N, dim)."""
        tokens = self.tokenizer(list(texts)).to(next(self.model.parameters()).device)
        embedded: torch.Tensor = self.model.encode_text(tokens)
        return embedded

    def text_encoder(self) -> tuple[nn.Module, Tokenizer]:
        """Return the text tower, from token ids (N, context) to (N, dim), and its tokenizer.

        Raises
        ------
        ConfigError
            If the tokenizer is not CLIP's own.
        """
        return OpenClipText(self.model), make_tokenizer(self.tokenizer, self)

    def penultimate(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features of images before the projection, (N, width)."""
        return embed_unprojected(self.model.visual, images)

    def features(self, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
        """Return the map of each stage, or of each block of a vision transformer, and its stride in pixels.

        Raises
        ------
        ConfigError
            If the layers of this kind of tower are not known.
        """
        return collect_tower_maps(self.model.visual, images, self)

    def find_transformer(self) -> Transformer | None:
        """Return the parts of the visual tower if it is a vision transformer."""
        return find_tower_transformer(self.model.visual)

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of the visual tower's stem and of each block or stage; the head joins the last one.

        Raises
        ------
        ConfigError
            If the blocks of this kind of tower are not known.
        """
        parts = find_parts(self.model.visual)
        if parts is None:
            raise ConfigError(
                f"The image tower of '{get_name(self)}', a {type(self.model.visual).__name__}, does not define its "
                "blocks.",
                hint="Train all its layers at the same rate, or choose another backbone, e.g. open_clip:ViT-B-16.",
            )
        return make_groups(self.model.visual, parts)

    def set_checkpointing(self, on: bool) -> None:
        """Switch gradient checkpointing of both towers.

        Raises
        ------
        ConfigError
            If the image tower does not support it, or has BatchNorm, which would count each batch twice.
        """
        if not supports_checkpointing(self.model.visual):
            if not on:
                return
            raise ConfigError(
                f"The image tower of '{get_name(self)}' does not support gradient checkpointing.",
                hint="Train without it, with a smaller --batch-size.",
            )
        self.model.set_grad_checkpointing(on)


def build(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> OpenClip:
    """Create an architecture by its name in OpenCLIP, e.g. ``ViT-B-16``.

    Raises
    ------
    UnknownName
        If OpenCLIP has no such architecture. The message suggests the nearest name.
    ConfigError
        If the tokenizer or the towers must be downloaded from a hub and cannot be.
    """
    _check_architecture(architecture)
    if is_offline():
        forbid_downloads()
    if _needs_transformers(architecture):
        require("transformers", why=f"The text tower of '{architecture}'", install="galaxtool[towers]")
    try:
        with _silence_logging():
            model = open_clip.create_model(architecture, pretrained=None)
        tokenizer = open_clip.get_tokenizer(architecture)
    except OSError as error:
        raise ConfigError(
            f"The OpenCLIP architecture '{architecture}' needs files from a model hub: {_first_line(error)}.",
            hint="Choose one whose towers are OpenCLIP's own, e.g. open_clip:ViT-B-16.",
        ) from error
    return OpenClip(model, tokenizer, pretrained=weights is not None)


def _needs_transformers(architecture: str) -> bool:
    """Tell whether a part of an architecture is from the hub of Hugging Face."""
    texts = (open_clip.get_model_config(architecture) or {}).get("text_cfg", {})
    return any(key.startswith("hf_") for key in texts)


def build_vit_b_16(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> OpenClip:
    """Create ViT-B-16 for any of its short names."""
    return build(architecture="ViT-B-16", weights=weights, resolve=resolve)


def build_convnext_base_w(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> OpenClip:
    """Create convnext_base_w for any of its short names."""
    return build(architecture="convnext_base_w", weights=weights, resolve=resolve)


def list_weights(architecture: str) -> list[Weights]:
    """List the pretrained weights of an architecture that OpenCLIP knows and a hub serves, in OpenCLIP's order.

    Raises
    ------
    UnknownName
        If OpenCLIP has no such architecture. The message suggests the nearest name.
    """
    _check_architecture(architecture)
    size = (open_clip.get_model_config(architecture) or {}).get("vision_cfg", {}).get("image_size", 224)
    records = []
    for tag in open_clip.list_pretrained_tags_by_model(architecture):
        config = open_clip.get_pretrained_cfg(architecture, tag) or {}
        hub = config.get("hf_hub", "")
        if hub:
            path = hub if not hub.endswith("/") else f"{hub}open_clip_model.safetensors"
            mean, std = (tuple(config.get(key) or default) for key, default in (("mean", MEAN), ("std", STD)))
            records.append(
                Weights(
                    tag=tag,
                    uri=f"hf-hub:{path}",
                    licence=f"see https://huggingface.co/{'/'.join(path.split('/')[:2])}",
                    citation=cite_openclip_weights(architecture, tag),
                    image_size=int(size[0] if isinstance(size, (tuple, list)) else size),
                    mean=mean,
                    std=std,
                )
            )
    return records


def _first_line(error: Exception) -> str:
    return next((line.rstrip(".") for line in str(error).splitlines() if line.strip()), type(error).__name__)


@contextmanager
def _silence_logging() -> Iterator[None]:
    """Suppress OpenCLIP's warning that it loads no weights, because galaxtool loads them itself if there are any."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _check_architecture(architecture: str) -> None:
    known = open_clip.list_models()
    if architecture not in known:
        raise UnknownName("OpenCLIP architecture", architecture, known)
