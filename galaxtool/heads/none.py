"""No classes: the head of a model that has learned without labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool.errors import TrainingError
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.training.options import TrainOptions


class NoHead(nn.Module):
    """Gives every image the same score, whatever its features (N, dim): zeros (N, n_classes).

    Parameters
    ----------
    n_classes : int
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return zeros (N, n_classes)."""
        return (features[:, :1] * 0).repeat(1, self.n_classes)


def build(*, dim: int, n_classes: int) -> NoHead:
    """Make it."""
    return NoHead(n_classes)


class NoObjective:
    """Nothing is known of the images; an `galaxtool.training.objective.Objective`.

    Parameters
    ----------
    taxonomy, options, targets
        Not used.
    """

    n_outputs = 1

    def __init__(self, *, taxonomy: Taxonomy, options: TrainOptions, targets: np.ndarray) -> None:
        del taxonomy, options, targets

    def weights(self, targets: torch.Tensor) -> None:
        """All count alike."""

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Raise `TrainingError`: there is nothing to compare with."""
        raise TrainingError("None of the images has a label.", hint="Use --method dino-lora, which needs none.")

    def validate(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, float]:
        """Return no score."""
        return {}

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Take the last epoch for the best."""
        return (float(row["epoch"]),)

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> float:
        """Return 1."""
        return 1.0

    def metrics(
        self, logits: torch.Tensor, targets: np.ndarray, embeddings: np.ndarray, *, temperature: float, seed: int
    ) -> dict[str, Any]:
        """Return the number of images."""
        return {"n": len(targets)}
