"""Boxes of pixels out of large images, of which only what is needed is read."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from typing import Any

import numpy as np
from astropy.io import fits

from galaxtool.cutting.images import HduRef
from galaxtool.images.fits.band_names import plane_bands
from galaxtool.utils.quiet import no_warnings

_STRIP = 64  # rows that are unpacked together
_MOST_OPEN = 64
_MOST_HELD = 1 << 30  # bytes


class OpenImage:
    """An image that is open for cutting.

    Plain pixels are memory-mapped. Scaled integers are scaled box by box. Of a tile-compressed image, strips of rows
    are unpacked and the last ones kept, so that boxes in order of y cost each strip once. A gzipped file is unpacked
    into memory as a whole: there is no other way into it.

    Parameters
    ----------
    place : Place
    """

    def __init__(self, place: HduRef) -> None:
        self.place = place
        with no_warnings():
            self._units = fits.open(place.path, memmap=True, uint=False, lazy_load_hdus=True)
            unit = self._units[place.hdu]
            self.header, self.primary = unit.header.copy(), self._units[0].header
            self.shape: tuple[int, ...] = tuple(unit.shape)
            self._array: np.ndarray | None = None
            self._section: Any = None
            self._strips: OrderedDict[int, np.ndarray] = OrderedDict()
            self._strip = 0
            self._scaling: _Scaling | None = None
            gzipped = unit.fileinfo() is not None and unit.fileinfo()["file"].compression is not None
            if isinstance(unit, fits.CompImageHDU):
                self._section, self._strip = unit.section, _strip_of(unit)
            else:
                if not gzipped and _is_scaled(self.header):
                    self._scaling = _Scaling(self.header)
                    self._units.close()
                    self._units = fits.open(place.path, memmap=True, do_not_scale_image_data=True)
                    unit = self._units[place.hdu]
                self._array = unit.data.view(np.ndarray)
        self.held = self._array.nbytes if gzipped and self._array is not None else 0

    @cached_property
    def plane_bands(self) -> tuple[str, ...]:
        """The name of the band, of an image of two axes."""
        return plane_bands(self.header, self.primary, 1)

    @cached_property
    def unit(self) -> str:
        """BUNIT, empty where the headers have none."""
        return str(self.header.get("BUNIT") or self.primary.get("BUNIT") or "").strip()

    def box(self, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        """Return pixels, physical values, shape (..., y1 - y0, x1 - x0).

        Parameters
        ----------
        y0, y1, x0, x1 : int
            From 0, the last ones excluded, within the image.
        """
        if self._array is not None:
            pixels = self._array[..., y0:y1, x0:x1]
            return pixels if self._scaling is None else self._scaling.physical(pixels)
        with no_warnings():
            first, last = y0 // self._strip, (y1 - 1) // self._strip
            rows = [self._unpacked(n, last - first + 2) for n in range(first, last + 1)]
        start = first * self._strip
        if len(rows) == 1:
            return rows[0][..., y0 - start : y1 - start, x0:x1]
        return np.concatenate([r[..., x0:x1] for r in rows], axis=-2)[..., y0 - start : y1 - start, :]

    def close(self) -> None:
        """Let go of the file."""
        self._array = self._section = None
        self._strips.clear()
        self._units.close()

    def _unpacked(self, number: int, keep: int) -> np.ndarray:
        if number in self._strips:
            self._strips.move_to_end(number)
        else:
            top = min((number + 1) * self._strip, self.shape[-2])
            lead = (slice(None),) * (len(self.shape) - 2)
            self._strips[number] = self._section[(*lead, slice(number * self._strip, top), slice(None))]
            while len(self._strips) > keep:
                self._strips.popitem(last=False)
        return self._strips[number]


class _Scaling:
    """BSCALE, BZERO and BLANK, applied box by box: astropy scales a memory-mapped image as a whole or not at all."""

    def __init__(self, header: fits.Header) -> None:
        self.scale, self.zero = float(header.get("BSCALE", 1)), float(header.get("BZERO", 0))
        bits = int(header["BITPIX"])
        self.blank = header.get("BLANK") if bits > 0 else None
        self.dtype = np.dtype(np.float32 if -32 <= bits <= 16 else np.float64)

    def physical(self, raw: np.ndarray) -> np.ndarray:
        """Return the values that stored ones stand for, NaN for blanks."""
        values = raw.astype(self.dtype)
        values *= self.dtype.type(self.scale)
        values += self.dtype.type(self.zero)
        if self.blank is not None:
            values[raw == self.blank] = np.nan
        return values


def _is_scaled(header: fits.Header) -> bool:
    scaled = (header.get("BSCALE", 1), header.get("BZERO", 0)) != (1, 0)
    return scaled or (int(header["BITPIX"]) > 0 and "BLANK" in header)


def _strip_of(unit: Any) -> int:
    """Return a number of rows that is a multiple of the tiles' height."""
    height = int(unit.tile_shape[-2]) if len(unit.tile_shape) > 1 else 1
    return height * max(1, _STRIP // height)


class ImageCache:
    """The images last used, kept open."""

    def __init__(self) -> None:
        self._open: OrderedDict[HduRef, OpenImage] = OrderedDict()

    def get(self, place: HduRef, together: int = 1) -> OpenImage:
        """Return an image, opened where it is not.

        Parameters
        ----------
        place : Place
        together : int
            How many are in use at the same time: the last so many are never closed.
        """
        if place in self._open:
            self._open.move_to_end(place)
            return self._open[place]
        image = OpenImage(place)
        self._open[place] = image
        while len(self._open) > together and (
            len(self._open) > _MOST_OPEN or sum(one.held for one in self._open.values()) > _MOST_HELD
        ):
            self._open.popitem(last=False)[1].close()
        return image

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._open.popitem()[1].close()
