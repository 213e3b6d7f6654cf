"""Decode JPEGs by simplejpeg, if it is installed: the same pixels as Pillow in less time."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
from PIL import Image

from galaxtool.images.raster.picture import Picture

try:
    import simplejpeg
except ImportError:  # an optional dependency
    _decoder: ModuleType | None = None
else:
    _decoder = simplejpeg

_MAGIC = b"\xff\xd8\xff"
_EXIF, _FIRST_SEGMENTS = b"Exif\x00\x00", 1 << 12
_COLOR_SPACES = {"Gray": "GRAY", "YCbCr": "RGB"}
_SCALES = (8, 4, 2)
_SMALL = 64  # below this side, other scales of libjpeg round to the same size


def decode_jpeg(content: bytes, at_least: int) -> Picture | None:
    """Decode a JPEG, at a half, a quarter or an eighth of its size if that is enough.

    Parameters
    ----------
    content : bytes
        The whole file, of any format.
    at_least : int
        Number of pixels that the shorter side must keep; 0 to decode at full size.

    Returns
    -------
    Picture or None
        None if Pillow must read the file: it is not a JPEG, simplejpeg is not installed, the colour space is unusual,
        the image is as large as a mosaic, or the data are incomplete. Pillow tolerates more, and its errors are those
        that users see.

    Notes
    -----
    The pixels equal those of Pillow's ``draft``, because both use libjpeg-turbo; Pillow passes them on in pieces, and
    copies them twice. A file with EXIF is left to
    Pillow; other metadata are ignored.
    """
    if _decoder is None or not content.startswith(_MAGIC) or content.find(_EXIF, 0, _FIRST_SEGMENTS) >= 0:
        return None  # Pillow follows the orientation that EXIF may give
    try:
        height, width, color_space, _ = _decoder.decode_jpeg_header(content)
        if color_space not in _COLOR_SPACES or height * width > (Image.MAX_IMAGE_PIXELS or math.inf):
            return None
        scale = next((s for s in _SCALES if at_least and min(height, width) // at_least >= s), 1)
        if scale > 1 and min(height, width) < _SMALL:
            return None
        ny, nx = math.ceil(height / scale), math.ceil(width / scale)
        # libjpeg uses the smallest scale that gives this many pixels
        pixels: np.ndarray = _decoder.decode_jpeg(content, _COLOR_SPACES[color_space], min_height=ny, min_width=nx)
    except ValueError:
        return None
    if pixels.shape[:2] != (ny, nx):
        return None
    pixels.flags.writeable = False
    extent = (height / scale, width / scale)
    return Picture(pixels.transpose(2, 0, 1), "JPEG", float(scale), None if extent == (ny, nx) else extent)
