"""Whether the central object of an image is saturated.

The centre is a square about the middle with a quarter of the shorter side. It counts as saturated

* in measured data, where a pixel of it in any band reaches the header's SATURATE, in the unit of the pixels; or where
  a mask that was asked for (``mask_hdu``) names a bit for saturation by a card MP_SAT, as the LSST and Hyper
  Suprime-Cam pipelines write it, and a pixel of it has that bit;
* in a picture, where `WHITE_SHARE` of it is white: 255 in every channel, or 254, as JPEG may have it. Of 6,285 real
  pictures (SDSS, DECaLS, FIRST) none is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from galaxtool.images.fits.header import Keywords

WHITE_SHARE = 0.01
_WHITE = 254


def centre_of(planes: np.ndarray) -> np.ndarray:
    """Return the central square of planes (..., ny, nx), with a quarter of the shorter side, as a view."""
    ny, nx = planes.shape[-2:]
    side = math.ceil(min(ny, nx) / 4)
    top, left = (ny - side) // 2, (nx - side) // 2
    return planes[..., top : top + side, left : left + side]


def white_in_the_middle(planes: np.ndarray) -> bool:
    """Tell whether a picture, uint8 (channels, ny, nx), is white over `WHITE_SHARE` of its central square."""
    first, *others = centre_of(planes)
    white = first >= _WHITE
    if white.mean() < WHITE_SHARE:  # as in nearly every picture
        return False
    for plane in others:
        white &= plane >= _WHITE
    return bool(white.mean() >= WHITE_SHARE)


def above_saturation(planes: np.ndarray, header: Keywords, primary: Keywords) -> bool:
    """Tell whether the central square of measured planes, (bands, ny, nx), reaches what a header calls saturated."""
    level = header.get("SATURATE", primary.get("SATURATE"))
    if not isinstance(level, (int, float)) or isinstance(level, bool) or not level > 0:
        return False
    return bool((centre_of(planes) >= level).any())


def masked_as_saturated(mask: np.ndarray, header: Keywords) -> bool:
    """Tell whether the central square of a mask of bits, (..., ny, nx), has the bit that MP_SAT names."""
    bit = header.get("MP_SAT")
    if not isinstance(bit, int) or isinstance(bit, bool) or not 0 <= bit < 64 or mask.dtype.kind not in "iu":
        return False
    return bool((centre_of(mask).astype(np.uint64) & np.uint64(1 << bit)).any())
