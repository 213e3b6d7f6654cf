"""The pixels of a piece as galaxtool reads and shows them."""

from __future__ import annotations

import numpy as np

from galaxtool.cutting.tasks import CutoutPixels
from galaxtool.images.fits.axes import to_bands
from galaxtool.types import Cutout


def as_bands(piece: CutoutPixels, bands: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return float32 of shape (bands, ny, nx), and their names.

    Parameters
    ----------
    piece : Piece
    bands : tuple of str
        What was stacked; where nothing was, the axes of the image become bands as for any FITS file.
    """
    with np.errstate(over="ignore"):
        data = piece.data.astype(np.float32)
    image = piece.reference
    if bands:
        return data, bands
    if data.ndim == 2:
        return data[None], image.plane_bands
    return to_bands(image.place.path, data, image.header, image.primary)


def as_cutout(piece: CutoutPixels, bands: tuple[str, ...]) -> Cutout:
    """Return what `galaxtool.images.reading.read_image` would return of the piece as a FITS file."""
    data, names = as_bands(piece, bands)
    data = np.where(np.isfinite(data), data, np.float32(np.nan))
    return Cutout(data=data, bands=names, unit=piece.reference.unit, ra=piece.ra, dec=piece.dec, flags=piece.flags)
