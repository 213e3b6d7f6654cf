"""Convert the axes of a FITS array to bands.

The axes before (ny, nx) are handled from last to first:

* axes of length one (such as frequency and Stokes of a radio map) are dropped;
* of a Stokes axis, I is taken, or the first plane if I is not there;
* a spectral axis (CTYPE FREQ, VELO, WAVE ...) is averaged, ignoring missing values;
* the one axis that may then remain holds the bands. If it has more than `MAX_BANDS` planes and the header names none
  of them, they are channels of an unknown kind, and are averaged.

An array written with the colours last, (ny, nx, 3), as is usual in Python, is transposed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.band_names import find_plane_bands
from galaxtool.images.fits.card_memo import remember_by_cards
from galaxtool.images.fits.header import Keywords

MAX_BANDS = 5
"""More unnamed planes than this are channels, not bands."""

_COLORS = (2, 3, 4)
_SPECTRAL = ("FREQ", "VELO", "VRAD", "VOPT", "FELO", "WAVE", "AWAV", "WAVN", "ENER", "ZOPT", "BETA")


def to_bands(
    path: Path | str, data: np.ndarray, header: Keywords, primary: Keywords
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Bring an array to three axes.

    Parameters
    ----------
    path : Path or str
        Path for messages.
    data : ndarray, shape (..., ny, nx)
        Array with at least two axes. If its strides are all zero, it stands for an array without content.
    header, primary : Cards or Header
        Headers of the HDU of the array, and of the primary HDU.

    Returns
    -------
    data : ndarray, shape (bands, ny, nx)
        A view of the array unless planes had to be averaged.
    bands : tuple of str
        Names of the bands; empty if the header does not state them.

    Raises
    ------
    UnreadableImage
        If several axes could be the bands, or one holds the parts of complex numbers.
    """
    if data.ndim == 2:
        return data[None], find_plane_bands(header, primary, 1)
    kinds = list(_read_kinds(header, data.ndim))
    if "COMPLEX" in kinds and data.shape[kinds.index("COMPLEX")] > 1:
        raise UnreadableImage(
            f"'{path}' contains complex numbers, not brightness.", hint="Convert them to an image first."
        )
    if data.ndim == 3 and data.shape[2] in _COLORS and min(data.shape[:2]) > MAX_BANDS and "-" not in kinds[2]:
        data, kinds = np.moveaxis(data, 2, 0), ["", "", ""]
    for axis in range(data.ndim - 3, -1, -1):
        if data.shape[axis] == 1:
            data = data.squeeze(axis)
        elif kinds[axis] == "STOKES":
            data = data[(slice(None),) * axis + (_find_stokes_i(header, data, kinds, axis),)]
        elif kinds[axis][:4] in _SPECTRAL:
            data = _average(data, axis)
    if data.ndim > 3:
        axes = " x ".join(str(n) for n in reversed(data.shape))
        raise UnreadableImage(f"'{path}' has {axes} pixels, and more than one of its axes could be the bands.")
    if data.ndim == 2:
        data = data[None]
    bands = find_plane_bands(header, primary, len(data))
    if len(data) > MAX_BANDS and not any(bands):
        data = _average(data, 0)[None]
        bands = find_plane_bands(header, primary, 1)
    return data, bands


@remember_by_cards
def _read_kinds(header: Keywords, n: int) -> tuple[str, ...]:
    """Return the CTYPE of n axes in capitals, in the order of NumPy."""
    return tuple(str(header.get(f"CTYPE{number}") or "").strip().upper() for number in range(n, 0, -1))


def _find_stokes_i(header: Keywords, data: np.ndarray, kinds: list[str], axis: int) -> int:
    """Return the index of Stokes I, whose coordinate is 1."""
    number = len(kinds) - axis
    step = float(header.get(f"CDELT{number}", 1)) or 1.0
    plane = round((1 - float(header.get(f"CRVAL{number}", 1))) / step + float(header.get(f"CRPIX{number}", 1)) - 1)
    return plane if 0 <= plane < data.shape[axis] else 0


def _average(data: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean along an axis, ignoring NaN; NaN where all values are."""
    if not any(data.strides):
        first: np.ndarray = data[(slice(None),) * axis + (0,)]
        return first
    count = np.isfinite(data).sum(axis)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: np.ndarray = (np.nansum(data, axis, dtype=np.float64) / count).astype(np.float32)
    return mean
