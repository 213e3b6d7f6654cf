"""Feature maps of timm's models, and the parts of its vision transformers."""

from __future__ import annotations

from typing import Any

import torch
from timm.models.beit import Beit
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer_relpos import VisionTransformerRelPos

from galaxtool.backbones.abilities import make_lack_error
from galaxtool.backbones.feature_maps import find_stride
from galaxtool.backbones.transformer import Transformer

# other models of timm with blocks add the class token late, or attend within windows
_TRANSFORMERS = (VisionTransformer, VisionTransformerRelPos, Eva, Beit)


def find_timm_transformer(model: Any) -> Transformer | None:
    """Return the parts of a vision transformer of timm; None for other architectures."""
    if not isinstance(model, _TRANSFORMERS):
        return None
    parts: Any = model
    return Transformer(
        blocks=list(parts.blocks),
        norm=parts.norm,
        patch=int(parts.feature_info[-1]["reduction"]),
        prefix_tokens=int(parts.num_prefix_tokens),
        class_token=getattr(parts, "cls_token", None) is not None,
    )


def collect_timm_maps(model: Any, images: torch.Tensor, backbone: Any) -> list[tuple[torch.Tensor, int]]:
    """Return the map (N, C, ny, nx) of each stage or block of a timm model, and its stride in pixels.

    Parameters
    ----------
    model : torch.nn.Module
        Model of timm.
    images : torch.Tensor
        Images (N, C, ny, nx).
    backbone : galaxtool.backbones.protocols.Backbone
        Backbone that the model belongs to, for the message of an error.

    Raises
    ------
    ConfigError
        If timm does not give the maps of the model.
    """
    if not hasattr(model, "forward_intermediates"):
        raise make_lack_error(backbone, "has no feature maps in timm", hint="Choose another architecture.")
    parts = find_timm_transformer(model)
    maps: list[torch.Tensor] = model.forward_intermediates(images, intermediates_only=True)
    return [(x, parts.patch if parts else find_stride(images, x)) for x in maps]
