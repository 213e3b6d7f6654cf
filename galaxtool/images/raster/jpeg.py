"""JPEGs decoded by simplejpeg where it is installed: the pixels that Pillow gives, in less time."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
from PIL import Image

from galaxtool.images.raster.picture import Picture

try:
    import simplejpeg
except ImportError:  # an extra
    _decoder: ModuleType | None = None
else:
    _decoder = simplejpeg

_BEGINS = b"\xff\xd8\xff"
_WANTED = {"Gray": "GRAY", "YCbCr": "RGB"}
_SCALES = (8, 4, 2)
_SMALL = 64  # below, libjpeg has other scales that round to the same size


def decode_jpeg(content: bytes, at_least: int) -> Picture | None:
    """Decode a JPEG, at a half, a quarter or an eighth of its size where that is enough.

    Parameters
    ----------
    content : bytes
        The whole file, of whatever format.
    at_least : int
        Pixels that the shorter side is to keep; 0 to decode at full size.

    Returns
    -------
    Picture or None
        None where Pillow is to read it: it is no JPEG, simplejpeg is not installed, the colours are neither gray nor
        the usual ones, the size is that of a mosaic; or the data are not whole, of which Pillow takes more, and has
        the errors that users are told.

    Notes
    -----
    The pixels are those of Pillow's ``draft``, as both are libjpeg-turbo; Pillow hands them over in pieces, and copies
    them twice. Metadata are not looked at, so that none stops an image from being read.
    """
    if _decoder is None or not content.startswith(_BEGINS):
        return None
    try:
        height, width, colours, _ = _decoder.decode_jpeg_header(content)
        if colours not in _WANTED or height * width > (Image.MAX_IMAGE_PIXELS or math.inf):
            return None
        scale = next((s for s in _SCALES if at_least and min(height, width) // at_least >= s), 1)
        if scale > 1 and min(height, width) < _SMALL:
            return None
        ny, nx = math.ceil(height / scale), math.ceil(width / scale)
        # the smallest of libjpeg's scales that gives so many pixels
        pixels: np.ndarray = _decoder.decode_jpeg(content, _WANTED[colours], min_height=ny, min_width=nx)
    except ValueError:
        return None
    if pixels.shape[:2] != (ny, nx):
        return None
    pixels.flags.writeable = False
    extent = (height / scale, width / scale)
    return Picture(pixels.transpose(2, 0, 1), "JPEG", float(scale), None if extent == (ny, nx) else extent)
