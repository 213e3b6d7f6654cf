"""Shallow and deep fine-tuning: train only the last blocks of the image tower, or all but the first ones.

In Alberghi et al. 2024, sections 4.2 and 4.3, shallow tuning of VGG11 trains a new classifier on frozen convolutions,
and deep tuning keeps only the first convolutions as they were pretrained. The paper says that the later ones are
"substituted", but not whether they start from new random weights, so this is an option.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from galaxtool.backbones.abilities import blocks_of, name_of
from galaxtool.errors import ConfigError
from galaxtool.methods.freezing import PartlyFrozenStage
from galaxtool.training.stage import Stage
from galaxtool.training.task import Task


def shallow_stages(task: Task) -> list[Stage]:
    """Train the head and the last ``blocks`` blocks, by default one.

    Raises
    ------
    ConfigError
        If the backbone has fewer blocks, or does not say what they are.
    """
    last = int(task.options.method["blocks"])
    task.backbone.image_tower.requires_grad_(False)
    if last != 0:
        groups = blocks_of(task.backbone)
        _check("blocks", last, 0, len(groups), task.backbone)
        _thaw(groups[-last:])
    return [PartlyFrozenStage(task, "last blocks" if last else "head")]


def deep_stages(task: Task) -> list[Stage]:
    """Train the head and all but the first ``frozen`` blocks, by default all but the stem.

    With ``reset``, what trains starts from random weights.

    Raises
    ------
    ConfigError
        If the backbone has no more blocks than that, or does not say what they are.
    """
    first, groups = int(task.options.method["frozen"]), blocks_of(task.backbone)
    _check("frozen", first, 0, len(groups) - 1, task.backbone)
    task.backbone.image_tower.requires_grad_(False)
    _thaw(groups[first:])
    if task.options.method["reset"]:
        reset_learning(task.backbone.image_tower)
    return [PartlyFrozenStage(task, "later blocks")]


def reset_learning(tower: nn.Module) -> None:
    """Draw the weights of those layers anew whose parameters all require a gradient, as PyTorch does at their making.

    A parameter that belongs to no layer that can be reset, such as a token, stays.
    """
    for module in tower.modules():
        own = list(module.parameters(recurse=False))
        reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
        if own and callable(reset) and all(p.requires_grad for p in own):
            reset()


def _thaw(groups: list[list[nn.Parameter]]) -> None:
    for group in groups:
        for parameter in group:
            parameter.requires_grad_(True)


def _check(option: str, value: int, least: int, most: int, backbone: Any) -> None:
    if not least <= value <= most:
        raise ConfigError(
            f"--option {option}={value}: with the backbone '{name_of(backbone)}' it must be {least} to {most}.",
            hint="The stem, and each block or stage after it, count one.",
        )
