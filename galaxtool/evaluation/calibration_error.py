"""The expected calibration error, debiased, and its interval.

The plug-in estimate of Guo et al. 2017 (arXiv:1706.04599) adds up absolute differences, so chance alone makes it
positive: 200 images of a perfectly calibrated classifier give about 0.09 with 15 bins. Here the bins have equal numbers
of images, about the cube root of their number (Roelofs et al. 2022, arXiv:2012.08668, compare such bins), and the bias
of each bin is estimated and subtracted (Kumar, Liang & Ma 2019, arXiv:1909.10155).
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, rankdata

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
    return _estimate(*_split_top(probabilities, targets))


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
        A resample is one step further from calibration than its sample, so the resamples are shifted until their
        median is the value, of which `low` and `high` are then percentiles. `low` is 0 if a perfectly calibrated
        classifier with the same confidences has such a value in one of 40 draws (Broecker & Smith 2007).
    """
    confidence, correct = _split_top(probabilities, targets)
    value, n = _estimate(confidence, correct), len(correct)
    if n < 2:
        return value, np.nan, np.nan
    rng = np.random.default_rng(seed)
    resampled = [_estimate(confidence[draw], correct[draw]) for draw in rng.integers(0, n, (RESAMPLES, n))]
    low, middle, high = np.percentile(resampled, [2.5, 50, 97.5])
    low, high = max(value + low - middle, 0.0), min(value + high - middle, 1.0)
    calibrated = [_estimate(confidence, rng.random(n) < confidence) for _ in range(RESAMPLES)]
    return value, 0.0 if value <= np.percentile(calibrated, 97.5) else float(low), float(high)


def _split_top(probabilities: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of the most probable class, and whether it is the true one."""
    exact = probabilities.astype(np.float64)
    return exact.max(axis=1), exact.argmax(axis=1) == targets


def _estimate(confidence: np.ndarray, correct: np.ndarray) -> float:
    n = len(correct)
    bins = min(MAX_BINS, max(1, round(n ** (1 / 3))))
    # images of the same confidence share a bin, whatever their order
    number = np.minimum(((rankdata(confidence) - 0.5) * bins / n).astype(int), bins - 1)
    counts = np.bincount(number, minlength=bins)
    filled = counts > 0
    counts = counts[filled]
    right, mean = (np.bincount(number, values, minlength=bins)[filled] / counts for values in (correct, confidence))
    gap = np.abs(right - mean)
    error = np.sqrt(right * (1 - right) / np.maximum(counts - 1, 1))
    scaled = np.divide(gap, error, out=np.full(len(gap), np.inf), where=error > 0)
    folded = np.where(error > 0, 2 * error * norm.pdf(np.minimum(scaled, 1e3)) + gap * (1 - 2 * norm.cdf(-scaled)), gap)
    return max(float(counts @ (2 * gap - folded)) / n, 0.0)
