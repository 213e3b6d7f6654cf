"""How far a training is, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import nn


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a training came to.

    Parameters
    ----------
    head : torch.nn.Module
        Of the best epoch, as the backbone now is too.
    symbol_tower : torch.nn.Module or None
        Of the best epoch, where it is not the image tower.
    best : dict
        The row of the history that was best.
    history : list of dict
        One row an epoch.
    """

    head: nn.Module
    symbol_tower: nn.Module | None
    best: dict[str, Any]
    history: list[dict[str, Any]]


@dataclass
class TrainingState:
    """How far a training is: the next step to do, and what came before.

    Parameters
    ----------
    stage, epoch, step : int
        Of the next step, from 0.
    loss_sum : float
        Of the images seen in this epoch.
    seen : int
        Images, in this epoch.
    history : list of dict
        One row an epoch, over all stages.
    """

    stage: int = 0
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    seen: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
