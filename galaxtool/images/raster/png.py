"""Decode PNGs by kornia-rs, if it is installed: the same pixels as Pillow in a third of the time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

try:
    import kornia_rs

    _decode: Callable[..., np.ndarray] | None = kornia_rs.io.decode_image_png_u8
except (ImportError, AttributeError):  # not installed, or a version without this function
    _decode = None

_END = bytes(4) + b"IEND\xae\x42\x60\x82"
_BITS = 24  # offset of the bits per sample in the header
_MODES = {"L": "mono", "RGB": "rgb"}


def decode_png(image: Image.Image, content: bytes) -> np.ndarray | None:
    """Decode a PNG.

    Parameters
    ----------
    image : PIL.Image.Image
        The picture, opened but not loaded, so that Pillow can reject it.
    content : bytes
        Content of the same file.

    Returns
    -------
    ndarray of uint8, shape (3 or 1, ny, nx), or None
        Read-only pixels, top row first. None if Pillow must decode the picture: kornia-rs is not installed, the picture
        is not 8-bit gray or RGB, it has transparent colours, several frames or comments after its pixels, or the CRC
        of a chunk is wrong (the checksum of the whole stream is ignored).
    """
    plain = "transparency" not in image.info and getattr(image, "n_frames", 1) == 1
    if (
        _decode is None
        or image.mode not in _MODES
        or content[_BITS] != 8
        or not plain
        or not _ends_with_pixels(content)
    ):
        return None
    try:
        pixels = _decode(content, (image.height, image.width), _MODES[image.mode])
    except Exception:  # kornia-rs raises plain exceptions
        return None
    pixels.flags.writeable = False
    return pixels.transpose(2, 0, 1)


def _ends_with_pixels(content: bytes) -> bool:
    """Tell whether only the end marker follows the pixels; anything else there is left to Pillow."""
    last = content.rfind(b"IDAT")
    return content[last + 8 + int.from_bytes(content[last - 4 : last], "big") :] == _END
