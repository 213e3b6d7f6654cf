"""The few images that a page shows: which, and what is told of them."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from galaxtool.reports.html.page_rows import PageRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One image that is shown.

    Parameters
    ----------
    row : int
        From 0.
    id, label, second, flags : str
        As `galaxtool.reports.html.page_rows.PageRows` has them.
    probability, second_probability : float
        NaN where unknown.
    """

    row: int
    id: str
    label: str
    probability: float
    second: str
    second_probability: float
    flags: str

    @property
    def doubt(self) -> float:
        """How far the label is ahead of the next; where that is unknown, its probability. Small is doubtful."""
        return _doubt(self.probability, self.second_probability)


class Extremes:
    """The most probable and the most doubtful of many rows.

    Parameters
    ----------
    each : int
        Of both, so many are kept.
    """

    def __init__(self, each: int) -> None:
        self.each, self.n = each, 0
        self._surest: list[Case] = []
        self._doubtful: list[Case] = []

    @property
    def surest(self) -> list[Case]:
        """The most probable first; all of them where `doubtful` has none."""
        return self._surest[: self.each] if self.n > 2 * self.each else self._surest

    @property
    def doubtful(self) -> list[Case]:
        """The most doubtful first, without those that are among the surest."""
        if self.n <= 2 * self.each:
            return []
        seen = {case.row for case in self.surest}
        return [case for case in self._doubtful if case.row not in seen][: self.each]

    def worst(self, n: int) -> list[Case]:
        """Return the most doubtful, the worst first, whether they are among the surest or not."""
        return self._doubtful[:n]

    def add(self, piece: PageRows, start: int, rows: np.ndarray) -> None:
        """Look at some rows of a piece that begins with row `start` of the table."""
        self.n += len(rows)
        keep = 2 * self.each  # so that enough are left, whatever is in both
        probability, doubt = piece.probability[rows], _doubts(piece)[rows]
        surest = [case_of(piece, start, row) for row in rows[np.argsort(-probability, kind="stable")[:keep]].tolist()]
        doubtful = [case_of(piece, start, row) for row in rows[np.argsort(doubt, kind="stable")[:keep]].tolist()]
        self._surest = _least([*self._surest, *surest], keep, lambda case: (-case.probability, case.row))
        self._doubtful = _least([*self._doubtful, *doubtful], keep, lambda case: (case.doubt, case.row))


def case_of(piece: PageRows, start: int, row: int) -> Case:
    """Return a row of a piece that begins with row `start` of the table."""
    return Case(
        row=start + row, id=piece.ids[row], label=piece.labels[row], probability=float(piece.probability[row]),
        second=piece.seconds[row], second_probability=float(piece.second[row]), flags=piece.flags[row],
    )  # fmt: skip


def _doubts(piece: PageRows) -> np.ndarray:
    margin = piece.probability.astype(float) - piece.second.astype(float)
    return np.where(np.isfinite(margin), margin, piece.probability)


def _doubt(probability: float, second: float) -> float:
    return probability if math.isnan(second) else probability - second


def _least(cases: list[Case], keep: int, key: Callable[[Case], tuple[float, int]]) -> list[Case]:
    return heapq.nsmallest(keep, cases, key=key)
