"""Radio maps as gray pictures."""

from __future__ import annotations

import math

import numpy as np

from galaxtool_detect.catalog.maps import PixelMap
from galaxtool_detect.catalog.noise_grid import measure_window

_LOW, _HIGH = -3.0, 60.0  # standard deviations of the noise that are black and white
_SOFT = 2.0  # of the inverse hyperbolic sine


def stretch(pixels: np.ndarray, background: float, rms: float) -> np.ndarray:
    """Return brightness from 0 to 1; NaN stays NaN.

    Parameters
    ----------
    pixels : ndarray
        Values of the image.
    background, rms : float
        Its background and noise.
    """
    sigmas = (pixels - background) / (rms if rms > 0 else 1.0)
    low, high = (math.asinh(value / _SOFT) for value in (_LOW, _HIGH))
    shown: np.ndarray = np.clip((np.arcsinh(sigmas / _SOFT) - low) / (high - low), 0, 1)
    return shown


def shrink(image: PixelMap, largest: int) -> tuple[np.ndarray, int]:
    """Return the first band of an image, averaged over blocks so that no side has more pixels than `largest`.

    Returns
    -------
    pixels : ndarray of float32
        NaN where a block has no data.
    factor : int
        Side of a block.
    """
    _, ny, nx = image.shape
    factor = max(1, math.ceil(max(ny, nx) / largest))
    if factor == 1:
        return image.read()[0], 1
    rows = []
    for y0 in range(0, ny, factor):
        strip = image.read(y0, min(ny, y0 + factor), 0, nx)[0]
        starts = np.arange(0, nx, factor)
        total = np.add.reduceat(np.nansum(strip, axis=0, dtype=np.float64), starts)
        count = np.add.reduceat(np.isfinite(strip).sum(axis=0), starts)
        with np.errstate(invalid="ignore"):
            rows.append((total / count).astype(np.float32))
    return np.array(rows), factor


def measure_picture(pixels: np.ndarray) -> tuple[float, float]:
    """Return background and noise of a picture; usable values even if it is blank."""
    background, rms = measure_window(pixels)
    if not math.isfinite(background):
        finite = pixels[np.isfinite(pixels)]
        background, rms = (float(np.median(finite)), float(finite.std())) if len(finite) else (0.0, 1.0)
    return background, rms if rms > 0 else 1.0
