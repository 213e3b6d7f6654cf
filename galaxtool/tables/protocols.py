"""The protocol of table formats."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

from astropy.table import Table

from galaxtool.tables.formats.schema import TableSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntry:
    """One of the tables in a file.

    Parameters
    ----------
    number : int
        Number that users know it by: that of the HDU in FITS, else counted from 1.
    name : str
        Its name; empty if it has none.
    columns : tuple of str
        Names of its columns.
    rows : int
        Number of rows; -1 if unknown.
    """

    number: int
    name: str
    columns: tuple[str, ...]
    rows: int = -1

    @property
    def label(self) -> str:
        """Name and number for messages."""
        return f"{self.name} ({self.number})" if self.name else str(self.number)


class TableFile(Protocol):
    """An open file with one table or more."""

    @property
    def entries(self) -> Sequence[TableEntry]:
        """The tables, in order."""

    def read(self, entry: TableEntry) -> Table:
        """Read one of the tables."""


@runtime_checkable
class MultiTableFormat(Protocol):
    """A format whose files can have several tables; a `TableFormat` as well."""

    def open_tables(self, path: Path) -> AbstractContextManager[TableFile]:
        """Open a file; any exception that this raises is reported as a damaged file."""


@runtime_checkable
class LimitedTableFormat(Protocol):
    """A format that cannot hold every number of columns or every name; a `TableFormat` as well."""

    def check_names(self, names: Sequence[str]) -> str:
        """Return a sentence on the names of columns that change; raises `ConfigError` if they cannot be written."""


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
