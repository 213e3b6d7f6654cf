"""Look up objects by name or by the file of their image.

This module imports ``pyarrow.compute``, which takes a tenth of a second, so it is imported when it is needed.
"""

from __future__ import annotations

import json
import re

import pyarrow as pa
import pyarrow.compute as pc


def find_row(ids: pa.ChunkedArray, name: str) -> int:
    """Return the row of an identifier, -1 if there is none.

    1234 and 1234.0 are the same object, as programs write integers, unless several are.
    """
    row: int = pc.index(ids, name).as_py()
    if row < 0 and (number := re.fullmatch(r"(\d+)(?:\.0*)?", name)):
        same = pc.match_substring_regex(ids, rf"^{number[1]}(\.0*)?$")
        row = pc.index(same, True).as_py() if pc.sum(same).as_py() == 1 else -1
    return row


def find_members(paths: pa.ChunkedArray, bands: pa.ChunkedArray | None, path: str, most: int) -> list[int]:
    """Return the first rows of the images in a file: its members or HDUs, or the bands that it is one of."""
    inside = pc.starts_with(paths, f"{path}[")
    if bands is not None:
        inside = pc.or_(inside, pc.match_substring(bands, json.dumps(path)))
    rows: list[int] = pc.indices_nonzero(inside).slice(0, most).to_pylist()
    return rows
