"""Blocks, feature maps and gradient checkpointing of the image towers in OpenCLIP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from galaxtool.backbones.abilities import make_lack_error
from galaxtool.backbones.feature_maps import collect_maps
from galaxtool.backbones.timm.abilities import collect_timm_maps, find_timm_transformer
from galaxtool.backbones.timm.models import group_parameters_by_block
from galaxtool.backbones.transformer import Transformer, collect_token_maps


def find_parts(visual: nn.Module) -> Sequence[Iterable[nn.Parameter]] | None:
    """Return the parameters of a visual tower's stem and of each block; None for an unknown kind of tower.

    Parameters after the blocks may be missing: `galaxtool.backbones.abilities.make_groups` adds them to the last group.
    """
    tower: Any = visual
    if isinstance(visual, VisionTransformer):
        tokens = [tower.class_embedding, tower.positional_embedding]
        stem = [*tower.conv1.parameters(), *tokens, *tower.ln_pre.parameters()]
        return [stem, *(block.parameters() for block in tower.transformer.resblocks)]
    if isinstance(visual, ModifiedResNet):
        modules = (tower.conv1, tower.bn1, tower.conv2, tower.bn2, tower.conv3, tower.bn3)
        stages = (tower.layer1, tower.layer2, tower.layer3, tower.layer4)
        return [[p for module in modules for p in module.parameters()], *(stage.parameters() for stage in stages)]
    return group_parameters_by_block(tower.trunk) if isinstance(visual, TimmModel) else None


def find_tower_transformer(visual: nn.Module) -> Transformer | None:
    """Return the parts of a visual tower that is a vision transformer, of OpenCLIP or of timm; None for others."""
    tower: Any = visual
    if isinstance(visual, TimmModel):
        return find_timm_transformer(tower.trunk)
    if not isinstance(visual, VisionTransformer):
        return None
    return Transformer(
        blocks=list(tower.transformer.resblocks),
        # attentional pooling comes before the norm, which then is of another width
        norm=tower.ln_post if tower.attn_pool is None else nn.Identity(),
        patch=int(tower.patch_size[0]),
        prefix_tokens=1,
        class_token=True,
    )


def collect_tower_maps(visual: nn.Module, images: torch.Tensor, backbone: Any) -> list[tuple[torch.Tensor, int]]:
    """Return the maps (N, C, ny, nx) of a visual tower and their strides in pixels.

    Parameters
    ----------
    visual : torch.nn.Module
        Visual tower.
    images : torch.Tensor
        Images (N, C, ny, nx).
    backbone : galaxtool.backbones.protocols.Backbone
        Backbone that the tower belongs to, for the message of an error.

    Raises
    ------
    ConfigError
        If the layers of this kind of tower are not known.
    """
    tower: Any = visual
    if isinstance(visual, TimmModel):
        return collect_timm_maps(tower.trunk, images, backbone)
    parts = find_tower_transformer(visual)
    if parts is not None:
        return collect_token_maps(visual, parts, images)
    if isinstance(visual, ModifiedResNet):
        return collect_maps(visual, [tower.act3, tower.layer1, tower.layer2, tower.layer3, tower.layer4], images)
    raise make_lack_error(
        backbone,
        f"has an image tower, a {type(visual).__name__}, whose feature maps are not known",
        hint="Choose another backbone, e.g. open_clip:ViT-B-16.",
    )


def embed_unprojected(visual: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return the features (N, width) of a visual tower before its projection to the length of the text embeddings.

    Those of a ResNet, whose attention pooling projects too, are the mean over the last map.
    """
    tower: Any = visual
    if isinstance(visual, TimmModel):
        features: torch.Tensor = tower.trunk(images)
        return features if features.ndim == 2 else features.mean(dim=(2, 3))
    if isinstance(visual, ModifiedResNet):
        return collect_maps(visual, [tower.layer4], images)[-1][0].mean(dim=(2, 3))
    projection = getattr(tower, "proj", None)
    if not isinstance(projection, nn.Parameter):
        return torch.as_tensor(tower(images))
    tower.proj = None  # OpenCLIP then leaves the projection out
    try:
        return torch.as_tensor(tower(images))
    finally:
        tower.proj = projection


def supports_checkpointing(visual: nn.Module) -> bool:
    """Return whether a visual tower can recompute activations instead of storing them, with the same result."""
    if any(isinstance(module, _BatchNorm) for module in visual.modules()):
        return False
    trunk: Any = visual.trunk if isinstance(visual, TimmModel) else None
    return isinstance(visual, VisionTransformer) or hasattr(trunk, "set_grad_checkpointing")
