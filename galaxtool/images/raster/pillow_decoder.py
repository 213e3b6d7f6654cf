"""Decode pictures by Pillow, and by this package where Pillow does not keep all bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from galaxtool.errors import UnreadableImage
from galaxtool.images.content import describe_content
from galaxtool.images.image_file import ImageFile
from galaxtool.images.quality import parse_flags
from galaxtool.images.raster.deep import interpret_tiff, interpret_values
from galaxtool.images.raster.picture import Picture
from galaxtool.images.raster.png import decode_png
from galaxtool.images.raster.tiff import decode_tiff, needs_own_decoder
from galaxtool.images.raster.tiff_tags import TIFF_MAGIC, find_page
from galaxtool.images.read_options import ReadOptions
from galaxtool.types import FEW_LEVELS, FIRST_FRAME
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.warning_filter import ignore_warnings

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "JPEG2000", "AVIF", "PPM")
"""Names of the formats, as Pillow has them."""

_GRAY = ("1", "L", "LA", "La")
_ORIENTATION, _UPRIGHT = 274, 1
_PNG_BITS = slice(24, 25)
_QUARTER = 64  # of the gray levels


def decode_with_pillow(file: ImageFile, options: ReadOptions) -> Picture:
    """Decode a picture of any format; raise `UnreadableImage` if that fails."""
    name = file.name
    with ignore_warnings():
        # about odd metadata, and about 90 to 180 million pixels, which a mosaic may have
        try:
            if file.head(4)[:4] in TIFF_MAGIC:
                return _decode_tiff(file, options)
            return _decode(file, options)
        except Image.DecompressionBombError as error:
            raise UnreadableImage(
                f"'{name}' claims more pixels than a picture should have ({describe_error(error)}).",
                hint="Cut the objects out of it first, with `galaxtool cutouts`.",
            ) from error
        except UnidentifiedImageError as error:
            raise _unknown_error(file) from error
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise (
                _unknown_error(file)
                if _find_jpeg_bits(file)
                else UnreadableImage(f"'{name}' is damaged or cut short ({describe_error(error)}).")
            ) from error


def _decode(file: ImageFile, options: ReadOptions, page: int = 0) -> Picture:
    """Decode what Pillow knows."""
    with file.open() as stream, Image.open(stream, formats=FORMATS) as image:
        if page:
            image.seek(page)
        _check_complete(file.name, image)
        flags = parse_flags(image.info.get("Flags")) + ((FIRST_FRAME,) if _has_frames(image) else ())
        upright = _find_orientation(image) == _UPRIGHT
        scale, extent = _reduce(image, options.at_least) if upright else (1.0, None)
        if options.header_only:
            return Picture(_empty(image), image.format or "", scale, extent, flags=flags)
        if not upright:
            turned = ImageOps.exif_transpose(image)  # without a format, so that no faster decoder takes its place
            picture = _decode_values(turned, file, options.pixels)
        else:
            picture = _decode_values(image, file, options.pixels)
        return replace(picture, format=image.format or "", scale=scale, extent=extent, flags=picture.flags + flags)


def _decode_tiff(file: ImageFile, options: ReadOptions) -> Picture:
    """Decode the first page of a TIFF."""
    with file.open() as stream:
        page = find_page(file.name, stream)
        if not needs_own_decoder(page):
            picture = _decode(file, options, page.number)
        elif options.header_only:
            ny, nx = (page.height, page.width) if page.orientation < 5 else (page.width, page.height)
            kind = np.uint8(0) if page.sample_format == 1 and page.bits <= 16 else np.float32(0)
            picture = Picture(np.broadcast_to(kind, (page.samples, ny, nx)), "TIFF", bands=("",) * page.samples)
        else:
            picture = interpret_tiff(file.name, decode_tiff(file.name, page, stream), page, options.pixels)
    flags = tuple(flag for flag in picture.flags if flag != FIRST_FRAME)
    return replace(picture, flags=(*flags, FIRST_FRAME) if page.others else flags)


def _find_orientation(image: Image.Image) -> int:
    """Return the orientation that EXIF gives; Pillow follows that of a TIFF itself."""
    if image.format == "TIFF" or "exif" not in image.info:  # asking a PNG without it would load the pixels
        return _UPRIGHT
    orientation = image.getexif().get(_ORIENTATION, _UPRIGHT)
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else _UPRIGHT


def _has_frames(image: Image.Image) -> bool:
    return image.format not in ("MPO", "TIFF") and getattr(image, "n_frames", 1) > 1


def _unknown_error(file: ImageFile) -> UnreadableImage:
    """Return the error for a file whose format this Pillow does not know."""
    if bits := _find_jpeg_bits(file):
        return UnreadableImage(
            f"'{file.name}' is a JPEG of {bits} bits, which is not read.", hint="Convert it to PNG or TIFF first."
        )
    what, hint = describe_content(file.head(4096))
    if what.endswith("image"):
        return UnreadableImage(f"'{file.name}' is {what}, which this Pillow cannot read.", hint=hint)
    return UnreadableImage(f"'{file.name}' is damaged: its header cannot be read.")


def _find_jpeg_bits(file: ImageFile) -> int:
    """Return the bits of a sample of a JPEG that has others than 8; 0 for any other file."""
    content, place = file.head(1 << 16), 2
    if not content.startswith(b"\xff\xd8\xff"):
        return 0
    while place + 4 < len(content) and content[place] == 0xFF:
        marker, size = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return 0 if content[place + 4] == 8 else content[place + 4]
        place += 2 + size
    return 0


def _check_complete(name: str, image: Image.Image) -> None:
    """Reject a TIFF whose strips do not fill the picture: Pillow would leave the rest black."""
    filled = sum((right - left) * (bottom - top) for _, (left, top, right, bottom), *_ in getattr(image, "tile", ()))
    if image.format == "TIFF" and filled < image.width * image.height:
        raise UnreadableImage(
            f"'{name}' is damaged or cut short: its header promises {image.width} x {image.height} pixels and it has "
            f"{filled:,} of them."
        )


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


def _has_16_bits(image: Image.Image) -> bool:
    # Pillow before 11 opens a PNG of 16 bits as mode I
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM", "JPEG2000"))


def _empty(image: Image.Image) -> np.ndarray:
    """Return an array of zeros like that of `_decode_values`, without decoding."""
    measured = image.mode in ("F", "I") and not _has_16_bits(image)
    gray = image.mode in _GRAY or measured or _has_16_bits(image)
    sides = (image.width, image.height) if _find_orientation(image) >= 5 else (image.height, image.width)
    return np.broadcast_to(np.float32(0) if measured else np.uint8(0), (1 if gray else 3, *sides))


def _decode_values(image: Image.Image, file: ImageFile, wanted: str) -> Picture:
    """Return pixels as uint8 or float32, top row first."""
    if image.format == "PNG" and file.in_memory and (planes := decode_png(image, file.content())) is not None:
        return Picture(planes, "PNG")
    if image.mode == "F":
        return interpret_values(file.name, np.array(image, dtype=np.float32)[None], wanted, ("",), is_color=False)
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if _has_16_bits(image):
            values = np.clip(values, 0, 65535).astype(np.uint16)
        return interpret_values(file.name, values[None], wanted, ("",), is_color=False)
    planes = _decode_colors(image)
    deep = image.format == "PNG" and file.head(25)[_PNG_BITS] == b"\x10"
    return Picture(planes, "", flags=(FEW_LEVELS,) if deep and planes.max() < _QUARTER else ())


def _decode_colors(image: Image.Image) -> np.ndarray:
    """Return display values of 8 bits, uint8 (3 or 1, ny, nx), with transparent colours blended with black."""
    mode = "L" if image.mode in _GRAY else "RGB"
    if image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
        assert converted is not None  # it is not changed in place
        image = converted
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        visible = image.convert("LA" if mode == "L" else "RGBA")
        image = Image.new(mode, image.size)
        image.paste(visible.convert(mode), mask=visible.getchannel("A"))
    values = np.asarray(image if image.mode == mode else image.convert(mode))
    return values[None] if mode == "L" else values.transpose(2, 0, 1)
