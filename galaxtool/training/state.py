"""The progress and the outcome of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from galaxtool.training.domain_norm import DomainStatistics


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a training.

    Parameters
    ----------
    head : torch.nn.Module
        Head of the best epoch; the backbone has the weights of that epoch too.
    symbol_tower : torch.nn.Module or None
        Symbol encoder of the best epoch, if it is not the image tower.
    symbol_statistics : DomainStatistics or None
        BatchNorm statistics with which the image tower encodes symbols, if it has any.
    best : dict
        Best row of the history.
    history : list of dict
        One row per epoch.
    """

    head: nn.Module
    symbol_tower: nn.Module | None
    best: dict[str, Any]
    history: list[dict[str, Any]]
    symbol_statistics: DomainStatistics | None = None


@dataclass
class TrainingState:
    """The progress of a training: the next step, and the history.

    Parameters
    ----------
    stage, epoch, step : int
        Position of the next step, each from 0.
    loss_sum : float
        Sum of the losses of the images seen in this epoch.
    seen : int
        Number of images seen in this epoch.
    history : list of dict
        One row per epoch, over all stages.
    sums : dict of str to list of 2 float
        Sum over this epoch of each further quantity, times its weight, and sum of its weights.
    """

    stage: int = 0
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    seen: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    sums: dict[str, list[float]] = field(default_factory=dict)

    def add_step(self, loss: float, n: int, terms: Mapping[str, float], norms: Mapping[str, float]) -> None:
        """Count a step of n items with its loss, the terms of the loss and the norms of the gradient."""
        self.step += 1
        self.seen += n
        self.loss_sum += loss * n
        weighted = [("loss", n, terms), ("grad", 1, norms)]
        for kind, weight, values in weighted:
            for name, value in values.items():
                total = self.sums.setdefault(f"{kind}_{name}", [0.0, 0.0])
                total[0] += value * weight
                total[1] += weight

    def compute_means(self) -> dict[str, float]:
        """Return the mean loss of this epoch, of its terms, and of the norms of the gradient."""
        means = {name: total / weight for name, (total, weight) in self.sums.items()}
        return {"loss": self.loss_sum / max(self.seen, 1), **means}

    def end_epoch(self, row: dict[str, Any]) -> None:
        """Append the row of this epoch to the history and begin the next epoch."""
        self.history.append(row)
        self.epoch += 1
        self.step, self.loss_sum, self.seen, self.sums = 0, 0.0, 0, {}
