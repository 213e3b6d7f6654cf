"""Pack all rows as JSON values for the script of the page: columns of blocks, with packed numbers."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from galaxtool.reports.html.overview import Overview
from galaxtool.reports.html.page_rows import PageRows
from galaxtool.types import FLAGS

BLOCK = 4096
"""Number of rows in a block."""

NONE = 0xFFFF
"""Code for an image without a class."""


def describe_rows(overview: Overview, slugs: list[str]) -> dict[str, Any]:
    """Return everything that is needed to read the blocks.

    Returns
    -------
    dict
        ``n``, the number of rows; ``classes``, pairs of slug and name, of which the first ``k`` have probabilities;
        ``flags``, the sets of flags that occur, joined by blanks; ``meanings`` of the flags; ``columns`` of the
        catalogue; ``exclusive``, whether an image belongs to only one class.
    """
    return {
        "n": overview.n,
        "k": len(slugs),
        "classes": [[slug, overview.name(slug)] for slug in overview.classes],
        "flags": list(overview.flag_texts),
        "meanings": {flag: FLAGS.get(flag, "") for flag in overview.flags},
        "columns": list(overview.columns),
        "exclusive": overview.exclusive,
    }


def pack_blocks(pieces: Iterable[PageRows], overview: Overview) -> Iterator[dict[str, Any]]:
    """Yield each piece as a block of plain values.

    Parameters
    ----------
    pieces : iterable of PageRows
        All rows, in order.
    overview : Overview
        Overview of all rows.

    Yields
    ------
    dict
        ``n``, the number of rows. Lists: ``id``; ``name``, the path without its folder, and ``folder``, an index of
        ``folders``; ``extra``, with a list for each column of the catalogue. Little-endian arrays in base 64: ``ra``
        and ``dec`` (float64, NaN where unknown; empty if all are unknown), ``label`` and ``second`` (uint16, indices of
        ``classes``, or `NONE`), ``probability`` and ``p2`` (float32), ``p`` (float32, shape (n, k)), ``flags``
        (uint32). ``errors`` maps a row of the block to its error.
    """
    place = {slug: k for k, slug in enumerate(overview.classes)}
    for piece in pieces:
        split = [_split_path(path) for path in piece.paths]
        folders = {folder: k for k, folder in enumerate(dict.fromkeys(folder for folder, _ in split))}
        none = [None] * len(piece)
        yield {
            "n": len(piece),
            "id": piece.ids,
            "folders": list(folders),
            "folder": [folders[folder] for folder, _ in split],
            "name": [name for _, name in split],
            "ra": _pack(piece.ra, "<f8"),
            "dec": _pack(piece.dec, "<f8"),
            "label": _pack([place.get(slug, NONE) for slug in piece.labels], "<u2"),
            "second": _pack([place.get(slug, NONE) for slug in piece.seconds], "<u2"),
            "probability": _pack(piece.probability, "<f4"),
            "p2": _pack(piece.second, "<f4"),
            "p": _pack(piece.shares, "<f4"),
            "flags": _pack([overview.flag_texts[text] for text in piece.flags], "<u4"),
            "errors": {row: error for row, error in enumerate(piece.errors) if error},
            "extra": [piece.extra.get(name, none) for name in overview.columns],
        }


def _split_path(path: str) -> tuple[str, str]:
    folder, separator, name = path.rpartition("/")
    return folder + separator, name


def _pack(values: Any, dtype: str) -> str:
    array = np.ascontiguousarray(values, dtype=dtype)
    if array.dtype.kind == "f" and np.isnan(array).all():
        return ""
    return base64.b64encode(array.tobytes()).decode("ascii")
