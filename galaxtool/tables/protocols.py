"""The protocol of table formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, Protocol

from astropy.table import Table

from galaxtool.tables.formats.schema import TableSchema


class TableFormat(Protocol):
    """Reads and writes the tables of one format."""

    def read(self, path: Path) -> Table:
        """Read a file; if it has several tables, the first.

        Any exception that this raises is reported as a damaged file.
        """

    def prepare(self, table: Table) -> Table:
        """Return a table of plain columns as the format can hold it, e.g. with control characters escaped."""

    def write(self, stream: BinaryIO, schema: TableSchema, meta: dict[str, Any]) -> None:
        """Write a table block by block.

        Parameters
        ----------
        stream : BinaryIO
            File to write to.
        schema : TableSchema
            Columns of the table; its `blocks` yields the rows, already prepared.
        meta : dict
            Metadata of the table, written if the format can store them.
        """
