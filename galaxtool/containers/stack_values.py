"""The values that a stack has beside its images: choice of the array, columns and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import UnreadableImage

SCALE_COLUMNS = ("pixel_scale", "pxscale", "pixscale")
"""Names of an array or attribute with the pixel scale in arcsec."""

IMAGES = ("images", "cutouts", "image", "data")
"""Names of the array of images in a file with several candidates."""


def choose_array(arrays: Mapping[str, Any], path: Path) -> str:
    """Return the name of the array of images.

    Parameters
    ----------
    arrays : mapping
        Arrays with three or four axes; groups in a name are separated by ``/``.
    path : Path
        Path of the file, for messages.

    Raises
    ------
    UnreadableImage
        If there is no candidate, or several without exactly one of a usual name.
    """
    found = [name for name, array in arrays.items() if array.dtype.kind in "iuf"]
    found = found or [name for name, array in arrays.items() if array.dtype.kind == "b"]  # otherwise these are masks
    for usual in IMAGES:
        named = [name for name in found if name.rpartition("/")[2].lower() == usual]
        if len(named) == 1:
            return named[0]
    if len(found) == 1:
        return found[0]
    hint = "Expected 'images' of N x ny x nx, N x ny x nx x 3 or N x bands x ny x nx."
    if not found:
        raise UnreadableImage(f"'{path}' has no array of images.", hint=hint)
    shown = ", ".join(f"'{name}'" for name in found[:8]) + (", ..." if len(found) > 8 else "")
    raise UnreadableImage(
        f"'{path}' has {len(found)} arrays that could be images: {shown}.", hint="Name the one to read 'images'."
    )


def decode_texts(values: Any) -> list[str]:
    """Return the values of an array as text, with bytes decoded."""
    return ["" if value is None else str(value).strip() for value in list_values(values)]


def list_values(values: Any) -> list[Any]:
    """Return the values of an array, with bytes decoded."""
    items = np.asarray(values).reshape(len(values)).tolist()
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in items]


def parse_bands(value: Any) -> tuple[str, ...]:
    """Return names of bands, from ``["g", "r"]``, ``"g,r"`` or ``"gr"``."""
    if value is None:
        return ()
    if isinstance(value, (str, bytes, np.bytes_)):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        words = text.replace(",", " ").split()
        return tuple(text.strip()) if len(words) == 1 and text.strip().isalpha() else tuple(words)
    return tuple(decode_texts(np.atleast_1d(np.asarray(value))))


def parse_names(value: Any) -> tuple[str, ...]:
    """Return names of axes, from ``"object, band, y, x"`` or a list of names."""
    if value is None:
        return ()
    texts = decode_texts(np.atleast_1d(np.asarray(value)))
    return tuple(texts[0].replace(",", " ").split()) if len(texts) == 1 else tuple(texts)


def parse_number(value: Any) -> float:
    """Return a value, or the first of several, as a number; NaN if it is none."""
    try:
        return float(np.asarray(value).reshape(-1)[0])
    except (TypeError, ValueError, IndexError):
        return float("nan")
