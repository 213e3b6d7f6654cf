"""CSV tables, and conversions that ECSV shares."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np
from astropy.table import Column, Table

from galaxtool.tables.formats.parse_cells import parse_column
from galaxtool.tables.formats.plain_columns import find_masked_cells, get_values_and_mask
from galaxtool.tables.formats.schema import TableSchema, own_type


class CsvFormat:
    """CSV with a header line."""

    def read(self, path: Path) -> Table:
        """Read a file.

        A column becomes integers, floats or booleans only if nothing is lost: all its values have that form, and
        integers fit 64 bits and have no leading zeros. Any other column is text. An empty cell is masked.

        Raises
        ------
        ValueError
            If the file is empty, two columns have the same name, or a line has more or fewer cells than the header.
        """
        # the surrogates of os.fsdecode preserve bytes of file names that are not UTF-8
        open_file: Any = gzip.open if path.name.lower().endswith(".gz") else open
        with open_file(path, "rt", newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = csv.reader(file)
            header = next(lines, None)
            if header is None:
                raise ValueError("it is empty")
            names = [name.strip() or f"col{i}" for i, name in enumerate(header, 1)]
            repeated = [name for i, name in enumerate(names) if name in names[:i]]
            if repeated:
                raise ValueError(f"two columns are called '{repeated[0]}'")
            cells: list[list[str]] = []
            for line in lines:
                if not line:
                    continue
                if len(line) != len(names):
                    raise ValueError(f"line {lines.line_num} has {len(line)} cells, the header {len(names)}")
                cells.append(line)
        values: Any = zip(*cells, strict=True) if cells else [()] * len(names)
        return Table([parse_column(list(column), name) for name, column in zip(names, values, strict=True)])

    def prepare(self, table: Table) -> Table:
        """Return the table itself: CSV can hold any text."""
        return table

    def write(self, stream: BinaryIO, schema: TableSchema, meta: dict[str, Any]) -> None:
        """Write a table: masked values are empty, arrays are JSON; there is no place for units and `meta`."""
        with open_text_stream(stream) as file:
            lines = csv.writer(_LineFeedWriter(file), lineterminator="\r\n")
            lines.writerow([column.name for column in schema.columns])
            for block in schema.blocks(own_type):
                lines.writerows(zip(*map(format_cells, block.columns.values()), strict=True))


class _LineFeedWriter:
    r"""File that ends lines with ``\n``.

    Its `csv.writer` ends them with ``\r\n``, because it would not quote texts with ``\r`` otherwise.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, line: str) -> None:
        self._file.write(line[:-2] + "\n")


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
