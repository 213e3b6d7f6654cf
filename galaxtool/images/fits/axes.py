"""How the axes of a FITS array become bands.

From the last axis but two to the first:

* axes of length one (frequency, Stokes and such of a radio map) are dropped;
* of a Stokes axis, I is taken, or the first plane where I is not among them;
* a spectral axis (CTYPE FREQ, VELO, WAVE ...) is averaged, missing values left out;
* the one axis that may then remain is the bands, unless it has more than `MAX_BANDS` planes and the header names
  none of them: then it is channels of a kind unknown, and averaged.

An array written with the colours last, (ny, nx, 3), as images are kept in Python, is turned round.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.band_names import plane_bands
from galaxtool.images.fits.header import Keywords

MAX_BANDS = 5
"""More planes than this without names are channels, not bands."""

_COLOURS = (2, 3, 4)
_SPECTRAL = ("FREQ", "VELO", "VRAD", "VOPT", "FELO", "WAVE", "AWAV", "WAVN", "ENER", "ZOPT", "BETA")


def to_bands(
    path: Path | str, data: np.ndarray, header: Keywords, primary: Keywords
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Bring an array to three axes.

    Parameters
    ----------
    path : Path or str
        For messages.
    data : ndarray, shape (..., ny, nx)
        At least two axes. One whose strides are all zero has no content, and none of its pixels is looked at.
    header, primary : Cards or Header
        Of the HDU that the array is from, and of the primary HDU.

    Returns
    -------
    data : ndarray, shape (bands, ny, nx)
        A view of the array where no mean had to be taken.
    bands : tuple of str
        Their names; empty ones where the header does not say.

    Raises
    ------
    UnreadableImage
        If two axes or more could be the bands, or one holds the parts of complex numbers.
    """
    if data.ndim == 2:
        return data[None], plane_bands(header, primary, 1)
    kinds = [str(header.get(f"CTYPE{data.ndim - i}") or "").strip().upper() for i in range(data.ndim)]
    if "COMPLEX" in kinds and data.shape[kinds.index("COMPLEX")] > 1:
        raise UnreadableImage(f"'{path}' holds complex numbers, not brightness.", hint="Make an image of them first.")
    if data.ndim == 3 and data.shape[2] in _COLOURS and min(data.shape[:2]) > MAX_BANDS and "-" not in kinds[2]:
        data, kinds = np.moveaxis(data, 2, 0), ["", "", ""]
    for axis in range(data.ndim - 3, -1, -1):
        if data.shape[axis] == 1:
            data = data.squeeze(axis)
        elif kinds[axis] == "STOKES":
            data = data[(slice(None),) * axis + (_stokes_i(header, data, kinds, axis),)]
        elif kinds[axis][:4] in _SPECTRAL:
            data = _average(data, axis)
    if data.ndim > 3:
        axes = " x ".join(str(n) for n in reversed(data.shape))
        raise UnreadableImage(f"'{path}' has {axes} pixels, and more than one of its axes could be the bands.")
    if data.ndim == 2:
        data = data[None]
    bands = plane_bands(header, primary, len(data))
    if len(data) > MAX_BANDS and not any(bands):
        data = _average(data, 0)[None]
        bands = plane_bands(header, primary, 1)
    return data, bands


def _stokes_i(header: Keywords, data: np.ndarray, kinds: list[str], axis: int) -> int:
    """Return the plane of a Stokes axis whose coordinate is 1, which stands for I."""
    number = len(kinds) - axis
    step = float(header.get(f"CDELT{number}", 1)) or 1.0
    plane = round((1 - float(header.get(f"CRVAL{number}", 1))) / step + float(header.get(f"CRPIX{number}", 1)) - 1)
    return plane if 0 <= plane < data.shape[axis] else 0


def _average(data: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean along an axis of what is not NaN; NaN where nothing is."""
    if not any(data.strides):
        return data[(slice(None),) * axis + (0,)]
    count = np.isfinite(data).sum(axis)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.nansum(data, axis, dtype=np.float64) / count).astype(np.float32)
