"""Reader of FITS images: one HDU, a cube, or several HDUs with a band each."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from astropy.io import fits

from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.axes import to_bands
from galaxtool.images.fits.band_names import find_hdu_band
from galaxtool.images.fits.bounded_stream import BoundedStream, open_bounded, read_small
from galaxtool.images.fits.card_memo import remember_by_cards
from galaxtool.images.fits.hdus import OpenFits, Unit
from galaxtool.images.fits.header import Cards, Keywords, find_header, round_to_blocks
from galaxtool.images.fits.pixel_meaning import find_meaning
from galaxtool.images.fits.wcs import NOWHERE, find_center
from galaxtool.images.image_file import ImageFile
from galaxtool.images.planes import check_size, format_shape, mask_infinite, take_bands
from galaxtool.images.quality import has_saturation_bit, reaches_saturation
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.images.reading import find_quality_flags
from galaxtool.types import OTHER_IMAGES, SATURATED, Cutout
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.warning_filter import ignore_warnings

_BEGINNING = 10 * 2880
_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_FIRST_CARD = b"SIMPLE  =                    T"
# keywords that make a primary HDU more than a plain array
_COMPLEX_KEYWORDS = ("BSCALE", "BZERO", "BLANK", "GROUPS", "PCOUNT", "GCOUNT", "XTENSION", "CONTINUE", "BSOFTEN")


class FitsReader:
    """Reads FITS images.

    Without `hdu`, the first HDU with an image is read. If several two-dimensional images of the same shape name a band
    each, they are stacked. `galaxtool.images.fits.axes` describes how the axes of a cube become bands.
    """

    def read(self, file: ImageFile, options: ReadOptions = PLAIN) -> Cutout:
        """Read an image.

        Parameters
        ----------
        file : ImageFile
            Plain or packed file, with or without tile compression.
        options : ReadOptions
            Options. With `header_only`, `data` is a read-only view of NaN of the right shape, and nothing is masked.

        Returns
        -------
        Cutout
            float32 of shape (bands, ny, nx) in physical values (BSCALE, BZERO and BLANK applied), row 0 at the bottom,
            NaN where the file has NaN, infinity or a blank, and where a mask or the weights exclude a pixel. Position
            and scale are None if there is no usable WCS.

        Raises
        ------
        UnreadableImage
            If the file is cut short; if it has no image, HDU or band as requested, too many axes or pixels, or no
            finite pixel; or if a mask does not fit the image.

        Notes
        -----
        The array of a small file with a single unscaled image in its primary HDU, such as most cutouts, is taken from
        the bytes directly. This is several times as fast as opening the file with astropy, as for any other file.
        """
        try:
            if options.header_only and (found := _read_single_image(file, file.peek(_BEGINNING), file.size, options)):
                return _make_cutout(file, found, options)
            content = read_small(file)
            if content is not None and (found := _read_single_image(file, content, len(content), options)):
                return _make_cutout(file, found, options)
            with ignore_warnings():  # the relevant problems are checked here
                stream = open_bounded(file if content is None else ImageFile(file.name, content=content))
                with stream, _open_unscaled(stream) as units:
                    cutout = _make_cutout(file, _read_hdus(OpenFits(file, units, content), options), options)
                    if not options.header_only:
                        stream.check_rest()
                    return cutout
        except (OSError, EOFError, zlib.error, fits.VerifyError) as error:
            raise UnreadableImage(f"'{file.name}' is damaged or cut short ({describe_error(error)}).") from error


@dataclass(slots=True)
class _FitsImage:
    """The image in a file.

    Parameters
    ----------
    data : ndarray of float32, shape (bands, ny, nx)
        Pixels.
    bands : tuple of str
        Names of the bands.
    header, primary : Cards or Header
        Headers of the HDU with the image, and of the primary HDU.
    finite : bool
        Whether every value is finite.
    mask : ndarray of bool, shape (ny, nx), or None
        True where a pixel must not be used.
    saturated : bool
        Whether a mask marks the centre as saturated.
    unread : bool
        Whether the file has further images of the sky.
    hdu : int or None
        Number of the HDU, if the file has several with an image.
    differ : bool
        Whether the bands are in different units.
    """

    data: np.ndarray
    bands: tuple[str, ...]
    header: Keywords
    primary: Keywords
    finite: bool
    mask: np.ndarray | None = None
    saturated: bool = False
    unread: bool = False
    hdu: int | None = None
    differ: bool = False


def _make_cutout(file: ImageFile, found: _FitsImage, options: ReadOptions) -> Cutout:
    """Return the cutout of an image."""
    header, primary, data = found.header, found.primary, found.data
    if options.bands:
        data = take_bands(file.name, data, found.bands, options.bands)
    if not options.header_only and not found.finite and np.isnan(data).all():
        masked = "" if found.mask is None else " or masked"
        raise UnreadableImage(f"'{file.name}' has no pixel with a value: all are NaN{masked}.")
    meaning = find_meaning(header, primary, len(data))
    flags: tuple[str, ...] = ()
    if not options.header_only:
        flags = find_quality_flags(data, finite=found.finite)
        if found.saturated or reaches_saturation(data, meaning.saturation):
            flags = (*flags, SATURATED)
    if found.unread:
        flags = (*flags, OTHER_IMAGES)
    nothing: tuple[str, ...] = ()
    shape = (data.shape[1], data.shape[2])
    (ra, dec, scale), about_wcs = find_center(header, shape) if options.position else (NOWHERE, nothing)
    return Cutout(
        data=data,
        bands=options.bands or found.bands,
        unit="" if found.differ else meaning.unit,
        mask=found.mask,
        ra=ra,
        dec=dec,
        pixel_scale=scale,
        source=file.name if found.hdu is None else f"{file.name}[{found.hdu}]",
        flags=tuple(dict.fromkeys((*flags, *meaning.flags, *about_wcs))),
        is_radio=meaning.is_radio,
    )


def _read_single_image(file: ImageFile, content: bytes, size: int, options: ReadOptions) -> _FitsImage | None:
    """Return the image of a file with a single unscaled image in its primary HDU; None for any other file.

    The content is the beginning of `size` bytes; a header alone needs no more.
    """
    raw = find_header(content)
    if (
        raw is None
        or options.hdu not in (None, 0, "0")
        or options.mask_hdu is not None
        or options.weight_hdu is not None
    ):
        return None
    header = Cards(raw)
    plain = _find_plain_array(header) if raw.startswith(_FIRST_CARD) else None
    if plain is None:
        return None
    kind, shape = plain
    start, count = round_to_blocks(len(raw)), math.prod(shape)
    end = start + count * kind.itemsize
    if not end <= size <= round_to_blocks(end):
        return None
    if options.header_only:
        data, finite = _nan_array(shape), True
    else:
        check_size(file.name, shape)
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.frombuffer(content, kind, count, start).astype(np.float32)
        data, finite = mask_infinite(values.reshape(shape))
    data, bands = to_bands(file.name, data, header, header)
    return _FitsImage(data, bands, header, header, finite, hdu=None if options.hdu is None else 0)


@remember_by_cards
def _find_plain_array(header: Cards) -> tuple[np.dtype, tuple[int, ...]] | None:
    """Return the type and shape of an unscaled array; None if the header describes anything else."""
    kind, n = _TYPES.get(header.get_fixed_integer("BITPIX") or 0), header.get_fixed_integer("NAXIS") or 0
    if kind is None or not 2 <= n <= 9 or any(key in header for key in _COMPLEX_KEYWORDS):
        return None
    shape = tuple(header.get_fixed_integer(f"NAXIS{axis}") or 0 for axis in range(n, 0, -1))
    return (np.dtype(kind), shape) if min(shape) >= 1 else None


def _read_hdus(opened: OpenFits, options: ReadOptions) -> _FitsImage:
    """Return the requested image of an open file."""
    if options.hdu is None:
        aside = {opened.find(key).number for key in (options.mask_hdu, options.weight_hdu) if key is not None}
        chosen, more, unread = opened.images(options.bands, aside)
    else:
        chosen, more, unread = [opened.find(options.hdu)], True, False
    primary = next(iter(opened)).header
    first = chosen[0].header
    for unit in chosen:
        opened.check_size(unit)
    read = [(_nan_array(unit.shape), True) if options.header_only else opened.pixels(unit) for unit in chosen]
    finite = all(whole for _, whole in read)
    if len(chosen) > 1:
        data = np.concatenate([array.reshape(1, *array.shape[-2:]) for array, _ in read])
        bands = tuple(find_hdu_band(unit.header) for unit in chosen)
    else:
        data, bands = to_bands(opened.name, read[0][0], first, primary)
    found = _FitsImage(data, bands, first, primary, finite, hdu=chosen[0].number if len(chosen) == 1 and more else None)
    found.unread = unread
    found.differ = len({text for one in chosen if (text := str(one.header.get("BUNIT") or "").strip())}) > 1
    if not options.header_only and not (options.mask_hdu is None and options.weight_hdu is None):
        _apply_mask(opened, found, options)
    return found


def _apply_mask(opened: OpenFits, found: _FitsImage, options: ReadOptions) -> None:
    """Set pixels that the mask or the weights exclude to NaN, and keep the mask."""
    bad = np.zeros(found.data.shape, dtype=bool)
    if options.mask_hdu is not None:
        unit = opened.find(options.mask_hdu)
        values = _read_mask(opened, unit, found)
        bad |= values != 0
        found.saturated = has_saturation_bit(values, unit.header)
    if options.weight_hdu is not None:
        bad |= ~(_read_mask(opened, opened.find(options.weight_hdu), found) > 0)  # also if the weight is NaN
    if bad.any():
        found.data = np.where(bad, np.float32(np.nan), found.data)
        found.finite = False
    found.mask = np.asarray(bad.any(axis=0))


def _read_mask(opened: OpenFits, unit: Unit, found: _FitsImage) -> np.ndarray:
    """Return the pixels of a mask, (ny, nx) for all bands or (bands, ny, nx)."""
    values = opened.raw(unit)
    values = values.reshape([side for side in values.shape[:-2] if side > 1] + list(values.shape[-2:]))
    if values.shape not in (found.data.shape, found.data.shape[1:]):
        raise UnreadableImage(
            f"HDU {unit.number} of '{opened.name}' has {format_shape(values.shape)} pixels, which does not fit "
            f"the image with {format_shape(found.data.shape[1:])}.",
            hint="A mask must have the size of the image, or be a cube with one plane per band.",
        )
    return values


def _open_unscaled(stream: BoundedStream) -> fits.HDUList:
    return fits.open(stream, memmap=False, do_not_scale_image_data=True, lazy_load_hdus=True)


def _nan_array(shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.float32(np.nan), shape)
