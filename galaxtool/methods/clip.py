"""Alignment of images and prompts without symbols: the bimodal ablation of Wang et al. 2024."""

from __future__ import annotations

import math

import torch
from torch import nn

from galaxtool.heads.prompt import PromptHead
from galaxtool.methods.losses import items_to_classes_loss, normalize_rows
from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, Task

_MAX_LOG_SCALE = math.log(100.0)  # as in CLIP


class ClipStage(Stage):
    """The only stage, which trains both towers and the temperature.

    Parameters
    ----------
    task : Task
        Data, model and settings.
    """

    def __init__(self, task: Task) -> None:
        super().__init__("images and prompts", task.options.epochs)
        self.task = task
        self.backbone = task.backbone
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.prompts = list(task.taxonomy.prompts)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the loss of the images against the prompts."""
        images = normalize_rows(self.backbone.embed(batch.images))
        prompts = normalize_rows(self.backbone.embed_text(self.prompts))
        scale = self.log_scale.clamp(max=_MAX_LOG_SCALE).exp()
        counts = batch.counts if self.task.options.contrast == "instance" else None
        weights = self.task.objective.weights(batch.targets)
        return items_to_classes_loss(images, prompts, batch.targets, scale, counts, weights)

    def make_head(self) -> PromptHead:
        """Return a head that scores by similarity to the prompts."""
        head = PromptHead(self.backbone.dim, len(self.prompts)).to(self.task.device)
        return head.fill(
            prompts=self.backbone.embed_text(self.prompts),
            symbols=None,
            log_scale=self.log_scale.clamp(max=_MAX_LOG_SCALE),
            score="prompt",
        )


def stages(task: Task) -> list[Stage]:
    """Create the only stage."""
    return [ClipStage(task)]
