"""Shallow and deep fine-tuning: train only the last blocks of the image tower, or all but the first ones.

In Alberghi et al. 2024, sections 4.2 and 4.3, shallow tuning of VGG11 trains a new classifier, three fully connected
layers from new random weights, on frozen convolutions, and deep tuning keeps only the first convolutions as they were
pretrained. The paper states that the later ones are "substituted", but not whether they start from new random weights,
so this is an option.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from galaxtool.backbones.abilities import find_classifier, get_name, group_by_block
from galaxtool.errors import ConfigError
from galaxtool.methods.freezing import PartlyFrozenStage
from galaxtool.training.stage import Stage
from galaxtool.training.task import Task


def shallow_stages(task: Task) -> list[Stage]:
    """Create the stage that trains the head and the last ``blocks`` blocks, by default one.

    With ``reset=true``, the trained layers start from random weights; with ``reset=auto``, only the fully connected
    layers of a network such as VGG do, which are its last block.

    Raises
    ------
    ConfigError
        If the backbone has fewer blocks, or does not define them.
    """
    last, reset = int(task.options.method["blocks"]), task.options.method["reset"]
    tower = task.backbone.image_tower
    tower.requires_grad_(False)
    if last != 0:
        groups = group_by_block(task.backbone)
        _check_range("blocks", last, 0, len(groups), task.backbone)
        _unfreeze(groups[-last:])
    replaced = tower if reset == "true" else find_classifier(task.backbone) if reset == "auto" else None
    if replaced is not None:
        reset_trainable_layers(replaced)
    return [PartlyFrozenStage(task, "last blocks" if last else "head")]


def deep_stages(task: Task) -> list[Stage]:
    """Create the stage that trains the head and all but the first ``frozen`` blocks, by default all but the stem.

    With ``reset``, the trained layers start from random weights.

    Raises
    ------
    ConfigError
        If the backbone has no further blocks, or does not define them.
    """
    first, groups = int(task.options.method["frozen"]), group_by_block(task.backbone)
    _check_range("frozen", first, 0, len(groups) - 1, task.backbone)
    task.backbone.image_tower.requires_grad_(False)
    _unfreeze(groups[first:])
    if task.options.method["reset"]:
        reset_trainable_layers(task.backbone.image_tower)
    return [PartlyFrozenStage(task, "later blocks")]


def reset_trainable_layers(tower: nn.Module) -> None:
    """Draw new random weights, as PyTorch initializes them, for the layers whose parameters all require a gradient.

    Parameters outside such layers, for example tokens, keep their values.
    """
    for module in tower.modules():
        own = list(module.parameters(recurse=False))
        reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
        if own and callable(reset) and all(p.requires_grad for p in own):
            reset()


def _unfreeze(groups: list[list[nn.Parameter]]) -> None:
    for group in groups:
        for parameter in group:
            parameter.requires_grad_(True)


def _check_range(option: str, value: int, least: int, most: int, backbone: Any) -> None:
    if not least <= value <= most:
        raise ConfigError(
            f"--option {option}={value}: with the backbone '{get_name(backbone)}' it must be {least} to {most}.",
            hint="The stem and each block or stage after it count as one block each.",
        )
