"""PNG, JPEG, TIFF and other pictures, read by Pillow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from galaxtool.errors import UnreadableImage
from galaxtool.io.imagefile import ImageFile
from galaxtool.io.options import PLAIN, ReadOptions
from galaxtool.io.quiet import no_warnings
from galaxtool.io.readers import quality_flags, say
from galaxtool.types import NAME_MISMATCH, Cutout

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
_GRAY = ("1", "L", "LA", "La")


class RasterReader:
    """Reads pictures.

    Values of 8 bits are taken as they are, of 16 bits divided by 257 so that white stays white; both are ``"display"``
    values. Floating-point and 32-bit pictures are measured data without a unit. Transparent pixels lie over black. Of
    an animation or a file of several pages the first is taken. Orientation tags are not followed, as no sky survey
    means anything by them.
    """

    def read(self, file: ImageFile, options: ReadOptions = PLAIN) -> Cutout:
        """Read a picture.

        Parameters
        ----------
        file : ImageFile
        options : ReadOptions
            With `header_only`, `data` is zero.

        Returns
        -------
        Cutout
            uint8 of shape (1, ny, nx) or (3, ny, nx), bands ``("",)`` or ``("R", "G", "B")``; or float32 (1, ny, nx).
            Row 0 is the bottom row of the picture.

        Raises
        ------
        UnreadableImage
            If it is damaged, cut short, or so large that it may be meant to exhaust memory.
        """
        path, header_only = Path(file.name), options.header_only
        with no_warnings():
            # on odd metadata, and on sizes of 90 to 180 million pixels, which a mosaic may well have
            try:
                with file.open() as stream, Image.open(stream, formats=_FORMATS) as image:
                    misnamed = _misnamed(path, image.format)
                    planes = _empty(image) if header_only else _planes(image)
            except Image.DecompressionBombError as error:
                raise UnreadableImage(
                    f"'{path}' claims more pixels than a picture should have ({say(error)}).",
                    hint="Cut it into smaller images, or store it as FITS.",
                ) from error
            except UnidentifiedImageError as error:
                raise UnreadableImage(f"'{path}' is damaged: its header cannot be understood.") from error
            except (OSError, SyntaxError, ValueError, EOFError) as error:
                raise UnreadableImage(f"'{path}' is damaged or cut short ({say(error)}).") from error
        measured = planes.dtype != np.uint8
        if measured and not header_only:
            planes[~np.isfinite(planes)] = np.nan
            if np.isnan(planes).all():
                raise UnreadableImage(f"'{path}' has no pixel with a value: all are NaN.")
        flags = (NAME_MISMATCH,) if misnamed else ()
        return Cutout(
            data=np.ascontiguousarray(planes[:, ::-1]),  # the top row comes first in a picture
            bands=("R", "G", "B") if len(planes) == 3 else ("",),
            unit="" if measured else "display",
            source=str(path),
            flags=flags if header_only else (*flags, *quality_flags(planes)),
        )


def _misnamed(path: Path, format_: str | None) -> bool:
    """Tell whether a picture has the suffix of another format."""
    suffix_means = Image.registered_extensions().get(path.suffix.lower())
    return suffix_means in _FORMATS and suffix_means != ("JPEG" if format_ == "MPO" else format_)


def _measured(image: Image.Image) -> bool:
    # Pillow before 11 opens a PNG of 16 bits as mode I
    return image.mode == "F" or (image.mode == "I" and image.format != "PNG")


def _sixteen_bits(image: Image.Image) -> bool:
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")


def _empty(image: Image.Image) -> np.ndarray:
    """Return what `_planes` would, without decoding: all zero."""
    gray = image.mode in _GRAY or _measured(image) or _sixteen_bits(image)
    return np.zeros((1 if gray else 3, image.height, image.width), np.float32 if _measured(image) else np.uint8)


def _planes(image: Image.Image) -> np.ndarray:
    """Return pixels as uint8 or float32, shape (1 or 3, ny, nx), top row first."""
    if _measured(image):
        return np.array(image, dtype=np.float32)[None]
    if _sixteen_bits(image):
        values = np.asarray(image).astype(np.uint32)
        return ((np.minimum(values, 65535) + 128) // 257).astype(np.uint8)[None]
    mode = "L" if image.mode in _GRAY else "RGB"
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        seen = image.convert("LA" if mode == "L" else "RGBA")
        image = Image.new(mode, image.size)
        image.paste(seen.convert(mode), mask=seen.getchannel("A"))
    values = np.asarray(image.convert(mode))
    return values[None] if mode == "L" else np.moveaxis(values, -1, 0)
