"""Reader of PNG, JPEG, TIFF and other pictures, by Pillow or by a faster decoder with the same pixels."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
from PIL import Image

from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.planes import mask_infinite, take_bands
from galaxtool.images.quality import has_white_center
from galaxtool.images.raster.jpeg import decode_jpeg
from galaxtool.images.raster.pillow_decoder import FORMATS, decode_with_pillow
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.images.reading import find_quality_flags
from galaxtool.types import NAME_MISMATCH, SATURATED, Cutout

_SUFFIXES = {suffix: name for suffix, name in Image.registered_extensions().items() if name in FORMATS}


class RasterReader:
    """Reads pictures.

    8-bit values are kept, 16-bit values are divided by 257 so that white stays white; both are ``"display"`` values.
    16-bit values that fill less than a quarter of their range are counts, measured data without a unit, and so are
    other numbers, unless `galaxtool.images.pixel_kind` takes them for gray levels. Transparent pixels are blended with
    black. Only the first frame or page of a file is read. Orientation tags are followed.
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
            uint8 of shape (1, ny, nx) or (3, ny, nx), bands ``("",)`` or ``("R", "G", "B")``; or float32 of any number
            of bands.
            Row 0 is the bottom row of the picture. uint8 data are a read-only view of the decoded picture, whose memory
            has the colours of a pixel together and the top row first.

        Raises
        ------
        UnreadableImage
            If the picture is damaged, cut short, too large, or lacks a requested band.
        """
        name = file.name
        in_memory = file.in_memory and not options.header_only
        picture = (decode_jpeg(file.content(), options.at_least) if in_memory else None) or decode_with_pillow(
            file, options
        )
        planes = picture.planes
        measured = planes.dtype != np.uint8
        flags: tuple[str, ...] = (NAME_MISMATCH,) if _has_wrong_suffix(file, picture.format) else ()
        if not options.header_only:
            flags += _measured_flags(name, planes) if measured else _picture_flags(planes)
        bands = picture.bands or (("R", "G", "B") if len(planes) == 3 else ("",))
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


def _has_wrong_suffix(file: ImageFile, format_: str | None) -> bool:
    """Tell whether the suffix of a picture belongs to another format."""
    suffix_format = _SUFFIXES.get(PurePath(file.suffix_name).suffix)
    return suffix_format is not None and suffix_format != ("JPEG" if format_ == "MPO" else format_)


def _measured_flags(name: str, planes: np.ndarray) -> tuple[str, ...]:
    """Replace infinite values by NaN in place, and return the flags; raise if no value is finite."""
    planes, finite = mask_infinite(planes)
    if not finite and np.isnan(planes).all():
        raise UnreadableImage(f"'{name}' has no pixel with a value: all are NaN.")
    return find_quality_flags(planes, finite=finite)


def _picture_flags(planes: np.ndarray) -> tuple[str, ...]:
    return find_quality_flags(planes, finite=True) + ((SATURATED,) if has_white_center(planes) else ())
