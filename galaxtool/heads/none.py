"""The head of a model without classes, which has learned without labels."""

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
    """A head that gives every image the score zero for each class.

    Parameters
    ----------
    n_classes : int
        Number of outputs.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return zeros (N, n_classes) for features (N, dim)."""
        return (features[:, :1] * 0).repeat(1, self.n_classes)


def build(*, dim: int, n_classes: int) -> NoHead:
    """Create the head."""
    return NoHead(n_classes)


class NoObjective:
    """The `galaxtool.training.objective.Objective` of images without labels.

    Parameters
    ----------
    taxonomy, options, targets
        Ignored.
    """

    n_outputs = 1

    def __init__(self, *, taxonomy: Taxonomy, options: TrainOptions, targets: np.ndarray) -> None:
        del taxonomy, options, targets

    def weights(self, targets: torch.Tensor) -> None:
        """Return no weights: all images count the same."""

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Raise `TrainingError`, because there are no labels to compare with."""
        raise TrainingError("None of the images has a label.", hint="Use --method dino-lora, which needs none.")

    def validate(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, float]:
        """Return no scores."""
        return {}

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Return the number of the epoch, which makes the last one the best."""
        return (float(row["epoch"]),)

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> float:
        """Return the temperature 1."""
        return 1.0

    def metrics(
        self, logits: torch.Tensor, targets: np.ndarray, embeddings: np.ndarray, *, temperature: float, seed: int
    ) -> dict[str, Any]:
        """Return the number of images."""
        return {"n": len(targets)}
