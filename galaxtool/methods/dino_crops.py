"""The size of the local crops that DINO's student gets."""

from __future__ import annotations

import torch
from torch import nn

from galaxtool.training.task import Task

_LOCAL_FRACTION = 3 / 7  # of the side of the global crops: 96 of 224 pixels


def choose_local_size(task: Task) -> int:
    """Return the side of local crops: about 3/7 of the picture's, or the whole side if the tower takes no other size.

    Sizes are tried one by one, because transformers need a multiple of their patch.
    """
    size, tower = task.preprocess.size, task.backbone.image_tower
    channels = len(task.preprocess.channels)
    for step in (32, 16, 14, 8, 1):
        side = max(1, round(size * _LOCAL_FRACTION / step)) * step
        if side < size and _accepts(tower, torch.zeros(1, channels, side, side, device=task.device), task.backbone.dim):
            return side
    return size


@torch.no_grad()
def _accepts(tower: nn.Module, images: torch.Tensor, dim: int) -> bool:
    """Return whether a tower has finite features (N, dim) for images of this size."""
    training = tower.training
    tower.eval()
    try:
        features = tower(images)
        return tuple(features.shape) == (len(images), dim) and bool(features.isfinite().all())
    except Exception:  # towers raise different exceptions
        return False
    finally:
        tower.train(training)
