"""How the stages of a training are computed: BatchNorm over several GPUs, activations computed again, compilation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from galaxtool.errors import ConfigError
from galaxtool.training import distributed
from galaxtool.training.optimizer import compute_layer_scales
from galaxtool.training.stage import Stage
from galaxtool.training.task import Task


def prepare_stages(task: Task, stages: nn.ModuleList) -> None:
    """Let the stages of a task be computed as its options say, in place.

    Raises
    ------
    ConfigError
        If an option cannot be met by the backbone, or would change nothing with what the stages train.
    """
    if distributed.size() > 1 and task.device.type == "cuda":  # on the CPU there is none
        from timm.layers import convert_sync_batchnorm  # torch's own loses the activations of timm's layers

        convert_sync_batchnorm(stages)
    _check_useful(task, [stage for stage in stages if isinstance(stage, Stage)])
    if task.options.checkpointing:
        from galaxtool.backbones.abilities import set_checkpointing

        set_checkpointing(task.backbone, True)
    if task.options.compile:
        # with a borrowed text encoder the image tower is put together anew each time
        getattr(task.backbone, "image", task.backbone).image_tower.compile()


def _check_useful(task: Task, stages: Sequence[Stage]) -> None:
    """Raise where an option is about layers that do not learn."""
    options, backbone = task.options, task.backbone
    if options.checkpointing and not _learns(backbone, stages):
        raise ConfigError(
            "--checkpointing changes nothing: no layer of the image encoder learns, so no activations are kept.",
            hint="Leave it out. For less memory, use --accumulate or a smaller --batch-size.",
        )
    if options.layer_decay != 1 and not any(
        compute_layer_scales(stage, backbone, options.layer_decay).get(parameter, 1.0) != 1
        for stage in stages
        for parameter in stage.trainable()
    ):
        raise ConfigError(
            "--layer-decay changes nothing: of the image encoder no block but the last learns.",
            hint="Leave it out, or let more blocks learn.",
        )


def _learns(backbone: Any, stages: Iterable[Stage]) -> bool:
    tower = {id(parameter) for parameter in backbone.image_tower.parameters()}
    return any(id(parameter) in tower for stage in stages for parameter in stage.trainable())
