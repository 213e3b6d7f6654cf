"""Select the HDUs of a FITS file that hold the image, and read their pixels."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from astropy.io import fits

from galaxtool.errors import UnreadableImage
from galaxtool.images.filters import find_wavelengths, match_band, order_by_wavelength
from galaxtool.images.fits.band_names import find_hdu_band, find_plane_bands, is_science
from galaxtool.images.fits.bounded_stream import is_packed
from galaxtool.images.fits.header import Cards, Keywords, find_header
from galaxtool.images.fits.pixel_scaling import PixelScaling
from galaxtool.images.fits.tile_checks import check_tiles
from galaxtool.images.fits.wavelengths import find_header_wavelength
from galaxtool.images.image_file import ImageFile
from galaxtool.images.planes import check_size, format_shape, mask_infinite, missing_band_error
from galaxtool.utils.error_text import describe_error

LOOKED_AT = 1000
"""Number of HDUs that are searched for images to stack if no HDU is requested."""

_LISTED = 20
_BEST_COMPRESSION = 1100  # deflate cannot do better than 1032 to 1


@dataclass(frozen=True, slots=True)
class Unit:
    """One HDU.

    Parameters
    ----------
    number : int
        Number of the HDU in its file.
    hdu : astropy HDU
        The HDU as astropy opened it.
    header : Cards or Header
        Header of the HDU.
    """

    number: int
    hdu: Any
    header: Keywords

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the pixels, in the axis order of NumPy."""
        return tuple(getattr(self.hdu, "shape", ()))

    @property
    def is_image(self) -> bool:
        """Whether the HDU holds pixels in two or more axes."""
        return is_image(self.hdu)


class OpenFits:
    """The HDUs of an open file.

    Parameters
    ----------
    file : ImageFile
        The file.
    units : HDUList
        Its HDUs as astropy opened them.
    content : bytes or None
        The whole decompressed content, if it is in memory.
    """

    def __init__(self, file: ImageFile, units: fits.HDUList, content: bytes | None) -> None:
        self.file, self.name = file, file.name
        self._units, self._content = units, content

    def __iter__(self) -> Iterator[Unit]:
        last = -1
        for number in range(1 << 20):
            try:
                hdu = self._units[number]
            except IndexError:
                return
            where = hdu.fileinfo()
            if where["hdrLoc"] <= last:
                return  # a header with a negative size leads back to an earlier HDU
            last = where["hdrLoc"]
            yield Unit(number, hdu, self._header(hdu, where))

    def _header(self, hdu: Any, where: dict[str, int]) -> Keywords:
        if self._content is None or isinstance(hdu, fits.CompImageHDU):
            raw = None
        else:
            raw = find_header(self._content[: where["datLoc"]], where["hdrLoc"])
        header: Keywords = hdu.header if raw is None else Cards(raw)
        return header

    def images(self, bands: tuple[str, ...], aside: Collection[int] = ()) -> tuple[list[Unit], bool, bool]:
        """Return the images to stack as bands, or the only image to read; whether there are others, and of the sky.

        Parameters
        ----------
        bands : tuple of str
            Requested bands; empty for all that belong together.
        aside : collection of int
            Numbers of HDUs that are known to be masks or weights.

        Raises
        ------
        UnreadableImage
            If there is no image, or none in a requested band.
        """
        found: list[Unit] = []
        others: list[Unit] = []  # weights, masks and the like, which are read only if there is nothing else
        for unit in self:
            if unit.number >= LOOKED_AT:
                break
            if unit.is_image:
                (found if is_science(unit.header) and unit.number not in aside else others).append(unit)
            if found and len(found) + len(others) > 1 and not bands and not _may_stack(found):
                break
        more = len(found) + len(others) > 1
        found = found or others
        if not found:
            raise self._no_image()
        chosen = _select_bands(found)
        if bands and len(found) > 1 and not set(bands) <= set(self._names(chosen)) and not _is_cube(chosen[0]):
            chosen = self._in_bands(found, bands)
        return chosen, more, not bands and len(found) > len(chosen) and bool(is_science(chosen[0].header))

    def find(self, key: int | str) -> Unit:
        """Return the HDU with a number or EXTNAME; raise `UnreadableImage` if it does not exist or is not an image."""
        wanted = str(key).strip()
        for unit in self:
            if wanted == str(unit.number) or (not wanted.isdigit() and unit.hdu.name.upper() == wanted.upper()):
                if not unit.is_image:
                    raise UnreadableImage(f"HDU {key!r} of '{self.name}' is not an image.", hint=self._list_hdus())
                return unit
        raise UnreadableImage(f"'{self.name}' has no HDU {key!r}.", hint=self._list_hdus())

    def pixels(self, unit: Unit) -> tuple[np.ndarray, bool]:
        """Return the pixels of an HDU as native float32 with NaN for missing values, and whether all are finite."""
        with np.errstate(over="ignore"):
            pixels = np.array(self.raw(unit), dtype=np.float32)
        return mask_infinite(pixels)

    def raw(self, unit: Unit) -> np.ndarray:
        """Return the pixels of an HDU as physical values of any numeric type.

        Raises
        ------
        UnreadableImage
            If they are damaged, more than `galaxtool.images.planes.MAX_PIXELS`, or not numbers.
        """
        check_size(self.name, unit.shape)
        self.check_size(unit)
        try:
            if isinstance(unit.hdu, fits.CompImageHDU):
                check_tiles(self._decompressed_file(), unit.number, unit.hdu)
            data: np.ndarray | None = unit.hdu.data
        except (TypeError, ValueError, IndexError, KeyError) as error:
            # from numpy and the decompressors, for too few or wrong bytes
            raise UnreadableImage(f"'{self.name}' is damaged or cut short ({describe_error(error)}).") from error
        if data is None:
            raise UnreadableImage(f"HDU {unit.number} of '{self.name}' has no pixels.")
        if data.dtype.kind not in "iuf":
            raise UnreadableImage(f"'{self.name}' has pixels of type {data.dtype}, which are not brightness.")
        return PixelScaling.from_header(unit.header, unit.hdu).to_physical(data)

    def check_size(self, unit: Unit) -> None:
        """Reject an HDU whose header promises more data than the file can hold, before memory is allocated."""
        compressed = isinstance(unit.hdu, fits.CompImageHDU)
        wanted = math.prod(unit.shape) * abs(int(unit.header.get("BITPIX"))) // 8
        if compressed:
            check_size(self.name, tuple(int(side) for side in unit.hdu.tile_shape))
        if self._content is not None and not compressed:
            enough = unit.hdu.fileinfo()["datLoc"] + wanted <= len(self._content)
        elif compressed or is_packed(self.file):
            best = _BEST_COMPRESSION if self.file.head(2) == b"\x1f\x8b" or compressed else math.inf
            enough = wanted <= self.file.size * best
        else:
            enough = unit.hdu.fileinfo()["datLoc"] + wanted <= self.file.size
        if not enough:
            raise cut_short_error(self.file, unit.shape)

    def _decompressed_file(self) -> ImageFile:
        return self.file if self._content is None else ImageFile(self.name, content=self._content)

    def _names(self, chosen: list[Unit]) -> tuple[str, ...]:
        """Return the names that the bands of the chosen images will have."""
        if len(chosen) > 1:
            return tuple(find_hdu_band(unit.header) for unit in chosen)
        return find_plane_bands(chosen[0].header, next(iter(self)).header, 1)

    def _in_bands(self, images: list[Unit], bands: tuple[str, ...]) -> list[Unit]:
        """Return the image in each of the requested bands."""
        named: dict[str, Unit] = {}
        for unit in images:
            if band := "" if _is_cube(unit) else find_hdu_band(unit.header):
                named.setdefault(band, unit)
        found = [match_band(band, tuple(named)) for band in bands]
        if missing := [band for band, name in zip(bands, found, strict=True) if not name]:
            raise missing_band_error(self.name, missing[0], tuple(named))
        chosen = [named[name] for name in found]
        for unit, band in zip(chosen, bands, strict=True):
            if unit.shape[-2:] != chosen[0].shape[-2:]:
                raise UnreadableImage(
                    f"'{self.name}' has the bands {bands[0]} and {band} in images of different sizes, "
                    f"{format_shape(chosen[0].shape)} and {format_shape(unit.shape)} pixels.",
                    hint="Bring them to one grid of pixels first.",
                )
        return chosen

    def _no_image(self) -> UnreadableImage:
        units = [unit.hdu for unit in islice(self, LOOKED_AT)]
        if any(isinstance(unit, fits.GroupsHDU) for unit in units):
            hint = "Convert them to an image first."
            return UnreadableImage(
                f"'{self.name}' contains random groups, such as visibilities, and no image.", hint=hint
            )
        if any(isinstance(unit, fits.BinTableHDU | fits.TableHDU) for unit in units):
            hint = "A table of images is given as a catalogue."
            return UnreadableImage(f"'{self.name}' contains only a table, and no image.", hint=hint)
        if any(len(getattr(unit, "shape", ())) == 1 for unit in units):
            return UnreadableImage(f"'{self.name}' contains a spectrum or another one-dimensional array, and no image.")
        return UnreadableImage(f"'{self.name}' is a FITS file without pixels.")

    def _list_hdus(self) -> str:
        units = list(islice(self, _LISTED + 1))
        names = [f"{u.number} {u.hdu.name or '(no name)'}, {'image' if u.is_image else 'not an image'}" for u in units]
        return f"Its HDUs are: {'; '.join(names[:_LISTED])}{'; ...' if len(names) > _LISTED else ''}."


