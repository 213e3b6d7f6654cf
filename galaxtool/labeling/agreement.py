"""Measure how far people who label the same objects agree."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import cohen_kappa_score

from galaxtool.labeling.answers import LogEntry, list_states


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of two people.

    Parameters
    ----------
    first, second : str
        The people.
    count : int
        Number of objects that both labelled.
    share : float
        Share of these with the same label.
    kappa : float or None
        Cohen's kappa (Cohen 1960), of grades with quadratic weights (Cohen 1968): 1 for full agreement, 0 for that of
        chance. None where both gave all objects the same label.
    """

    first: str
    second: str
    count: int
    share: float
    kappa: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def measure_agreement(answers: Sequence[LogEntry], *, are_grades: bool = False) -> tuple[Agreement, ...]:
    """Measure the agreement of every two people who labelled some of the same objects.

    Parameters
    ----------
    answers : sequence of LogEntry
        The log.
    are_grades : bool
        Whether labels are numbers, which may agree nearly.
    """
    labels: dict[str, dict[str, str]] = {}
    for (name, by), answer in list_states(answers).items():
        if answer.label:
            labels.setdefault(by, {})[name] = answer.label
    found = []
    for first, second in itertools.combinations(sorted(labels), 2):
        both = [name for name in labels[first] if name in labels[second]]
        if both:
            pair = [[labels[by][name] for name in both] for by in (first, second)]
            share = float(np.mean(np.array(pair[0]) == np.array(pair[1])))
            found.append(Agreement(first, second, len(both), share, _compute_kappa(*pair, are_grades=are_grades)))
    return tuple(found)


def _compute_kappa(first: list[str], second: list[str], *, are_grades: bool) -> float | None:
    if len({*first, *second}) < 2:  # kappa would be 0 / 0
        return None
    if not are_grades:
        return float(cohen_kappa_score(first, second))
    grades = [[int(text) for text in texts] for texts in (first, second)]
    possible = range(min(map(min, grades)), max(map(max, grades)) + 1)
    return float(cohen_kappa_score(*grades, labels=list(possible), weights="quadratic"))
