"""Prepare the stages of a training: BatchNorm over several GPUs, activation checkpointing, compilation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from galaxtool.backbones.abilities import set_checkpointing
from galaxtool.errors import ConfigError
from galaxtool.training import distributed
from galaxtool.training.losses.label_noise import LabelNoise
from galaxtool.training.optimizer import compute_layer_scales
from galaxtool.training.stage import Stage
from galaxtool.training.task import Task
from galaxtool.utils.optional_imports import import_attribute


def prepare_stages(task: Task, stages: nn.ModuleList) -> None:
    """Prepare the stages of a task in place, as its options say.

    Raises
    ------
    ConfigError
        If the backbone does not support an option, or an option has no effect on what the stages train.
    """
    if distributed.size() > 1 and task.device.type == "cuda":  # not available on the CPU
        # torch's own function drops the activations of timm's layers
        import_attribute("timm.layers:convert_sync_batchnorm")(stages)
    noise = getattr(task.objective, "noise", None)  # only an objective of classes has it
    if isinstance(noise, LabelNoise):
        noise.to(task.device)
        for stage in stages:
            stage.label_noise = noise
    _check_options(task, [stage for stage in stages if isinstance(stage, Stage)])
    if task.options.checkpointing:
        set_checkpointing(task.backbone, True)
    if task.options.compile:
        # with a borrowed text encoder, the property image_tower makes a new module at every access
        getattr(task.backbone, "image", task.backbone).image_tower.compile()


def _check_options(task: Task, stages: Sequence[Stage]) -> None:
    """Raise `ConfigError` for an option that concerns only layers that do not learn."""
    options, backbone = task.options, task.backbone
    if options.checkpointing and not _trains_encoder(backbone, stages):
        raise ConfigError(
            "--checkpointing changes nothing: no layer of the image encoder learns, so no activations are stored.",
            hint="Leave it out. For less memory, use --accumulate or a smaller --batch-size.",
        )
    if options.layer_decay != 1 and not any(
        compute_layer_scales(stage, backbone, options.layer_decay).get(parameter, 1.0) != 1
        for stage in stages
        for parameter in stage.trainable()
    ):
        raise ConfigError(
            "--layer-decay changes nothing: only the last block of the image encoder learns.",
            hint="Leave it out, or let more blocks learn.",
        )


def _trains_encoder(backbone: Any, stages: Iterable[Stage]) -> bool:
    tower = {id(parameter) for parameter in backbone.image_tower.parameters()}
    return any(id(parameter) in tower for stage in stages for parameter in stage.trainable())
