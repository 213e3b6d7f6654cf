"""FITS images: one HDU, a cube, or a band in each of several HDUs."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from astropy.io import fits

from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.axes import to_bands
from galaxtool.images.fits.band_names import hdu_band
from galaxtool.images.fits.bounded_stream import open_bounded, small_content
from galaxtool.images.fits.hdus import OpenFits, Unit
from galaxtool.images.fits.header import Cards, Keywords, header_bytes, padded
from galaxtool.images.fits.wcs import NOWHERE, centre_and_scale
from galaxtool.images.image_file import ImageFile
from galaxtool.images.planes import axes, clean, take_bands, too_large
from galaxtool.images.quality import above_saturation, masked_as_saturated
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.images.reading import quality_flags, say
from galaxtool.types import SATURATED, Cutout
from galaxtool.utils.warning_filter import ignore_warnings

_BEGINNING = 10 * 2880
_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
# what makes more of a primary HDU than an array that may be taken as it stands
_NOT_LONE = ("BSCALE", "BZERO", "BLANK", "GROUPS", "PCOUNT", "GCOUNT", "XTENSION", "CONTINUE")


class FitsReader:
    """Reads FITS images.

    Without `hdu`, the first HDU with an image is taken; where several two-dimensional images of its shape each name a
    band of their own, they are stacked. How the axes of a cube become bands is said in `galaxtool.images.fits.axes`.
    """

    def read(self, file: ImageFile, options: ReadOptions = PLAIN) -> Cutout:
        """Read an image.

        Parameters
        ----------
        file : ImageFile
            Plain or gzipped, its images tile-compressed or not.
        options : ReadOptions
            With `header_only`, `data` is a read-only view of NaN of the right shape, and nothing is masked.

        Returns
        -------
        Cutout
            float32 of shape (bands, ny, nx) in physical values (BSCALE, BZERO and BLANK applied), row 0 at the bottom,
            NaN where the file has NaN, infinity or a blank, or where a mask or the weights leave a pixel out. A WCS
            that is absent or wrong leaves position and scale None.

        Raises
        ------
        UnreadableImage
            If it is cut short, holds no image, no such HDU or no such band, more axes than can be understood or more
            pixels than an image of one object, or no finite pixel; or if a mask does not fit it.

        Notes
        -----
        Where the file is small and holds a single image in its primary HDU, unscaled, as cutouts mostly do, its array
        is taken from the bytes, which is several times as fast as opening the file with astropy. Any other is opened.
        """
        with ignore_warnings():  # what matters of astropy's warnings is checked here
            try:
                if options.header_only and (found := _lone_image(file, file.peek(_BEGINNING), file.size, options)):
                    return _cutout(file, found, options)
                content = small_content(file)
                if content is not None and (found := _lone_image(file, content, len(content), options)):
                    return _cutout(file, found, options)
                stream = open_bounded(file if content is None else ImageFile(file.name, content=content))
                with stream, fits.open(stream, memmap=False, uint=True, lazy_load_hdus=True) as units:
                    return _cutout(file, _from_units(OpenFits(file, units, content), options), options)
            except (OSError, EOFError, zlib.error, fits.VerifyError) as error:
                raise UnreadableImage(f"'{file.name}' is damaged or cut short ({say(error)}).") from error


@dataclass(slots=True)
class _Found:
    """What a file holds.

    Parameters
    ----------
    data : ndarray of float32, shape (bands, ny, nx)
    bands : tuple of str
    header, primary : Cards or Header
    finite : bool
        Whether every value is.
    mask : ndarray of bool, shape (ny, nx), or None
    saturated : bool
        Whether a mask says so of the centre.
    hdu : int or None
        Which was taken, where there are several.
    """

    data: np.ndarray
    bands: tuple[str, ...]
    header: Keywords
    primary: Keywords
    finite: bool
    mask: np.ndarray | None = None
    saturated: bool = False
    hdu: int | None = None


def _cutout(file: ImageFile, found: _Found, options: ReadOptions) -> Cutout:
    """Return the cutout of what was found."""
    header, primary, data = found.header, found.primary, found.data
    if options.bands:
        data = take_bands(file.name, data, found.bands, options.bands)
    flags: tuple[str, ...] = ()
    if not options.header_only:
        if not found.finite and np.isnan(data).all():
            masked = "" if found.mask is None else " or masked"
            raise UnreadableImage(f"'{file.name}' has no pixel with a value: all are NaN{masked}.")
        flags = quality_flags(data, finite=found.finite)
        if found.saturated or above_saturation(data, header, primary):
            flags = (*flags, SATURATED)
    ra, dec, scale = centre_and_scale(header, (data.shape[1], data.shape[2])) if options.position else NOWHERE
    return Cutout(
        data=data,
        bands=options.bands or found.bands,
        unit=str(header.get("BUNIT") or primary.get("BUNIT") or "").strip(),
        mask=found.mask,
        ra=ra,
        dec=dec,
        pixel_scale=scale,
        source=file.name if found.hdu is None else f"{file.name}[{found.hdu}]",
        flags=flags,
    )


def _lone_image(file: ImageFile, content: bytes, size: int, options: ReadOptions) -> _Found | None:
    """Return the image of a file that holds nothing but one, unscaled, in its primary HDU; None for any other.

    The content, of which a header needs no more than the beginning, is part of `size` bytes.
    """
    raw = header_bytes(content)
    if (
        raw is None
        or options.hdu not in (None, 0, "0")
        or options.mask_hdu is not None
        or options.weight_hdu is not None
    ):
        return None
    header = Cards(raw)
    kind, n = _TYPES.get(header.fixed("BITPIX") or 0), header.fixed("NAXIS") or 0
    if raw[:30] != b"SIMPLE  =                    T" or kind is None or not 2 <= n <= 9:
        return None
    if any(key in header for key in _NOT_LONE):
        return None
    shape = tuple(header.fixed(f"NAXIS{axis}") or 0 for axis in range(n, 0, -1))
    start, count = padded(len(raw)), math.prod(shape)
    end = start + count * np.dtype(kind).itemsize
    if min(shape) < 1 or not end <= size <= padded(end):
        return None
    if options.header_only:
        data, finite = _empty(shape), True
    else:
        too_large(file.name, shape)
        with np.errstate(over="ignore"):
            values = np.frombuffer(content, kind, count, start).astype(np.float32)
        data, finite = clean(values.reshape(shape))
    data, bands = to_bands(file.name, data, header, header)
    return _Found(data, bands, header, header, finite, hdu=None if options.hdu is None else 0)


def _from_units(opened: OpenFits, options: ReadOptions) -> _Found:
    """Return the wanted image of an open file."""
    if options.hdu is None:
        chosen, more = opened.images(options.bands)
    else:
        chosen, more = [opened.find(options.hdu)], True
    primary = next(iter(opened)).header
    first = chosen[0].header
    for unit in chosen:
        opened.check_size(unit)
    read = [(_empty(unit.shape), True) if options.header_only else opened.pixels(unit) for unit in chosen]
    finite = all(whole for _, whole in read)
    if len(chosen) > 1:
        data = np.concatenate([array.reshape(1, *array.shape[-2:]) for array, _ in read])
        bands = tuple(hdu_band(unit.header) for unit in chosen)
    else:
        data, bands = to_bands(opened.name, read[0][0], first, primary)
    found = _Found(data, bands, first, primary, finite, hdu=chosen[0].number if len(chosen) == 1 and more else None)
    if not options.header_only and not (options.mask_hdu is None and options.weight_hdu is None):
        _mask(opened, found, options)
    return found


def _mask(opened: OpenFits, found: _Found, options: ReadOptions) -> None:
    """Put NaN where the mask or the weights leave a pixel out, and keep where that is."""
    bad = np.zeros(found.data.shape, dtype=bool)
    if options.mask_hdu is not None:
        unit = opened.find(options.mask_hdu)
        values = _fitting(opened, unit, found)
        bad |= values != 0
        found.saturated = masked_as_saturated(values, unit.header)
    if options.weight_hdu is not None:
        bad |= ~(_fitting(opened, opened.find(options.weight_hdu), found) > 0)  # nor where the weight is NaN
    if bad.any():
        found.data = np.where(bad, np.float32(np.nan), found.data)
        found.finite = False
    found.mask = np.asarray(bad.any(axis=0))


def _fitting(opened: OpenFits, unit: Unit, found: _Found) -> np.ndarray:
    """Return the pixels of a mask, (ny, nx) for all bands or (bands, ny, nx)."""
    values = opened.raw(unit)
    values = values.reshape([side for side in values.shape[:-2] if side > 1] + list(values.shape[-2:]))
    if values.shape not in (found.data.shape, found.data.shape[1:]):
        raise UnreadableImage(
            f"HDU {unit.number} of '{opened.name}' has {axes(values.shape)} pixels, which does not fit the image with "
            f"{axes(found.data.shape[1:])}.",
            hint="A mask has the size of the image, or is a cube with a plane for each band.",
        )
    return values


def _empty(shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.float32(np.nan), shape)
