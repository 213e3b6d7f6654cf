"""Paired comparison of classifiers that were scored on the same items.

The items of all classifiers are resampled together, so that an item that is hard for both does not widen the interval
of their difference. Resamples are stratified: each has as many items of each true class as the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from galaxtool.evaluation.intervals import find_wilson_interval, has_no_width
from galaxtool.evaluation.resamples import STRATIFIED_RESAMPLES, StratifiedResamples

Prepare = Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], float]]
"""Maps probabilities (N, K) and class indices (N,) to a score as a function of how often each item occurs."""


@dataclass(frozen=True, eq=False)
class ResampledScores:
    """One score of G groups of classifiers, such as trainings that differ in their seed, and of R resamples.

    Parameters
    ----------
    values : list of G ndarray of float64, shape (S,)
        The score of each classifier of a group.
    draws : ndarray of float64, shape (R, G)
        Mean score of each group in each resample: of its items, and in groups of several classifiers also of these.
    least : float
        Least possible score.
    """

    values: list[np.ndarray]
    draws: np.ndarray
    least: float = -np.inf

    def center(self) -> ResampledScores:
        """Return the scores with the resamples of each group shifted until their median is its mean score.

        This is for scores of which a resample has systematically more than its sample, such as calibration errors.
        """
        means = np.array([self.get_mean(group) for group in range(len(self.values))])
        known = np.isfinite(self.draws).any(axis=0)
        middle = np.zeros(len(means))
        middle[known] = np.nanmedian(self.draws[:, known], axis=0)
        is_positive = bool((self.draws[np.isfinite(self.draws)] >= 0).all())
        return ResampledScores(self.values, self.draws - middle + means, 0.0 if is_positive else -np.inf)

    def get_mean(self, group: int) -> float:
        """Return the mean score of a group."""
        return float(self.values[group].mean())

    def find_interval(self, group: int, *, share_of: int | None = None) -> tuple[float, float]:
        """Return the 95 % interval of the mean score of a group.

        Of a share of so many items, it is the Wilson interval where all resamples have the same score.
        """
        value = self.get_mean(group)
        low, high = _find_interval(value, self.draws[:, group])
        if share_of and has_no_width(value, low, high):
            return find_wilson_interval(value, share_of)
        return max(low, self.least) if np.isfinite(low) else low, high

    def find_difference(self, first: int, second: int) -> tuple[float, float, float]:
        """Return the score of the second group minus that of the first, with both ends of its 95 % interval."""
        value = self.get_mean(second) - self.get_mean(first)
        return value, *_find_interval(value, self.draws[:, second] - self.draws[:, first])

    def find_p_value(self, first: int, second: int) -> float:
        """Return twice the share of the resamples in which the difference is 0 or has the other sign.

        It is at least 2 / (R + 1), because R resamples cannot show less; NaN if a score is undefined.
        """
        difference = self.draws[:, second] - self.draws[:, first]
        difference = difference[np.isfinite(difference)]
        if not len(difference) or not np.isfinite(self.get_mean(second) - self.get_mean(first)):
            return np.nan
        tail = min((difference <= 0).sum(), (difference >= 0).sum())
        return min(1.0, 2 * (float(tail) + 1) / (len(difference) + 1))


def resample_scores(
    scores: Sequence[Prepare],
    groups: Sequence[Sequence[np.ndarray]],
    targets: np.ndarray,
    *,
    resamples: int = STRATIFIED_RESAMPLES,
    seed: int = 0,
    workers: int = 1,
    advance: Callable[[], None] | None = None,
) -> list[ResampledScores]:
    """Score classifiers on all items and on bootstrap resamples that are the same for all of them.

    Parameters
    ----------
    scores : sequence of callable
        The M scores.
    groups : sequence of sequence of ndarray of shape (N, K)
        Probabilities of each classifier of each group. In a group of several, each resample also draws as many of them
        with replacement.
    targets : ndarray of int, shape (N,)
        Indices of the true classes.
    resamples : int
        Number R of resamples.
    seed : int
        Random seed.
    workers : int
        Number of threads.
    advance : callable, optional
        Called after each resample.

    Returns
    -------
    list of M ResampledScores
    """
    every = [one for group in groups for one in group]
    statistics = [prepare(one, targets) for prepare in scores for one in every]
    drawn = StratifiedResamples(targets, seed=seed, count=resamples).apply(statistics, workers=workers, advance=advance)
    once = np.ones(len(targets))
    values = np.array([statistic(once) for statistic in statistics]).reshape(len(scores), len(every))
    rng = np.random.default_rng(seed)
    chosen = [rng.integers(0, len(group), (resamples, len(group))) for group in groups]
    ends = np.cumsum([len(group) for group in groups])
    found = []
    for m in range(len(scores)):
        each = np.array(drawn[m * len(every) : (m + 1) * len(every)]).T
        parts = np.split(each, ends[:-1], axis=1)
        means = [
            np.take_along_axis(part, own, axis=1).mean(axis=1) if part.shape[1] > 1 else part[:, 0]
            for part, own in zip(parts, chosen, strict=True)
        ]
        found.append(ResampledScores(np.split(values[m], ends[:-1]), np.stack(means, axis=1)))
    return found


@dataclass(frozen=True, slots=True)
class McNemarTest:
    """McNemar's test of two classifiers on the same items.

    Parameters
    ----------
    only_first, only_second : int
        Number of items that only the first, or only the second, has right.
    p : float
        Two-sided p-value of the exact test: the binomial probability of a split at least as uneven.
    """

    only_first: int
    only_second: int
    p: float


def compare_correct(first: np.ndarray, second: np.ndarray) -> McNemarTest:
    """Test whether two classifiers have equally many items right (McNemar 1947), by the exact binomial distribution.

    Parameters
    ----------
    first, second : ndarray of bool, shape (N,)
        Whether each has each item right.
    """
    a, b = int((first & ~second).sum()), int((second & ~first).sum())
    return McNemarTest(a, b, float(binomtest(a, a + b, 0.5).pvalue) if a + b else 1.0)


def adjust_p_values(p: Sequence[float]) -> list[float]:
    """Correct p-values for the number of tests, by the step-down method of Holm 1979; NaN stays NaN.

    Examples
    --------
    >>> adjust_p_values([0.25, 0.5, 0.125])
    [0.5, 0.5, 0.375]
    """
    order = [i for i in np.argsort(p, kind="stable").tolist() if np.isfinite(p[i])]
    adjusted, least = [float("nan")] * len(p), 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * p[i]))
        adjusted[i] = least
    return adjusted


def _find_interval(value: float, draws: np.ndarray) -> tuple[float, float]:
    known = draws[np.isfinite(draws)]
    if not np.isfinite(value) or not len(known):
        return np.nan, np.nan
    low, high = np.percentile(known, [2.5, 97.5])
    # a resample has fewer different items, so that some scores of few items are nearly always on one side of the value
    return min(float(low), value), max(float(high), value)
