"""Embed pictures in a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image

from galaxtool.types import batches

SIDE = 192
"""Most pixels on the longer side: sharp on a screen that has two pixels for each of the page."""

_BATCH = 32
_QUALITY = 88


def make_data_uris(
    thumbnails: Callable[[Sequence[int]], Sequence[np.ndarray | None]], rows: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """Yield rows and their pictures as data URIs, empty if there is none; few pictures are in memory at once."""
    for some in batches(rows, _BATCH):
        for row, picture in zip(some, thumbnails(some), strict=True):
            yield row, "" if picture is None else make_data_uri(picture)


def make_data_uri(picture: np.ndarray) -> str:
    """Return a picture as a JPEG in a data URI.

    Parameters
    ----------
    picture : ndarray of uint8, shape (ny, nx, 3)
        Row 0 is the top row. A picture larger than `SIDE` is reduced.
    """
    image = Image.fromarray(np.ascontiguousarray(picture))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
