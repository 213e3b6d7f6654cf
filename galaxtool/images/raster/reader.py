"""Reader of PNG, JPEG, TIFF and other pictures, by Pillow or by a faster decoder with the same pixels."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
from PIL import Image, UnidentifiedImageError

from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.planes import mask_infinite, take_bands
from galaxtool.images.quality import has_white_center, parse_flags
from galaxtool.images.raster.jpeg import decode_jpeg
from galaxtool.images.raster.picture import Picture
from galaxtool.images.raster.png import decode_png
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.images.reading import describe_error, find_quality_flags
from galaxtool.types import NAME_MISMATCH, SATURATED, Cutout
from galaxtool.utils.warning_filter import ignore_warnings

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
_SUFFIXES = {suffix: name for suffix, name in Image.registered_extensions().items() if name in _FORMATS}
_GRAY = ("1", "L", "LA", "La")


class RasterReader:
    """Reads pictures.

    8-bit values are kept, 16-bit values are divided by 257 so that white stays white; both are ``"display"`` values.
    Floating-point and 32-bit pictures are measured data without a unit. Transparent pixels are blended with black. Only
    the first frame or page of a file is read. Orientation tags are ignored, since no sky survey uses them.
    """

    def read(self, file: ImageFile, options: ReadOptions = PLAIN) -> Cutout:
        """Read a picture.

        Parameters
        ----------
        file : ImageFile
            The file.
        options : ReadOptions
            Options. With `header_only`, `data` is zero. With `at_least`, a JPEG is read at a half, a quarter or an
            eighth of its size if the shorter side then still has that many pixels.

        Returns
        -------
        Cutout
            uint8 of shape (1, ny, nx) or (3, ny, nx), bands ``("",)`` or ``("R", "G", "B")``; or float32 (1, ny, nx).
            Row 0 is the bottom row of the picture. uint8 data are a read-only view of the decoded picture, whose memory
            has the colours of a pixel together and the top row first.

        Raises
        ------
        UnreadableImage
            If the picture is damaged, cut short, too large, or lacks a requested band.
        """
        name = file.name
        in_memory = file.in_memory and not options.header_only
        picture = (decode_jpeg(file.content(), options.at_least) if in_memory else None) or _decode_with_pillow(
            file, options
        )
        planes = picture.planes
        measured = planes.dtype != np.uint8
        flags: tuple[str, ...] = (NAME_MISMATCH,) if _has_wrong_suffix(file, picture.format) else ()
        if not options.header_only:
            flags += _measured_flags(name, planes) if measured else _picture_flags(planes)
        bands: tuple[str, ...] = ("R", "G", "B") if len(planes) == 3 else ("",)
        planes = planes[:, ::-1]  # the top row comes first in a picture
        if options.bands:
            planes, bands = take_bands(name, planes, bands, options.bands), options.bands
        return Cutout(
            data=np.ascontiguousarray(planes) if measured and not options.header_only else planes,
            bands=bands,
            unit="" if measured else "display",
            pixel_scale=None if options.pixel_scale is None else options.pixel_scale * picture.scale,
            source=name,
            flags=tuple(dict.fromkeys((*flags, *picture.flags))),
            extent=picture.extent,
        )


def _decode_with_pillow(file: ImageFile, options: ReadOptions) -> Picture:
    """Decode a picture of any format; raise `UnreadableImage` if that fails."""
    name = file.name
    with ignore_warnings():
        # about odd metadata, and about 90 to 180 million pixels, which a mosaic may have
        try:
            with file.open() as stream, Image.open(stream, formats=_FORMATS) as image:
                _check_complete(name, image)
                scale, extent = _reduce(image, options.at_least)
                planes = _empty(image) if options.header_only else _decode_planes(image, file)
                return Picture(planes, image.format or "", scale, extent, parse_flags(image.info.get("Flags")))
        except Image.DecompressionBombError as error:
            raise UnreadableImage(
                f"'{name}' claims more pixels than a picture should have ({describe_error(error)}).",
                hint="Cut the objects out of it first, with `galaxtool cutouts`.",
            ) from error
        except UnidentifiedImageError as error:
            raise UnreadableImage(f"'{name}' is damaged: its header cannot be read.") from error
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise UnreadableImage(f"'{name}' is damaged or cut short ({describe_error(error)}).") from error


def _check_complete(name: str, image: Image.Image) -> None:
    """Reject a TIFF whose strips do not fill the picture: Pillow would leave the rest black."""
    filled = sum((right - left) * (bottom - top) for _, (left, top, right, bottom), *_ in getattr(image, "tile", ()))
    if image.format == "TIFF" and filled < image.width * image.height:
        raise UnreadableImage(
            f"'{name}' is damaged or cut short: its header promises {image.width} x {image.height} pixels and it has "
            f"{filled:,} of them."
        )


def _has_wrong_suffix(file: ImageFile, format_: str | None) -> bool:
    """Tell whether the suffix of a picture belongs to another format."""
    suffix_format = _SUFFIXES.get(PurePath(file.suffix_name).suffix)
    return suffix_format is not None and suffix_format != ("JPEG" if format_ == "MPO" else format_)


def _reduce(image: Image.Image, at_least: int) -> tuple[float, tuple[float, float] | None]:
    """Make Pillow decode a JPEG at a half, a quarter or an eighth of its size; return the scale and the extent.

    libjpeg returns about the mean of each block of pixels in a fraction of the time. Blocks at the right and the bottom
    may have fewer pixels.
    """
    width = image.width
    drafted = image.draft(None, (at_least, at_least)) if at_least and image.format in ("JPEG", "MPO") else None
    if drafted is None:
        return 1.0, None
    _, _, nx, ny = drafted[1]
    return width / nx, (ny, nx) if (nx, ny) != image.size else None


def _measured_flags(name: str, planes: np.ndarray) -> tuple[str, ...]:
    """Replace infinite values by NaN in place, and return the flags; raise if no value is finite."""
    planes, finite = mask_infinite(planes)
    if not finite and np.isnan(planes).all():
        raise UnreadableImage(f"'{name}' has no pixel with a value: all are NaN.")
    return find_quality_flags(planes, finite=finite)


def _picture_flags(planes: np.ndarray) -> tuple[str, ...]:
    return find_quality_flags(planes, finite=True) + ((SATURATED,) if has_white_center(planes) else ())


def _is_measured(image: Image.Image) -> bool:
    # Pillow before 11 opens a PNG of 16 bits as mode I
    return image.mode == "F" or (image.mode == "I" and image.format != "PNG")


def _has_16_bits(image: Image.Image) -> bool:
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")


def _empty(image: Image.Image) -> np.ndarray:
    """Return an array of zeros like that of `_decode_planes`, without decoding."""
    gray = image.mode in _GRAY or _is_measured(image) or _has_16_bits(image)
    zero = np.float32(0) if _is_measured(image) else np.uint8(0)
    return np.broadcast_to(zero, (1 if gray else 3, image.height, image.width))


def _decode_planes(image: Image.Image, file: ImageFile) -> np.ndarray:
    """Return pixels as uint8 or float32, shape (1 or 3, ny, nx), top row first."""
    if image.format == "PNG" and file.in_memory and (planes := decode_png(image, file.content())) is not None:
        return planes
    if _is_measured(image):
        return np.array(image, dtype=np.float32)[None]
    if _has_16_bits(image):
        values = np.asarray(image).astype(np.uint32)
        return ((np.minimum(values, 65535) + 128) // 257).astype(np.uint8)[None]
    mode = "L" if image.mode in _GRAY else "RGB"
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        visible = image.convert("LA" if mode == "L" else "RGBA")
        image = Image.new(mode, image.size)
        image.paste(visible.convert(mode), mask=visible.getchannel("A"))
    values = np.asarray(image if image.mode == mode else image.convert(mode))
    return values[None] if mode == "L" else values.transpose(2, 0, 1)
