"""CSV tables."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from astropy.table import Table

from galaxtool.tables.formats.schema import TableSchema, own_type
from galaxtool.tables.formats.text import read_text_table
from galaxtool.tables.formats.text_cells import format_cells, open_text_stream


class CsvFormat:
    """CSV with a header line."""

    def read(self, path: Path) -> Table:
        """Read a file in any dialect that can be told from its content, see `galaxtool.tables.formats.text`.

        Raises
        ------
        ValueError
            If the file is empty, two columns have the same name, or a line has more or fewer cells than the header.
        """
        return read_text_table(path)

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
