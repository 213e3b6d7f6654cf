"""Supervised training of the image tower and a head."""

from __future__ import annotations

import torch
from torch import nn

from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, Task


class SupervisedStage(Stage):
    """A stage that trains the image tower and the head by the loss of the objective, e.g. cross-entropy for classes.

    Parameters
    ----------
    task : Task
        Data, model and settings.
    name : str
        Name of the stage in progress messages and ``history.csv``.
    """

    def __init__(self, task: Task, name: str = "cross-entropy") -> None:
        super().__init__(name, task.options.epochs)
        self.task = task
        self.tower = task.backbone.image_tower
        self.head = task.make_head()

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the loss of the objective."""
        return self.task.objective.loss(self.head(self.tower(batch.images)), batch.targets)

    def make_head(self) -> nn.Module:
        """Return the head."""
        return self.head


def stages(task: Task) -> list[Stage]:
    """Create the only stage."""
    return [SupervisedStage(task)]
