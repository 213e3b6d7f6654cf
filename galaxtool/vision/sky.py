"""The level and the noise of an image's sky, and the percentiles of its pixels."""

from __future__ import annotations

import math

import numpy as np

FAINTEST = np.float32(1e-36)
"""The least noise there can be."""

_SAMPLE = 10_000  # pixels that the sky is measured on, which gives its level to a hundredth of the noise
_DEEPEST = 1e-12  # the least noise as a share of the brightest pixel
_RUN = 64


def sky_of(plane: np.ndarray) -> tuple[float, float]:
    """Return the sky's level and noise, the noise never zero.

    Parameters
    ----------
    plane : ndarray of float32, shape (ny, nx)
        NaN where there is no datum. Exact zeros are left out where other values scatter: surveys write them where they
        have no datum.

    Returns
    -------
    level, noise : float
        Median and standard deviation of what is left when values beyond three standard deviations are left out until
        none is; 0 and 1 without any finite value.
    """
    known = finite_of(plane)
    if not known.size:
        return 0.0, 1.0
    step = max(1, math.isqrt(plane.size // _SAMPLE))
    sample = finite_of(plane[::step, ::step]) if step > 1 else known.ravel()
    if not sample.size:
        return 0.0, 1.0
    measured = sample[sample != 0]
    if sample.size > measured.size > 0 and np.median(np.abs(measured - np.median(measured))) > 0:
        sample = measured
    sky, noise = _clipped(sample.astype(np.float64).ravel())
    level = float(np.median(sky))
    if not noise > 0:
        # without noise, the brightest pixels are taken for a hundred times as bright as it
        noise = float(sample.max() - level) / 100 or 1.0
    # so that what is divided by the noise stays within float32
    brightest = max(abs(float(known.max())), abs(float(known.min())))
    return level, max(noise, brightest * _DEEPEST, float(FAINTEST))


def percentile(plane: np.ndarray, share: float) -> float:
    """Return a percentile of the finite pixels, the nearest above; 0 without any."""
    values = finite_of(plane).ravel()
    if not values.size:
        return 0.0
    rank = min(values.size - 1, math.ceil(share / 100 * values.size) - 1)
    above = values.size - rank
    runs = values.size // _RUN
    if above < runs:
        # as many of the maxima of short runs are at least as bright as the last of them, so it is not above the rank
        maxima = values[: runs * _RUN].reshape(runs, _RUN).max(axis=1)
        values = values[values >= np.partition(maxima, runs - above)[runs - above]]
    return float(np.partition(values, values.size - above)[values.size - above])


def finite_of(plane: np.ndarray) -> np.ndarray:
    """Return the finite values of an array: itself where all are, else they alone in one axis."""
    finite = np.isfinite(plane)
    return plane if finite.all() else plane[finite]


def _clipped(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Leave out what is beyond three standard deviations, until nothing is; return what is left and its deviation.

    It is `scipy.stats.sigmaclip`, to the last bit, without a second look at the mean.
    """
    while True:
        mean = np.add.reduce(values) / values.size
        apart = values - mean
        apart *= apart
        deviation = np.sqrt(np.add.reduce(apart) / values.size)
        kept = values[(values >= mean - deviation * 3) & (values <= mean + deviation * 3)]
        if kept.size == values.size:
            return values, float(deviation)
        values = kept
