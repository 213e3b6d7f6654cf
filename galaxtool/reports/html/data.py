"""All rows as JSON that the page's own script reads: columns of blocks, numbers packed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from galaxtool.reports.html.overview import Overview
from galaxtool.reports.html.page_rows import PageRows
from galaxtool.types import FLAGS

BLOCK = 4096
"""Rows in a block."""

NONE = 0xFFFF
"""Code of no class."""


def about_rows(overview: Overview, slugs: list[str]) -> dict[str, Any]:
    """Return what must be known to read the blocks.

    Returns
    -------
    dict
        ``n`` rows; ``classes``, pairs of slug and name, of which the first ``k`` have probabilities; ``flags``, the
        sets of flags that occur, joined by blanks; ``meanings`` of the flags; ``columns`` of the catalogue;
        ``exclusive``, whether an image belongs to one class only.
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


def blocks(pieces: Iterable[PageRows], overview: Overview) -> Iterator[dict[str, Any]]:
    """Yield each piece as plain values.

    Parameters
    ----------
    pieces : iterable of Piece
    overview : Overview
        Of all pieces.

    Yields
    ------
    dict
        ``n`` rows. Lists: ``id``; ``name``, the path without its folder, and ``folder``, a place in ``folders``;
        a list for each of the catalogue's columns in ``extra``. Base 64 of little-endian arrays: ``ra`` and ``dec``
        (float64, NaN where unknown; empty where all are), ``label`` and ``second`` (uint16, places in ``classes``, or
        `NONE`), ``probability`` and ``p2`` (float32), ``p`` (float32, a row of k after another), ``flags`` (uint32).
        ``errors`` maps the row in the block to its error.
    """
    place = {slug: k for k, slug in enumerate(overview.classes)}
    for piece in pieces:
        split = [_folder_and_name(path) for path in piece.paths]
        folders = {folder: k for k, folder in enumerate(dict.fromkeys(folder for folder, _ in split))}
        none = [None] * len(piece)
        yield {
            "n": len(piece),
            "id": piece.ids,
            "folders": list(folders),
            "folder": [folders[folder] for folder, _ in split],
            "name": [name for _, name in split],
            "ra": _packed(piece.ra, "<f8"),
            "dec": _packed(piece.dec, "<f8"),
            "label": _packed([place.get(slug, NONE) for slug in piece.labels], "<u2"),
            "second": _packed([place.get(slug, NONE) for slug in piece.seconds], "<u2"),
            "probability": _packed(piece.probability, "<f4"),
            "p2": _packed(piece.second, "<f4"),
            "p": _packed(piece.shares, "<f4"),
            "flags": _packed([overview.flag_texts[text] for text in piece.flags], "<u4"),
            "errors": {row: error for row, error in enumerate(piece.errors) if error},
            "extra": [piece.extra.get(name, none) for name in overview.columns],
        }


def json_in_html(value: Any) -> str:
    r"""Return JSON in ASCII that may stand in a ``script`` element: nothing in it can end or open an element.

    Examples
    --------
    >>> json_in_html("</script>")
    '"\\u003c/script\\u003e"'
    """
    written = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _folder_and_name(path: str) -> tuple[str, str]:
    folder, separator, name = path.rpartition("/")
    return folder + separator, name


def _packed(values: Any, dtype: str) -> str:
    array = np.ascontiguousarray(values, dtype=dtype)
    if array.dtype.kind == "f" and np.isnan(array).all():
        return ""
    return base64.b64encode(array.tobytes()).decode("ascii")
