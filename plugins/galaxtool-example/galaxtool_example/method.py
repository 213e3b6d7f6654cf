"""Two methods: one derived from another in two lines, and one with its own stage."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool import Batch, Stage, Task, get_registry
from galaxtool_example.head import build as build_head


def one_stage(task: Task) -> list[Stage]:
    """Keep the first of GalaxAlign's two stages."""
    stages: list[Stage] = get_registry().methods.find("galaxalign").create(task)
    return stages[:1]


class CosineStage(Stage):
    """Train the image tower and a cosine head with the cross-entropy loss."""

    def __init__(self, task: Task) -> None:
        super().__init__("cosine", task.options.epochs)
        self.tower = task.backbone.image_tower
        self.head = build_head(dim=task.backbone.dim, n_classes=len(task.taxonomy))

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the cross-entropy."""
        return F.cross_entropy(self.head(self.tower(batch.images)).float(), batch.targets)

    def make_head(self) -> nn.Module:
        """Return the head in its current state."""
        return self.head


def cosine(task: Task) -> list[Stage]:
    """Return the stage."""
    return [CosineStage(task)]
