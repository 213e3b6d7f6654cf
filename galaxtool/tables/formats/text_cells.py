"""Cells as texts, which CSV and ECSV share."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

import numpy as np
from astropy.table import Column

from galaxtool.tables.formats.plain_columns import find_masked_cells, get_values_and_mask


@contextmanager
def open_text_stream(stream: BinaryIO) -> Iterator[TextIO]:
    """Open a stream of bytes for writing text, and leave it open afterwards."""
    file = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    try:
        yield file
    finally:
        file.detach()


def format_cells(column: Column) -> list[str]:
    """Return the cells of a column as texts, empty if masked."""
    values, mask = get_values_and_mask(column)
    if values.ndim > 1:
        hidden = find_masked_cells(mask).tolist()
        rows = np.ma.asarray(column).tolist()
        return ["" if gone else json.dumps(row, default=str) for row, gone in zip(rows, hidden, strict=True)]
    texts = values.astype(str).tolist()
    return ["" if hidden else text for text, hidden in zip(texts, mask.tolist(), strict=True)] if mask.any() else texts
