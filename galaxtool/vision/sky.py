"""Level and noise of the sky in an image, and percentiles of its pixels."""

from __future__ import annotations

import math

import numpy as np

FAINTEST = np.float32(1e-36)
"""Lower limit of the noise."""

_SAMPLE = 10_000  # pixels used to measure the sky, which gives its level to a hundredth of the noise
_MIN_RELATIVE_NOISE = 1e-12  # lower limit of the noise relative to the brightest pixel
_RUN = 64
_NEAR = 0.125  # standard deviations
_MANY, _SORTED = 1000, 256


def measure_sky(plane: np.ndarray) -> tuple[float, float]:
    """Return the level and the noise of the sky; the noise is never zero.

    Parameters
    ----------
    plane : ndarray of float32, shape (ny, nx)
        Image with NaN for missing values. Exact zeros are ignored if the other values scatter, because surveys write
        them where data are missing.

    Returns
    -------
    level, noise : float
        Median and standard deviation of the pixels after sigma clipping at three standard deviations; 0 and 1 if no
        pixel is finite.
    """
    known = select_finite(plane)
    if not known.size:
        return 0.0, 1.0
    step = max(1, math.isqrt(plane.size // _SAMPLE))
    sample = known
    if step > 1:
        sample = plane[::step, ::step]
        sample = sample if known is plane else select_finite(sample)
    if not sample.size:
        return 0.0, 1.0
    if not sample.all():
        measured = sample[sample != 0]
        if measured.size and np.median(np.abs(measured - np.median(measured))) > 0:
            sample = measured
    level, noise = _clip_sigma(sample.astype(np.float64).ravel())
    if not noise > 0:
        # without noise, assume that the brightest pixels are a hundred times as bright as the noise
        noise = float(sample.max() - level) / 100 or 1.0
    # values divided by the noise must be within the range of float32
    brightest = max(abs(float(known.max())), abs(float(known.min())))
    return level, max(noise, brightest * _MIN_RELATIVE_NOISE, float(FAINTEST))


def compute_percentile(plane: np.ndarray, share: float) -> float:
    """Return a percentile of the finite pixels, rounded up to a pixel value; 0 if no pixel is finite."""
    values = select_finite(plane).ravel()
    if not values.size:
        return 0.0
    rank = min(values.size - 1, math.ceil(share / 100 * values.size) - 1)
    above = values.size - rank
    runs = values.size // _RUN
    if above < runs:
        # The `above`-th largest maximum of groups is not above the wanted pixel, so fainter pixels can be dropped.
        maxima = values[: runs * _RUN].reshape(_RUN, runs).max(axis=0)
        values = values[values >= np.partition(maxima, runs - above)[runs - above]]
    return float(np.partition(values, values.size - above)[values.size - above])


def select_finite(plane: np.ndarray) -> np.ndarray:
    """Return the finite values of an array: the array itself if all are finite, else a one-dimensional selection."""
    finite = np.isfinite(plane)
    return plane if finite.all() else plane[finite]


def _clip_sigma(values: np.ndarray) -> tuple[float, float]:
    """Clip values beyond three standard deviations until none are left; return the median and deviation of the rest.

    The deviation equals that of `scipy.stats.sigmaclip` to the last bit, but the mean is computed only once.
    """
    values = _clip_ahead(values)
    while True:
        mean = np.add.reduce(values) / values.size
        squares = values - mean
        squares *= squares
        deviation = np.sqrt(np.add.reduce(squares) / values.size)
        kept = values[(values >= mean - deviation * 3) & (values <= mean + deviation * 3)]
        if kept.size == values.size:
            return _find_median(values, float(mean), float(deviation)), float(deviation)
        values = kept


def _clip_ahead(values: np.ndarray) -> np.ndarray:
    """Return the values that are left after all but the last step of clipping, or the same values.

    Each step sums up only those values that are further out than most of the noise; no step can clip the others.
    """
    sample = np.sort(values[:: values.size // _SORTED | 1])  # an odd step, so as not to follow a column
    center = sample[sample.size // 2]
    reach = center - sample[sample.size // 32]
    if values.size < _MANY or not reach > 0:
        return values
    offsets = values - center
    is_inner = np.abs(offsets) < reach
    outer = offsets.take(np.flatnonzero(~is_inner))
    inner = offsets * is_inner
    n, total, squares = values.size - outer.size, np.add.reduce(inner), np.add.reduce(inner * inner)
    while True:
        size = n + outer.size
        mean = (total + np.add.reduce(outer)) / size
        limit = 3 * math.sqrt(max((squares + np.add.reduce(outer * outer)) / size - mean * mean, 0))
        if not abs(mean) + reach <= limit:
            return values
        kept = outer[np.abs(outer - mean) <= limit]
        if kept.size == outer.size:
            left: np.ndarray = values[np.abs(offsets - mean) <= limit]
            return left
        outer = kept


def _find_median(values: np.ndarray, mean: float, deviation: float) -> float:
    """Return the median, which is searched for near the mean: that of the sky lies there."""
    low, high = mean - _NEAR * deviation, mean + _NEAR * deviation
    near = values[(values >= low) & (values <= high)]
    below = np.count_nonzero(values < low)
    first, last = (values.size - 1) // 2 - below, values.size // 2 - below
    if first < 0 or last >= near.size:
        return float(np.median(values))
    near.partition((first, last))
    return float((near[first] + near[last]) / 2)
