"""One object with its pixels, between the worker that cuts it and the writer that stores it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from galaxtool.cutting.open_images import OpenImage
from galaxtool.images.fits.axes import to_bands
from galaxtool.images.planes import find_common_unit
from galaxtool.types import Cutout


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoutPixels:
    """One object with its pixels.

    Parameters
    ----------
    row : int
        Row of the catalogue, from 0.
    id : str
        Identifier of the object.
    path : str
        Path of its file, relative to the folder; empty in a stack.
    ra, dec : float
        Position in degrees, ICRS.
    data : ndarray, shape (..., ny, nx)
        The axes of the image, or (C, ny, nx) where bands are stacked; NaN beyond the edges.
    images : list of OpenImage or None
        The image of each band.
    first : list of (int, int)
        First pixel in each image, x and y, from 0.
    shift : (float, float)
        Shift by lookup tables of distortions, x and y.
    flags : tuple of str
        Flags of the plan and of the pixels.
    slot : int
        Where the cutout goes in a stack, as in `galaxtool.cutting.tasks.CutTask`.
    """

    row: int
    id: str
    path: str
    ra: float
    dec: float
    data: np.ndarray
    images: list[OpenImage | None]
    first: list[tuple[int, int]]
    shift: tuple[float, float]
    flags: tuple[str, ...]
    slot: int

    @property
    def reference(self) -> OpenImage:
        """The first image."""
        return next(image for image in self.images if image is not None)

    def sections(self) -> list[str]:
        """Return the section of each image in FITS notation; empty for a band without an image."""
        ny, nx = self.data.shape[-2:]
        return [
            format_section(x0, y0, nx, ny) if image is not None else ""
            for image, (x0, y0) in zip(self.images, self.first, strict=True)
        ]

    def to_planes(self, bands: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return the pixels as float32 of shape (bands, ny, nx), and the names of the bands.

        Parameters
        ----------
        bands : tuple of str
            Bands that are stacked; if empty, the axes of the image become bands as for any FITS file.
        """
        with np.errstate(over="ignore"):
            data = self.data.astype(np.float32)
        image = self.reference
        if bands:
            return data.reshape(len(bands), *data.shape[-2:]), bands
        if data.ndim == 2:
            return data[None], image.plane_bands
        return to_bands(image.ref.path, data, image.header, image.primary)

    def to_cutout(self, bands: tuple[str, ...]) -> Cutout:
        """Return what `galaxtool.images.reading.read_file` would return for these pixels in a FITS file."""
        data, names = self.to_planes(bands)
        data = np.where(np.isfinite(data), data, np.float32(np.nan))
        unit = find_common_unit(image.unit for image in self.images if image is not None)
        return Cutout(data=data, bands=names, unit=unit, ra=self.ra, dec=self.dec, flags=self.flags)


def format_section(x0: int, y0: int, nx: int, ny: int) -> str:
    """Return a box of pixels in FITS notation: from 1, both ends included, x first.

    Examples
    --------
    >>> format_section(0, -3, 64, 64)
    '[1:64,-2:61]'
    """
    return f"[{x0 + 1}:{x0 + nx},{y0 + 1}:{y0 + ny}]"
