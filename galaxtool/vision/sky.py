"""Level and noise of the sky in an image, and percentiles of its pixels."""

from __future__ import annotations

import math

import numpy as np

FAINTEST = np.float32(1e-36)
"""Lower limit of the noise."""

_SAMPLE = 10_000  # pixels used to measure the sky, which gives its level to a hundredth of the noise
_MIN_RELATIVE_NOISE = 1e-12  # lower limit of the noise relative to the brightest pixel
_RUN = 64


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
    level, noise = _clip_sigma(sample)
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


def _clip_sigma(sample: np.ndarray) -> tuple[float, float]:
    """Clip values beyond three standard deviations until none are left; return the median and deviation of the rest.

    What is clipped lies at the ends of the sorted values, so that each step needs sums over a range only. They are
    sums of differences from the median, which lose no digits where the sky is bright.
    """
    values = np.sort(sample, axis=None)
    offsets = values.astype(np.float64)
    offsets -= offsets[offsets.size // 2]
    squares = offsets * offsets
    first, last = 0, values.size
    while True:
        count = last - first
        mean = float(np.add.reduce(offsets[first:last])) / count
        deviation = math.sqrt(max(float(np.add.reduce(squares[first:last])) / count - mean * mean, 0.0))
        low = max(first, int(offsets.searchsorted(mean - 3 * deviation, side="left")))
        high = min(last, int(offsets.searchsorted(mean + 3 * deviation, side="right")))
        if (low, high) == (first, last) or low >= high:
            return (float(values[(first + last - 1) // 2]) + float(values[(first + last) // 2])) / 2, deviation
        first, last = low, high
