"""The meaning of the axes of a stack of images.

An array has the shape (N, ny, nx), or one more axis for the bands, last or second:

* if the stack names its bands, the axis of that length;
* otherwise the axis with at most `MAX_BANDS` planes, the last one if both have: (N, ny, nx, 3), (N, 3, ny, nx);
* otherwise, for square images, the axis that differs from the other two: (N, 9, 64, 64).

An array with two axes, or with three of which the last has at most `MAX_BANDS` planes, is a single image: (ny, nx),
(ny, nx, 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.axes import MAX_BANDS


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of an array of images.

    Parameters
    ----------
    n : int
        Number of images.
    planes : int
        Number of bands of each image.
    bands_last : bool
        Whether the bands are the last axis, instead of before ny and nx.
    single : bool
        Whether the array is one image, without an axis of images.
    """

    n: int
    planes: int
    bands_last: bool
    single: bool = False

    def to_planes(self, pixels: np.ndarray) -> np.ndarray:
        """Return one image of the array as (bands, ny, nx)."""
        if pixels.ndim == 2:
            return pixels[None]
        return np.moveaxis(pixels, -1, 0) if self.bands_last else pixels


def find_axes(shape: Sequence[int], named: int, what: str) -> Axes:
    """Find the meaning of the axes of an array of images.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array.
    named : int
        Number of bands that the stack names; 0 if it names none.
    what : str
        Name of the array in messages, as the subject of a sentence.

    Raises
    ------
    UnreadableImage
        If the array does not hold images, has no pixels, or its axes are ambiguous.

    Examples
    --------
    >>> find_axes((50, 64, 64, 3), 0, "it"), find_axes((50, 9, 64, 64), 0, "it")
    (Axes(n=50, planes=3, bands_last=True, single=False), Axes(n=50, planes=9, bands_last=False, single=False))
    """
    shape = tuple(shape)
    sides = " x ".join(map(str, shape))
    if not 2 <= len(shape) <= 4 or 0 in shape[-2:] or 0 in shape[1:]:
        raise UnreadableImage(
            f"{what} has the shape {sides or '()'}, so it does not hold images.",
            hint="Expected N x ny x nx, N x ny x nx x 3 or N x bands x ny x nx.",
        )
    if len(shape) == 2:
        return Axes(1, 1, bands_last=False, single=True)
    if len(shape) == 3:
        if shape[2] <= MAX_BANDS < min(shape[:2]):
            return Axes(1, shape[2], bands_last=True, single=True)
        return Axes(shape[0], 1, bands_last=False)
    second, third, last = shape[1:]
    if named and (last == named) != (second == named):
        return Axes(shape[0], named, bands_last=last == named)
    if last <= MAX_BANDS or second <= MAX_BANDS:
        return Axes(shape[0], last if last <= MAX_BANDS else second, bands_last=last <= MAX_BANDS)
    if (second == third) != (third == last):
        return Axes(shape[0], last if second == third else second, bands_last=second == third)
    raise UnreadableImage(
        f"{what} has the shape {sides}, and any of its axes could be the bands.",
        hint="Name the bands in an attribute 'bands', one for each plane.",
    )
