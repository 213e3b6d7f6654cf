"""Plain cross-entropy on a linear head, all layers trained."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.heads.linear import build
from galaxtool.training.task import Batch, Stage, Task


class CrossEntropyStage(Stage):
    """The image tower and a linear head.

    Parameters
    ----------
    task : Task
    """

    def __init__(self, task: Task) -> None:
        super().__init__("cross-entropy", task.options.epochs)
        self.tower = task.backbone.image_tower
        self.head = build(dim=task.backbone.dim, n_classes=len(task.taxonomy))

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the cross-entropy."""
        return F.cross_entropy(self.head(self.tower(batch.images)).float(), batch.targets)

    def make_head(self) -> nn.Module:
        """Return the linear layer."""
        return self.head


def stages(task: Task) -> list[Stage]:
    """Make the one stage."""
    return [CrossEntropyStage(task)]
