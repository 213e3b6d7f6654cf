"""Optional abilities of backbones: blocks of the image tower, gradient checkpointing, maps, tokens and attention."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.layers import CLASS_TOKENS, PENULTIMATE
from galaxtool.backbones.tokens import Tokenizer
from galaxtool.errors import ConfigError

TRANSFORMER_HINT = "Choose a vision transformer with a class token, e.g. dinov1-s, vit-16 or clip-vit-16."


def get_name(backbone: Any) -> str:
    """Return the full name by which a backbone was created, or else the name of its class."""
    return str(getattr(backbone, "registered_name", type(backbone).__name__))


def group_by_block(backbone: Any) -> list[list[nn.Parameter]]:
    """Return the parameters of a backbone's image tower in groups, from the stem to the head.

    The first group is the stem: patch embedding, tokens, and everything else before the first block. Each transformer
    block or residual stage is a further group, and the last one also has the final norm and projection. Every parameter
    of the tower is in exactly one group.

    Raises
    ------
    ConfigError
        If the backbone does not define its blocks.
    """
    groups: list[list[nn.Parameter]] = _get_method(
        backbone, "blocks", "does not define its blocks",
        hint="Train all its layers at the same rate, or choose a backbone with blocks, e.g. mini or "
        "open_clip:ViT-B-16.",
    )()  # fmt: skip
    return groups


def find_classifier(backbone: Any) -> nn.Module | None:
    """Return the fully connected layers between the last convolution of a backbone and the head, if it has such layers.

    A backbone such as VGG has a method ``classifier``, which returns them; they are its last block.
    """
    method: Any = getattr(getattr(backbone, "image", backbone), "classifier", None)
    found: nn.Module | None = method() if callable(method) else None
    return found


def set_checkpointing(backbone: Any, on: bool) -> None:
    """Switch gradient checkpointing of a backbone's image tower: activations are recomputed instead of stored.

    Raises
    ------
    ConfigError
        If it is to be switched on and the backbone does not support it.
    """
    if not on and not callable(getattr(backbone, "set_checkpointing", None)):
        return
    _get_method(
        backbone, "set_checkpointing", "does not support gradient checkpointing",
        hint="Train without it, with a smaller --batch-size.",
    )(on)  # fmt: skip


def extract_text_encoder(backbone: Any) -> tuple[nn.Module, Tokenizer]:
    """Return a backbone's text encoder, from token ids (N, context) to embeddings (N, dim), and its tokenizer.

    Raises
    ------
    ConfigError
        If the backbone does not have its text encoder as a part of its own, or its tokenizer needs PyTorch.
    """
    parts: tuple[nn.Module, Tokenizer] = _get_method(
        backbone, "text_encoder", "has no text encoder that can be exported",
        hint="Search by text with PyTorch, or train on mini or an open_clip backbone.",
    )()  # fmt: skip
    return parts


def extract_features(backbone: Any, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
    """Return feature maps of images (N, C, ny, nx), from the finest to the coarsest.

    Returns
    -------
    list of (torch.Tensor, int)
        Maps (N, channels, ny, nx) and the stride of each in pixels of the image, which never decreases. A
        convolutional network has one for each stage, a vision transformer one for each block.

    Raises
    ------
    ConfigError
        If the backbone has no feature maps.
    """
    maps: list[tuple[torch.Tensor, int]] = _get_method(
        backbone, "features", "has no feature maps", hint="Choose another backbone, e.g. mini or resnet18."
    )(images)
    return maps


def extract_cls_tokens(backbone: Any, images: torch.Tensor, last: int = 4) -> torch.Tensor:
    """Return the class tokens after the last blocks of a vision transformer, as (N, last, width).

    Raises
    ------
    ConfigError
        If the backbone has no class token, or fewer blocks.
    """
    tokens: torch.Tensor = _get_method(backbone, "cls_tokens", "has no class token", hint=TRANSFORMER_HINT)(
        images, last
    )
    return tokens


def extract_attention(backbone: Any, images: torch.Tensor) -> torch.Tensor:
    """Return the attention of the last block of a vision transformer, as (N, heads, T, T).

    Of the T tokens, the first are not patches (usually one, the class token); the patches follow row by row. The
    backbone's ``patch`` is the side of a patch in pixels, so that the number of patches is known.

    Raises
    ------
    ConfigError
        If the backbone has no attention.
    """
    weights: torch.Tensor = _get_method(backbone, "attention", "has no attention", hint=TRANSFORMER_HINT)(images)
    return weights


def extract_penultimate(backbone: Any, images: torch.Tensor) -> torch.Tensor:
    """Return the features of images before the projection to embeddings, (N, width).

    They are the embeddings themselves for a backbone that does not project its features.
    """
    method: Any = getattr(backbone, "penultimate", None)
    features: torch.Tensor = method(images) if callable(method) else backbone.embed(images)
    return features


def extract_layer(backbone: Any, images: torch.Tensor, layer: str) -> torch.Tensor:
    """Return the features (N, width) of one of the `galaxtool.backbones.layers`.

    Raises
    ------
    ConfigError
        If the backbone does not have it.
    """
    if layer == CLASS_TOKENS:
        return extract_cls_tokens(backbone, images, 4).flatten(1)
    if layer == PENULTIMATE:
        return extract_penultimate(backbone, images)
    embedded: torch.Tensor = backbone.embed(images)
    return embedded


def make_lack_error(backbone: Any, lack: str, *, hint: str) -> ConfigError:
    """Return the error that a backbone lacks an ability; `lack` completes a sentence that begins with its name."""
    return ConfigError(f"The backbone '{get_name(backbone)}' {lack}.", hint=hint)


def make_groups(tower: nn.Module, parts: Iterable[Iterable[nn.Parameter]]) -> list[list[nn.Parameter]]:
    """Return the groups of `group_by_block` for a tower.

    Parameters
    ----------
    tower : torch.nn.Module
        The image tower.
    parts : iterable of iterables of torch.nn.Parameter
        Parameters of the stem, then of each block. Parameters of the tower that are in none of them join the last
        group. Empty parts are dropped, and a parameter in two parts belongs to the first of them.
    """
    seen: set[int] = set()
    groups = [group for part in parts if (group := _take_unseen(part, seen))]
    rest = _take_unseen(tower.parameters(), seen)
    return [*groups[:-1], groups[-1] + rest] if groups else [rest]


def group_by_layer(modules: Iterable[nn.Module]) -> list[list[nn.Parameter]]:
    """Return the parameters of each module in turn; those of a normalization layer join the layer before it."""
    parts: list[list[nn.Parameter]] = []
    for module in modules:
        own = list(module.parameters())
        if parts and all(parameter.ndim < 2 for parameter in own):
            parts[-1] += own
        else:
            parts.append(own)
    return parts


def _take_unseen(parameters: Iterable[nn.Parameter], seen: set[int]) -> list[nn.Parameter]:
    """Return the parameters whose id is not in `seen`, and add their ids to it."""
    unseen = []
    for parameter in parameters:
        if id(parameter) not in seen:
            seen.add(id(parameter))
            unseen.append(parameter)
    return unseen


def _get_method(backbone: Any, name: str, lack: str, *, hint: str) -> Callable[..., Any]:
    method: Any = getattr(backbone, name, None)
    if not callable(method):
        raise make_lack_error(backbone, lack, hint=hint)
    bound: Callable[..., Any] = method
    return bound
