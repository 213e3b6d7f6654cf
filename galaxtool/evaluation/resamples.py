"""Stratified bootstrap resamples, as the number of times that each item is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from galaxtool.evaluation.intervals import Entry, has_no_width, make_entry, make_wilson_entry

STRATIFIED_RESAMPLES = 1000

Statistic = Callable[[np.ndarray], Any]
"""Maps the weight of each item, ndarray of float64 (N,), to a score or an array of scores."""


class StratifiedResamples:
    """Bootstrap resamples in which every stratum keeps its number of items.

    Parameters
    ----------
    strata : ndarray of int, shape (N,)
        Stratum of each item, such as its class.
    seed : int
        Random seed.
    count : int
        Number of resamples.
    """

    def __init__(self, strata: np.ndarray, *, seed: int, count: int = STRATIFIED_RESAMPLES) -> None:
        self.n = len(strata)
        self.count = count
        self._members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
        self._seeds = np.random.SeedSequence(seed).spawn(count)

    def draw(self, number: int) -> np.ndarray:
        """Return how often each item is drawn in a resample; float64, shape (N,). The same for the same number."""
        rng = np.random.Generator(np.random.SFC64(self._seeds[number]))
        weights = np.empty(self.n)
        for members in self._members:
            n = len(members)
            weights[members] = np.bincount(rng.integers(0, n, n, dtype=np.int32), minlength=n)
        return weights

    def apply(
        self, statistics: Sequence[Statistic], *, workers: int = 1, advance: Callable[[], None] | None = None
    ) -> list[np.ndarray]:
        """Return the values of statistics for all resamples, each of which is drawn once.

        Parameters
        ----------
        statistics : sequence of callable
            Functions of weights, which may run in several threads at once.
        workers : int
            Number of threads; the values do not depend on it.
        advance : callable, optional
            Called after each resample.

        Returns
        -------
        list of ndarray
            For each statistic, its values, with the resamples along the first axis.
        """

        def compute(number: int) -> list[Any]:
            weights = self.draw(number)
            values = [statistic(weights) for statistic in statistics]
            if advance is not None:
                advance()
            return values

        with ThreadPoolExecutor(workers) as pool:
            rows = list(pool.map(compute, range(self.count)))
        return [np.array([row[k] for row in rows]) for k in range(len(statistics))]

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the weights of all resamples."""
        return (self.draw(number) for number in range(self.count))


def make_resampled_entry(value: float, resampled: np.ndarray, *, share_of: int | None = None) -> Entry:
    """Return a score with the 2.5 and 97.5 percentiles of its resamples.

    Parameters
    ----------
    value : float
        Score of all items.
    resampled : ndarray, shape (count,)
        Score of each resample; NaN where it lacks what the score needs.
    share_of : int, optional
        Number of items of which a score between 0 and 1 is taken for a share where all resamples have the same score,
        such as 1, or the accuracy of a model that always gives one class: they would give an interval without width,
        and the Wilson interval is used.
    """
    finite = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or not len(finite):
        return make_entry(value, np.nan, np.nan)
    low, high = np.percentile(finite, [2.5, 97.5])
    if share_of and has_no_width(value, low, high):
        return make_wilson_entry(float(value), share_of)
    return make_entry(value, min(float(low), value), max(float(high), value))
