"""Images from single arrays of numbers, such as those in the cells of tables."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from galaxtool.containers.stack import Stack
from galaxtool.errors import UnreadableImage
from galaxtool.images.read_options import AUTO, PICTURE, PLAIN, ReadOptions
from galaxtool.types import Cutout

_MISSING = -1e29
"""SExtractor writes -1e30 into the pixels of a VIGNET that it did not see."""


def make_cutout(array: np.ndarray, source: str, options: ReadOptions = PLAIN) -> Cutout:
    """Return the image in an array of (ny, nx), (ny, nx, bands) or (bands, ny, nx).

    Parameters
    ----------
    array : ndarray
        Bytes, also as wider integers from 0 to 255 in three planes, are a picture with the top row first; other numbers
        are measured, with the bottom row first. A flat array must be square. -1e30 and the like are missing pixels.
    source : str
        Name of the image for messages.
    options : ReadOptions
        What the pixels are, if their type does not say it.

    Raises
    ------
    UnreadableImage
        If the array does not hold an image, or is not the picture that the options say it is.
    """
    if array.dtype.kind not in "iuf" or array.size == 0:
        raise UnreadableImage(f"'{source}' is not an image: it is an array of {array.dtype.name}.")
    if array.ndim == 1:
        side = math.isqrt(array.size)
        if side * side != array.size:
            raise UnreadableImage(f"'{source}' is not an image: it has {array.size} values, which are not a square.")
        array = array.reshape(side, side)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind == "f":
        array = np.where(array <= _MISSING, np.nan, array).astype(array.dtype)
    elif options.pixels == AUTO and array.dtype != np.uint8 and _is_picture(array):
        array = array.astype(np.uint8)
    stack = Stack.of("", array[None], {}, {})
    if options.pixels == PICTURE:
        stack = replace(stack, place=source, sample=stack.axes.to_planes(array)[None])
    return stack.cutout(array, 0, source, options)


def _is_picture(array: np.ndarray) -> bool:
    """Tell whether integers are the colours of a picture, which lists of Python numbers do not say."""
    is_color = array.ndim == 3 and 3 in (array.shape[0], array.shape[-1])
    return is_color and bool(array.min() >= 0) and bool(array.max() <= 255)
