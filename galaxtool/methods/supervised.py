"""A head on the features, trained with the image tower or with a part of it."""

from __future__ import annotations

import torch
from torch import nn

from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, Task


class SupervisedStage(Stage):
    """The image tower and the head, by the objective's loss: cross-entropy for classes.

    Parameters
    ----------
    task : Task
    name : str
        For progress and ``history.csv``.
    """

    def __init__(self, task: Task, name: str = "cross-entropy") -> None:
        super().__init__(name, task.options.epochs)
        self.task = task
        self.tower = task.backbone.image_tower
        self.head = task.make_head()

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the objective's loss."""
        return self.task.objective.loss(self.head(self.tower(batch.images)), batch.targets)

    def make_head(self) -> nn.Module:
        """Return the head."""
        return self.head


def stages(task: Task) -> list[Stage]:
    """Make the one stage."""
    return [SupervisedStage(task)]
