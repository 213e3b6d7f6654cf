"""Choose the few images that a page shows."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from galaxtool.reports.html.page_rows import PageRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One image that the page shows.

    Parameters
    ----------
    row : int
        Row of the table, from 0.
    id, label, second, flags : str
        Identifier, label, next class and flags, as in `galaxtool.reports.html.page_rows.PageRows`.
    probability, second_probability : float
        Probabilities of `label` and `second`; NaN where unknown.
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
        """Margin of the label over the next class, or its probability if that is unknown; small values are doubtful."""
        return _compute_margin(self.probability, self.second_probability)


class Extremes:
    """The most probable and the most doubtful of many rows.

    Parameters
    ----------
    each : int
        Number of rows of each kind to keep.
    """

    def __init__(self, each: int) -> None:
        self.each, self.n = each, 0
        self._surest: list[Case] = []
        self._doubtful: list[Case] = []

    @property
    def surest(self) -> list[Case]:
        """The most probable images, the best first; all images if `doubtful` is empty."""
        return self._surest[: self.each] if self.n > 2 * self.each else self._surest

    @property
    def doubtful(self) -> list[Case]:
        """The most doubtful images, the worst first, without those among `surest`."""
        if self.n <= 2 * self.each:
            return []
        seen = {case.row for case in self.surest}
        return [case for case in self._doubtful if case.row not in seen][: self.each]

    def worst(self, n: int) -> list[Case]:
        """Return the most doubtful images, the worst first, including those among `surest`."""
        return self._doubtful[:n]

    def add(self, piece: PageRows, start: int, rows: np.ndarray) -> None:
        """Add some rows of a piece that starts at row `start` of the table."""
        self.n += len(rows)
        keep = 2 * self.each  # enough are left even if all of them are in both lists
        probability, doubt = piece.probability[rows], _compute_margins(piece)[rows]
        surest = [make_case(piece, start, row) for row in rows[np.argsort(-probability, kind="stable")[:keep]].tolist()]
        doubtful = [make_case(piece, start, row) for row in rows[np.argsort(doubt, kind="stable")[:keep]].tolist()]
        self._surest = _keep_smallest([*self._surest, *surest], keep, lambda case: (-case.probability, case.row))
        self._doubtful = _keep_smallest([*self._doubtful, *doubtful], keep, lambda case: (case.doubt, case.row))


def make_case(piece: PageRows, start: int, row: int) -> Case:
    """Make a case of a row of a piece that starts at row `start` of the table."""
    return Case(
        row=start + row, id=piece.ids[row], label=piece.labels[row], probability=float(piece.probability[row]),
        second=piece.seconds[row], second_probability=float(piece.second[row]), flags=piece.flags[row],
    )  # fmt: skip


def _compute_margins(piece: PageRows) -> np.ndarray:
    margin = piece.probability.astype(float) - piece.second.astype(float)
    return np.where(np.isfinite(margin), margin, piece.probability)


def _compute_margin(probability: float, second: float) -> float:
    return probability if math.isnan(second) else probability - second


def _keep_smallest(cases: list[Case], keep: int, key: Callable[[Case], tuple[float, int]]) -> list[Case]:
    return heapq.nsmallest(keep, cases, key=key)