def is_image(hdu: Any) -> bool:
    """Tell whether an HDU, as astropy opened it, holds pixels in two or more axes."""
    kind = isinstance(hdu, fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU)
    return kind and not isinstance(hdu, fits.GroupsHDU) and len(hdu.shape) >= 2 and min(hdu.shape) > 0


def cut_short_error(file: ImageFile, shape: tuple[int, ...]) -> UnreadableImage:
    """Return the error for a file that holds less than its header promises."""
    return UnreadableImage(
        f"'{file.name}' is cut short: its header promises {format_shape(shape)} pixels "
        f"and the file has {file.size} bytes.",
        hint="Download or copy it again.",
    )


def _is_cube(unit: Unit) -> bool:
    return max(unit.shape[:-2], default=1) > 1


def _may_stack(images: list[Unit]) -> bool:
    """Tell whether further images can be stacked on the first."""
    if _is_cube(images[0]) or not find_hdu_band(images[0].header):
        return False
    names = [band for unit in images if unit.shape == images[0].shape and (band := find_hdu_band(unit.header))]
    return len(set(names)) == len(names)


def _select_bands(images: list[Unit]) -> list[Unit]:
    """Return the images to stack as bands: all with the shape of the first, if each names a different band."""
    if not _may_stack(images):
        return images[:1]
    chosen = [unit for unit in images if unit.shape == images[0].shape and find_hdu_band(unit.header)]
    names = [find_hdu_band(unit.header) for unit in chosen]
    if None in find_wavelengths(names):  # then the order counts, and the headers may know it
        stated = [find_header_wavelength(unit.header, unit.header) for unit in chosen]
        chosen = chosen if None in stated else [chosen[index] for index in order_by_wavelength(names, stated)]
    return chosen
