"""FITS images: one HDU, a cube, or a band in each of several HDUs."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from galaxtool.errors import UnreadableImage
from galaxtool.io.fitsaxes import to_bands
from galaxtool.io.fitsbands import hdu_band
from galaxtool.io.imagefile import ImageFile
from galaxtool.io.options import PLAIN, ReadOptions
from galaxtool.io.quiet import no_warnings
from galaxtool.io.readers import quality_flags, say
from galaxtool.io.wcs import centre_and_scale
from galaxtool.types import Cutout

_GZIP = b"\x1f\x8b"
_BEST_COMPRESSION = 1100  # deflate cannot do better than 1032 to 1


class FitsReader:
    """Reads FITS images.

    Without `hdu`, the first HDU with an image is taken; where several two-dimensional images of its shape each name a
    band of their own, they are stacked. How the axes of a cube become bands is said in `galaxtool.io.fitsaxes`.
    """

    def read(self, file: ImageFile, options: ReadOptions = PLAIN) -> Cutout:
        """Read an image.

        Parameters
        ----------
        file : ImageFile
            Plain or gzipped, its images tile-compressed or not.
        options : ReadOptions
            With `header_only`, `data` is a read-only view of NaN of the right shape.

        Returns
        -------
        Cutout
            float32 of shape (bands, ny, nx) in physical values (BSCALE, BZERO and BLANK applied), row 0 at the bottom,
            NaN where the file has NaN, infinity or a blank. A WCS that is absent or wrong leaves position and scale
            None.

        Raises
        ------
        UnreadableImage
            If it is cut short, holds no image, has no such HDU, more axes than can be understood, or no finite pixel.
        """
        with no_warnings():  # what matters of astropy's warnings is checked here
            try:
                with (
                    _unpacked(file) as stream,
                    fits.open(stream, memmap=False, uint=False, lazy_load_hdus=True) as units,
                ):
                    return _read(file, units, options)
            except (OSError, EOFError, fits.VerifyError) as error:
                raise UnreadableImage(f"'{file.name}' is damaged or cut short ({say(error)}).") from error


def _unpacked(file: ImageFile) -> Any:
    """Open a file, gunzipped where it is gzipped."""
    return gzip.open(file.open()) if file.head(2) == _GZIP else file.open()


def _read(file: ImageFile, units: fits.HDUList, options: ReadOptions) -> Cutout:
    """Return the wanted image of an open file."""
    hdu, header_only, path = options.hdu, options.header_only, Path(file.name)
    images = [unit for unit in units if _is_image(unit)] if hdu is None else [_find(path, units, hdu)]
    if not images:
        raise _no_image(path, units)
    chosen = _same_sky(images)
    for unit in chosen:
        _check_size(file, unit)
    arrays = [_empty(unit.shape) if header_only else _pixels(path, unit) for unit in chosen]
    first, primary = chosen[0].header, units[0].header
    if len(chosen) > 1:
        data, bands = np.concatenate([array.reshape(1, *array.shape[-2:]) for array in arrays]), _bands(chosen)
    else:
        data, bands = to_bands(path, arrays[0], first, primary)
    if not header_only and np.isnan(data).all():
        raise UnreadableImage(f"'{path}' has no pixel with a value: all are NaN.")
    ra, dec, scale = centre_and_scale(first, (data.shape[1], data.shape[2]))
    one_of_several = len(chosen) == 1 and (len(images) > 1 or hdu is not None)
    return Cutout(
        data=data,
        bands=bands,
        unit=str(first.get("BUNIT") or primary.get("BUNIT") or "").strip(),
        ra=ra,
        dec=dec,
        pixel_scale=scale,
        source=f"{path}[{units.index(chosen[0])}]" if one_of_several else str(path),
        flags=() if header_only else quality_flags(data),
    )


def _is_image(unit: Any) -> bool:
    """Tell whether an HDU holds pixels in two axes or more."""
    kind = isinstance(unit, fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU)
    return kind and not isinstance(unit, fits.GroupsHDU) and len(unit.shape) >= 2 and math.prod(unit.shape) > 0


def _find(path: Path, units: fits.HDUList, hdu: int | str) -> Any:
    """Return the HDU that was asked for."""
    key = int(hdu) if str(hdu).isdigit() else hdu
    try:
        unit = units[key]
    except (KeyError, IndexError) as error:
        raise UnreadableImage(f"'{path}' has no HDU {hdu!r}.", hint=_there_are(units)) from error
    if not _is_image(unit):
        raise UnreadableImage(f"HDU {hdu!r} of '{path}' is not an image.", hint=_there_are(units))
    return unit


def _no_image(path: Path, units: fits.HDUList) -> UnreadableImage:
    if any(isinstance(unit, fits.BinTableHDU | fits.TableHDU) for unit in units):
        hint = "A table of images is given as a catalogue."
        return UnreadableImage(f"'{path}' holds only a table, and no image.", hint=hint)
    if any(len(getattr(unit, "shape", ())) == 1 for unit in units):
        return UnreadableImage(f"'{path}' holds a spectrum or another array of one axis, and no image.")
    return UnreadableImage(f"'{path}' is a FITS file without pixels.")


def _there_are(units: fits.HDUList) -> str:
    names = (f"{i} {u.name or '(no name)'}, {'image' if _is_image(u) else 'no image'}" for i, u in enumerate(units))
    return f"There are: {'; '.join(names)}."


def _same_sky(images: list[Any]) -> list[Any]:
    """Return the images to stack as bands: all that show what the first shows, if each is in a band of its own."""
    shape = images[0].shape
    if max(shape[:-2], default=1) > 1:
        return images[:1]
    alike = [image for image in images if image.shape == shape and hdu_band(image)]
    distinct = len(set(_bands(alike))) == len(alike)
    return alike if len(alike) > 1 and distinct and alike[0] is images[0] else images[:1]


def _bands(images: list[Any]) -> tuple[str, ...]:
    return tuple(hdu_band(image) for image in images)


def _check_size(file: ImageFile, unit: Any) -> None:
    """Refuse an HDU whose header promises more than the file can hold, before memory is taken for it."""
    wanted = math.prod(unit.shape) * abs(int(unit.header["BITPIX"])) // 8
    if file.head(2) == _GZIP or isinstance(unit, fits.CompImageHDU):
        enough = wanted <= file.size * _BEST_COMPRESSION
    else:
        enough = unit.fileinfo()["datLoc"] + wanted <= file.size
    if not enough:
        axes = " x ".join(str(n) for n in reversed(unit.shape))
        raise UnreadableImage(
            f"'{file.name}' is cut short: its header promises {axes} pixels and the file has {file.size} bytes.",
            hint="Fetch or copy it again.",
        )


def _empty(shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.float32(np.nan), shape)


def _pixels(path: Path, unit: Any) -> np.ndarray:
    """Return the pixels as native float32, NaN where there is no datum."""
    try:
        data = unit.data
    except (TypeError, ValueError, IndexError, KeyError) as error:
        # what numpy and the decompressors say of too few or of wrong bytes
        raise UnreadableImage(f"'{path}' is damaged or cut short ({say(error)}).") from error
    if data is None or data.dtype.kind not in "iuf":
        raise UnreadableImage(f"'{path}' holds pixels of type {getattr(data, 'dtype', None)}, which are no brightness.")
    with np.errstate(over="ignore"):
        pixels = np.array(data, dtype=np.float32)
    pixels[~np.isfinite(pixels)] = np.nan
    return pixels
