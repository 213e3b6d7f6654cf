"""The progress and the outcome of a training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import nn


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a training.

    Parameters
    ----------
    head : torch.nn.Module
        Head of the best epoch; the backbone has the weights of that epoch too.
    symbol_tower : torch.nn.Module or None
        Symbol encoder of the best epoch, if it is not the image tower.
    best : dict
        Best row of the history.
    history : list of dict
        One row per epoch.
    """

    head: nn.Module
    symbol_tower: nn.Module | None
    best: dict[str, Any]
    history: list[dict[str, Any]]


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
    """

    stage: int = 0
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    seen: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
