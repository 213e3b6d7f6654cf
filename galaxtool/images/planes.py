"""What is done to the planes of every image, whatever its format."""

from __future__ import annotations

import math

import numpy as np

from galaxtool.errors import UnreadableImage

MAX_PIXELS = 178_956_970
"""An image with more values than this is refused; Pillow's own limit for pictures."""


def clean(pixels: np.ndarray) -> tuple[np.ndarray, bool]:
    """Put NaN, in place, where values are infinite; return the same array and whether all are finite."""
    finite = np.isfinite(pixels)
    if finite.all():
        return pixels, True
    pixels[~finite] = np.nan
    return pixels, False


def take_bands(name: str, data: np.ndarray, bands: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """Return the planes of data, (bands, ny, nx), that are wanted, in that order; raise where one is not there."""
    for band in wanted:
        if band not in bands:
            raise no_band(name, band, bands)
    index = [bands.index(band) for band in wanted]
    return data if index == list(range(len(bands))) else data[index]


def no_band(name: str, band: str, there: tuple[str, ...]) -> UnreadableImage:
    """Return the error for a band that a file has not."""
    known = [one for one in there if one]
    has = f"its {'bands are' if len(known) > 1 else 'band is'} {', '.join(known)}" if known else "it does not name any"
    near = next((one for one in known if one.lower() == band.lower()), "")
    hint = f"Upper and lower case count: '{near}'." if near else "Name them as the file does, or leave --bands out."
    return UnreadableImage(f"'{name}' has no band '{band}': {has}.", hint=hint)


def too_large(name: str, shape: tuple[int, ...]) -> None:
    """Raise where an image has more values than `MAX_PIXELS`."""
    if math.prod(shape) > MAX_PIXELS:
        raise UnreadableImage(
            f"'{name}' has {axes(shape)} pixels, more than an image of one object.",
            hint="Cut the objects out of it first, with `galaxtool cutouts`.",
        )


def axes(shape: tuple[int, ...]) -> str:
    """Return a shape as people say it, the fastest axis first."""
    return " x ".join(str(n) for n in reversed(shape))
