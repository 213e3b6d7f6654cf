"""Boxes of pixels from large images, read without the rest of the image."""

from __future__ import annotations

import math
from collections import OrderedDict
from functools import cached_property
from typing import Any

import numpy as np
from astropy.io import fits

from galaxtool.containers.streams import MOST_BYTES, MOST_RATIO
from galaxtool.cutting.images import HduRef
from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.band_names import find_plane_bands
from galaxtool.images.fits.bounded_stream import ANY_SIZE, is_packed, open_bounded
from galaxtool.images.fits.pixel_scaling import PixelScaling
from galaxtool.images.fits.tile_checks import check_tiles
from galaxtool.images.fits.wcs import repair_header
from galaxtool.images.image_file import ImageFile
from galaxtool.utils.files.local_path import to_local_path
from galaxtool.utils.warning_filter import ignore_warnings

_STRIP_ROWS = 64  # rows that are decompressed together
_MAX_OPEN = 64
_MAX_BYTES = 1 << 30  # decompressed images in memory


class OpenImage:
    """An image that is open for cutting.

    Plain pixels are memory-mapped, and scaled box by box. A tile-compressed image is decompressed in
    strips of rows; the last strips are kept, so boxes in the order of y decompress each strip once. A packed file is
    unpacked into memory as a whole.

    Parameters
    ----------
    ref : HduRef
        File and HDU of the image.
    """

    def __init__(self, ref: HduRef) -> None:
        self.ref = ref
        file = ImageFile.on_disk(ref.path)
        packed = is_packed(file)
        source: Any = open_bounded(file, ANY_SIZE) if packed else to_local_path(ref.path)
        with ignore_warnings():
            # scaled box by box: astropy scales a memory-mapped image as a whole or not at all
            self._hdus = fits.open(source, memmap=not packed, do_not_scale_image_data=True, lazy_load_hdus=True)
            try:
                self._take_hdu(file, packed=packed)
                if packed:
                    source.check_rest()
            except BaseException:
                self._hdus.close()
                raise
        self.bytes_in_memory = self._array.nbytes if packed and self._array is not None else 0

    def _take_hdu(self, file: ImageFile, *, packed: bool) -> None:
        """Read the headers, and prepare to read pixels."""
        hdu = self._hdus[self.ref.hdu]
        self.shape: tuple[int, ...] = tuple(hdu.shape)
        self.header, _ = repair_header(hdu.header.copy(), (self.shape[-2], self.shape[-1]))
        self.primary = self._hdus[0].header
        self._array: np.ndarray | None = None
        self._section: Any = None
        self._strips: OrderedDict[int, np.ndarray] = OrderedDict()
        self._strip_rows = 0
        self._scaling = PixelScaling.from_header(self.header, hdu)
        if packed:
            _check_unpacked_size(self.ref, self.shape, abs(int(self.header["BITPIX"])) // 8)
        if isinstance(hdu, fits.CompImageHDU):
            check_tiles(file, self.ref.hdu, hdu)
            self._section, self._strip_rows = hdu.section, _choose_strip_rows(hdu)
        else:
            self._array = hdu.data.view(np.ndarray)

    @cached_property
    def plane_bands(self) -> tuple[str, ...]:
        """The name of the band of an image with two axes."""
        return find_plane_bands(self.header, self.primary, 1)

    @cached_property
    def unit(self) -> str:
        """BUNIT; empty if the headers have none."""
        return str(self.header.get("BUNIT") or self.primary.get("BUNIT") or "").strip()

    def box(self, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        """Return a box of pixels as physical values, shape (..., y1 - y0, x1 - x0).

        Parameters
        ----------
        y0, y1, x0, x1 : int
            First pixel and the one after the last, from 0, within the image.
        """
        if self._array is not None:
            return self._scaling.to_physical(self._array[..., y0:y1, x0:x1])
        with ignore_warnings():
            first, last = y0 // self._strip_rows, (y1 - 1) // self._strip_rows
            strips = [self._read_strip(n, last - first + 2) for n in range(first, last + 1)]
        start = first * self._strip_rows
        if len(strips) == 1:
            raw = strips[0][..., y0 - start : y1 - start, x0:x1]
        else:
            raw = np.concatenate([s[..., x0:x1] for s in strips], axis=-2)[..., y0 - start : y1 - start, :]
        return self._scaling.to_physical(raw)

    def close(self) -> None:
        """Close the file."""
        self._array = self._section = None
        self._strips.clear()
        self._hdus.close()

    def _read_strip(self, number: int, keep: int) -> np.ndarray:
        """Return a strip of rows, and keep the last `keep` strips."""
        if number in self._strips:
            self._strips.move_to_end(number)
        else:
            top = min((number + 1) * self._strip_rows, self.shape[-2])
            lead = (slice(None),) * (len(self.shape) - 2)
            self._strips[number] = self._section[(*lead, slice(number * self._strip_rows, top), slice(None))]
            while len(self._strips) > keep:
                self._strips.popitem(last=False)
        return self._strips[number]


def _check_unpacked_size(ref: HduRef, shape: tuple[int, ...], pixel_bytes: int) -> None:
    """Refuse a packed image that fills the memory: it takes more than 1 GB, and 500 times the size of its file."""
    size, whole = ref.path.stat().st_size, math.prod(shape) * pixel_bytes
    if whole > max(MOST_BYTES, MOST_RATIO * size):
        raise UnreadableImage(
            f"'{ref}' claims to unpack from {size:,} to {whole:,} bytes, which could exhaust memory.",
            hint="If you trust it, unpack it first.",
        )


def _choose_strip_rows(hdu: fits.CompImageHDU) -> int:
    """Return a number of rows that is a multiple of the height of the tiles."""
    height = int(hdu.tile_shape[-2]) if len(hdu.tile_shape) > 1 else 1
    return height * max(1, _STRIP_ROWS // height)


class ImageCache:
    """The images that were used last, kept open."""

    def __init__(self) -> None:
        self._open: OrderedDict[HduRef, OpenImage] = OrderedDict()

    def get(self, ref: HduRef, in_use: int = 1) -> OpenImage:
        """Return an image, opening it if necessary.

        Parameters
        ----------
        ref : HduRef
            File and HDU of the image.
        in_use : int
            Number of images that are used at the same time; as many of the last ones are never closed.
        """
        if ref in self._open:
            self._open.move_to_end(ref)
            return self._open[ref]
        image = OpenImage(ref)
        self._open[ref] = image
        while len(self._open) > in_use and (
            len(self._open) > _MAX_OPEN or sum(one.bytes_in_memory for one in self._open.values()) > _MAX_BYTES
        ):
            self._open.popitem(last=False)[1].close()
        return image

    def close(self) -> None:
        """Close all images."""
        while self._open:
            self._open.popitem()[1].close()
