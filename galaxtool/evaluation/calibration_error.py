"""The expected calibration error, debiased, and its interval.

The plug-in estimate of Guo et al. 2017 (arXiv:1706.04599) adds up absolute differences, so chance alone makes it
positive: 200 images of a perfectly calibrated classifier give about 0.09 with 15 bins. Here the bins have equal numbers
of images, about the cube root of their number (Roelofs et al. 2022, arXiv:2012.08668, compare such bins), and the bias
of each bin is estimated and subtracted (Kumar, Liang & Ma 2019, arXiv:1909.10155).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import norm

from galaxtool.evaluation.intervals import RESAMPLES

MAX_BINS = 15


def expected_calibration_error(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Return the debiased expected calibration error of the most probable class.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
        Probabilities of the classes.
    targets : ndarray of int, shape (N,)
        Indices of the true classes.

    Returns
    -------
    float
        At least 0. In each bin, the mean confidence c and the share of right answers a differ by g = |c - a|, with a
        standard error s; a normal variable with mean g and standard deviation s has a mean absolute value above g, and
        the excess is the bias that is subtracted.
    """
    return CalibrationError(probabilities, targets).value


def measure_calibration_error(probabilities: np.ndarray, targets: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Return the debiased expected calibration error with its 95 % interval, which contains it.

    Parameters
    ----------
    probabilities, targets : ndarray
        As for `expected_calibration_error`.
    seed : int
        Random seed of the resamples.

    Returns
    -------
    value, low, high : float
        See `CalibrationError.find_interval`, for 200 resamples.
    """
    error, n = CalibrationError(probabilities, targets), len(targets)
    if n < 2:
        return error.value, np.nan, np.nan
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, n, (RESAMPLES, n))
    resampled = [error.resample(np.bincount(draw, minlength=n).astype(np.float64)) for draw in draws]
    return error.value, *error.find_interval(np.array(resampled), rng)


def weigh_calibration_error(probabilities: np.ndarray, targets: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return the expected calibration error as a function of how often each item occurs; float64 (N,)."""
    return CalibrationError(probabilities, targets).resample


class CalibrationError:
    """The calibration error of N items, and of resamples of them; see `expected_calibration_error`.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
        Probabilities of the classes.
    targets : ndarray of int, shape (N,)
        Indices of the true classes.

    Attributes
    ----------
    value : float
        The error of all items.
    """

    def __init__(self, probabilities: np.ndarray, targets: np.ndarray) -> None:
        exact = probabilities.astype(np.float64)
        confidence, correct = exact.max(axis=1), exact.argmax(axis=1) == targets
        self._order = np.argsort(confidence, kind="stable")
        self._confidence, self._correct = confidence[self._order], correct[self._order]
        # items of the same confidence share a bin, whatever their order
        self._groups = np.flatnonzero(np.diff(self._confidence, prepend=-np.inf) > 0)
        self._once = np.ones(len(confidence))
        self._bins = self._find_bins(self._once)
        self.value = self._estimate(self._correct, self._once, self._bins)

    def resample(self, weights: np.ndarray) -> float:
        """Return the error of a resample, given how often each item occurs; float64 (N,)."""
        ordered = weights[self._order]
        return self._estimate(self._correct, ordered, self._find_bins(ordered))

    def find_interval(self, resampled: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
        """Return the 95 % interval, which contains the value.

        Parameters
        ----------
        resampled : ndarray, shape (count,)
            Errors of resamples. A resample is one step further from calibration than its sample, so they are shifted
            until their median is the value, of which the ends are then percentiles.
        rng : Generator
            Draws as many sets of answers of a perfectly calibrated classifier with the same confidences. The lower end
            is 0 if one of 40 of them has an error like the value (Broecker & Smith 2007).
        """
        low, middle, high = np.percentile(resampled, [2.5, 50, 97.5])
        low, high = max(self.value + low - middle, 0.0), min(self.value + high - middle, 1.0)
        confidence = np.empty(len(self._order))
        confidence[self._order] = self._confidence
        calibrated = [
            self._estimate((rng.random(len(confidence)) < confidence)[self._order], self._once, self._bins)
            for _ in range(len(resampled))
        ]
        return 0.0 if self.value <= np.percentile(calibrated, 97.5) else float(low), float(high)

    def _find_bins(self, weights: np.ndarray) -> np.ndarray:
        """Return the first item of each bin; the bins have about equal weights."""
        n = weights.sum()
        bins = min(MAX_BINS, max(1, round(n ** (1 / 3))))
        # without items of equal confidence, each group is an item
        groups = weights if len(self._groups) == len(weights) else np.add.reduceat(weights, self._groups)
        rank = np.cumsum(groups) - (groups - 1) / 2  # the mean rank of a group, counted from 1
        edges = np.searchsorted((rank - 0.5) * bins / n, np.arange(bins))
        first: np.ndarray = np.append(self._groups, len(weights))[edges]
        return first

    def _estimate(self, correct: np.ndarray, weights: np.ndarray, bins: np.ndarray) -> float:
        sums = [_sum_bins(values, bins) for values in (weights, weights * correct, weights * self._confidence)]
        return _estimate(*sums)


def _estimate(counts: np.ndarray, right: np.ndarray, confidence: np.ndarray) -> float:
    """Return the error from the numbers of items and of right answers and the sum of the confidence in each bin."""
    filled = counts > 0
    counts = counts[filled]
    right, mean = right[filled] / counts, confidence[filled] / counts
    gap = np.abs(right - mean)
    error = np.sqrt(np.maximum(right * (1 - right), 0) / np.maximum(counts - 1, 1))
    scaled = np.divide(gap, error, out=np.full(len(gap), np.inf), where=error > 0)
    folded = np.where(error > 0, 2 * error * norm.pdf(np.minimum(scaled, 1e3)) + gap * (1 - 2 * norm.cdf(-scaled)), gap)
    return max(float(counts @ (2 * gap - folded)) / float(counts.sum()), 0.0)


def _sum_bins(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the sum of the values in each bin, given the first item of each; a bin may be empty."""
    edges = np.append(first, len(values))
    filled = edges[1:] > edges[:-1]
    sums = np.zeros(len(first))
    sums[filled] = np.add.reduceat(values, edges[:-1][filled])
    return sums
