"""Operations on the planes of an image of any format."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from galaxtool.errors import UnreadableImage
from galaxtool.images.filters import match_band

MAX_PIXELS = 178_956_970
"""An image with more values than this is refused; the limit that Pillow has for pictures."""


def mask_infinite(pixels: np.ndarray) -> tuple[np.ndarray, bool]:
    """Replace infinite values by NaN in place; return the same array, and whether all values were finite."""
    finite = np.isfinite(pixels)
    if finite.all():
        return pixels, True
    pixels[~finite] = np.nan
    return pixels, False


def find_common_unit(units: Iterable[str]) -> str:
    """Return the unit of planes, of which some may not state it; empty if they state different ones.

    Examples
    --------
    >>> find_common_unit(["nJy", "", "nJy"]), find_common_unit(["nJy", "count"])
    ('nJy', '')
    """
    stated = {unit for unit in units if unit}
    return stated.pop() if len(stated) == 1 else ""


def take_bands(name: str, data: np.ndarray, bands: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    """Return the wanted planes of data, (bands, ny, nx), in that order; raise `UnreadableImage` if one is missing."""
    index = []
    for band in wanted:
        found = match_band(band, bands)
        if not found:
            raise missing_band_error(name, band, bands)
        index.append(bands.index(found))
    return data if index == list(range(len(bands))) else data[index]


def missing_band_error(name: str, band: str, existing: tuple[str, ...], *, hint: str = "") -> UnreadableImage:
    """Return the error for a band that a file does not have; the default hint is about the option ``--bands``."""
    known = [one for one in existing if one]
    has = f"its {'bands are' if len(known) > 1 else 'band is'} {', '.join(known)}" if known else "it does not name any"
    near = next((one for one in known if one.lower() == band.lower()), "")
    if not hint:
        hint = f"Case matters: did you mean '{near}'?" if near else "Name them as the file does, or leave --bands out."
    return UnreadableImage(f"'{name}' has no band '{band}': {has}.", hint=hint)


def check_size(name: str, shape: tuple[int, ...]) -> None:
    """Raise `UnreadableImage` if an image has more values than `MAX_PIXELS`."""
    if math.prod(shape) > MAX_PIXELS:
        raise UnreadableImage(
            f"'{name}' has {format_shape(shape)} pixels, more than an image of one object.",
            hint="Cut the objects out of it first, with `galaxtool cutouts`.",
        )


def format_shape(shape: tuple[int, ...]) -> str:
    """Return a shape as text, the fastest axis first: ``64 x 48``."""
    return " x ".join(str(n) for n in reversed(shape))
