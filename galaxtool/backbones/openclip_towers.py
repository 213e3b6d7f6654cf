"""The kinds of image towers that OpenCLIP has, taken apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

Parts = list[Iterable[nn.Parameter]]


def find_parts(visual: nn.Module) -> Parts | None:
    """Return the parameters of a visual tower's stem and of each block; None for a tower of another kind.

    What comes after the blocks may be missing: `galaxtool.backbones.abilities.grouped` gives it to the last.
    """
    from open_clip.modified_resnet import ModifiedResNet
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer

    tower: Any = visual
    if isinstance(visual, VisionTransformer):
        tokens = [tower.class_embedding, tower.positional_embedding]
        stem = [*tower.conv1.parameters(), *tokens, *tower.ln_pre.parameters()]
        return [stem, *(block.parameters() for block in tower.transformer.resblocks)]
    if isinstance(visual, ModifiedResNet):
        modules = (tower.conv1, tower.bn1, tower.conv2, tower.bn2, tower.conv3, tower.bn3)
        stages = (tower.layer1, tower.layer2, tower.layer3, tower.layer4)
        return [[p for module in modules for p in module.parameters()], *(stage.parameters() for stage in stages)]
    if isinstance(visual, TimmModel) and hasattr(tower.trunk, "group_matcher"):
        return _parts_of_timm(tower.trunk)
    return None


def recomputes(visual: nn.Module) -> bool:
    """Return whether a visual tower can compute activations again instead of keeping them, with the same result."""
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer

    if any(isinstance(module, _BatchNorm) for module in visual.modules()):
        return False
    trunk: Any = visual.trunk if isinstance(visual, TimmModel) else None
    return isinstance(visual, VisionTransformer) or hasattr(trunk, "set_grad_checkpointing")


def _parts_of_timm(trunk: Any) -> Parts:
    from timm.models import group_parameters

    matcher = trunk.group_matcher(coarse=True)
    if isinstance(matcher, dict):
        # what timm would make a group of its own, its final norm, belongs to the last block
        matcher = {**matcher, "rest": [("", (99999,))]}
    groups = group_parameters(trunk, matcher, return_values=True)
    return [groups[key] for key in sorted(groups)]
