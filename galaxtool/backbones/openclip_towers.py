"""Blocks and gradient checkpointing of the image towers in OpenCLIP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from galaxtool.backbones.timm.models import group_parameters_by_block


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


def supports_checkpointing(visual: nn.Module) -> bool:
    """Return whether a visual tower can recompute activations instead of storing them, with the same result."""
    if any(isinstance(module, _BatchNorm) for module in visual.modules()):
        return False
    trunk: Any = visual.trunk if isinstance(visual, TimmModel) else None
    return isinstance(visual, VisionTransformer) or hasattr(trunk, "set_grad_checkpointing")
