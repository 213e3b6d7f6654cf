"""From measured pixels to the image that a network gets: units of the noise, then three curves of them.

A radio map spans more decades than eight bits have levels, so the pixels stay floats all the way. They are divided by a
robust estimate of the noise of the piece that the network sees, and become three channels:

1. linear from -3 to 10 times the noise: faint sources;
2. asinh, from 0 to 1000 times the noise: everything at once;
3. asinh that is linear up to 30 times the noise, to 1000: the structure of bright sources.

A picture with display values stays as it is.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from galaxtool import InputError

_FAINT = (-3.0, 10.0)
_BRIGHT = 1000.0
_SOFTENING = 30.0
_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution in units of its median absolute deviation."""
_CLIP = 3.0
_MOST_PIXELS = 65536


def estimate_noise(values: np.ndarray) -> tuple[float, float]:
    """Return the level of the background and its standard deviation.

    They are the median and the scaled median absolute deviation, of all finite pixels and then of those within 3 sigma.
    Of more than 65,536 pixels, an even sample is used.

    Parameters
    ----------
    values : ndarray of float
        Pixels of any shape.

    Returns
    -------
    level, noise : float
        Zero and one if no pixel is finite. If more than half of the pixels are equal, the noise is the standard
        deviation of all.
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return 0.0, 1.0
    if finite.size > _MOST_PIXELS:
        finite = finite[:: -(-finite.size // _MOST_PIXELS)]
    level = float(np.median(finite))
    noise = _TO_SIGMA * float(np.median(np.abs(finite - level)))
    if noise > 0:
        inner = finite[np.abs(finite - level) < _CLIP * noise]
        level = float(np.median(inner))
        noise = _TO_SIGMA * float(np.median(np.abs(inner - level))) or noise
    return level, noise or float(np.std(finite)) or 1.0


def to_noise_units(pixels: np.ndarray) -> np.ndarray:
    """Return pixels in units of the noise above the background, float32 (ny, nx).

    Several bands are added in these units and divided by the root of their number. Pixels without data get the value of
    the nearest pixel that has some, so that a ragged border looks like the sky around it; 0 if there is none.
    """
    total = np.zeros(pixels.shape[-2:], np.float64)
    for band in pixels:
        level, noise = estimate_noise(band)
        total += fill_blank((band.astype(np.float64) - level) / noise)
    summed: np.ndarray = (total / np.sqrt(len(pixels))).astype(np.float32)
    return summed


def fill_blank(values: np.ndarray) -> np.ndarray:
    """Return an image (ny, nx) with the nearest finite value in place of each that is not; 0 if there is none."""
    blank = ~np.isfinite(values)
    if not blank.any():
        return values
    if blank.all():
        return np.zeros_like(values)
    nearest: np.ndarray = distance_transform_edt(blank, return_distances=False, return_indices=True)
    filled: np.ndarray = values[tuple(nearest)]
    return filled


def stretch(pixels: np.ndarray, unit: str = "", mask: np.ndarray | None = None) -> np.ndarray:
    """Return the image that a network gets.

    Parameters
    ----------
    pixels : ndarray, shape (bands, ny, nx)
        Measured pixels in any unit, NaN where there are no data; or display values from 0 to 255.
    unit : str
        ``"display"`` for display values.
    mask : ndarray of bool, shape (ny, nx), optional
        True where pixels must not be used.

    Returns
    -------
    ndarray of float32, shape (3, ny, nx)
        Values in [0, 1].

    Raises
    ------
    InputError
        If a picture has neither one channel nor three.
    """
    if mask is not None:
        pixels = np.where(mask, np.nan, pixels.astype(np.float32))
    if unit == "display":
        if len(pixels) not in (1, 3):
            raise InputError(
                f"A picture has {len(pixels)} channels; a detector takes one or three.", hint="Give FITS files instead."
            )
        shown = np.nan_to_num(pixels.astype(np.float32)) / 255.0
        return np.clip(np.repeat(shown, 3 // len(shown), axis=0), 0.0, 1.0)
    units = to_noise_units(pixels)
    low, high = _FAINT
    channels = (
        (units - low) / (high - low),
        np.arcsinh(units) / np.arcsinh(_BRIGHT),
        np.arcsinh(units / _SOFTENING) / np.arcsinh(_BRIGHT / _SOFTENING),
    )
    image: np.ndarray = np.clip(np.stack(channels), 0.0, 1.0).astype(np.float32)
    return image
