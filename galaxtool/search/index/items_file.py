"""The file ``items.parquet``, read as a whole or in part."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from galaxtool.search.index.damage import make_damage_error
from galaxtool.search.index.objects import check_items
from galaxtool.tables.formats.parquet_file import open_parquet

_FEW = 200  # rows that are joined in less time than `Table.take` takes to import pandas


class ItemsFile:
    """The objects of an index on disk, read when they are needed.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    schema : pyarrow.Schema
        The columns, ours first.

    Raises
    ------
    InputError
        If the file is damaged; also from the methods.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._report_damage():
            self._file = open_parquet(path)
            self.schema: pa.Schema = check_items(pa.Table.from_batches([], schema=self._file.schema_arrow)).schema
            groups = self._file.metadata.num_row_groups
            sizes = [self._file.metadata.row_group(number).num_rows for number in range(groups)]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self._columns: dict[str, pa.ChunkedArray] = {}

    def __len__(self) -> int:
        return int(self._starts[-1])

    @cached_property
    def table(self) -> pa.Table:
        """All objects, see `galaxtool.search.index.objects`."""
        with self._report_damage():
            return check_items(self._file.read())

    def column(self, name: str) -> pa.ChunkedArray:
        """Return one of our columns of all objects."""
        if "table" in vars(self):
            return self.table[name]
        if name not in self._columns:
            with self._report_damage():
                read, kind = self._file.read([name])[name], self.schema.field(name).type
                self._columns[name] = read if read.type == kind else read.cast(kind)
        return self._columns[name]

    def take(self, rows: np.ndarray | Sequence[int]) -> pa.Table:
        """Return the objects of some rows, in this order."""
        rows = np.asarray(rows, dtype=np.int64)
        if "table" in vars(self) or not len(rows):
            return take_rows(self.table, rows)
        groups = np.searchsorted(self._starts, rows, side="right") - 1
        needed, places = np.unique(groups, return_inverse=True)
        sizes = np.diff(self._starts)[needed]
        firsts = np.cumsum(sizes) - sizes
        with self._report_damage():
            read = check_items(self._file.read_row_groups(needed.tolist()))
        return take_rows(read, firsts[places] + rows - self._starts[groups])

    @contextlib.contextmanager
    def _report_damage(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise make_damage_error(self._path, error) from error


def take_rows(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """Return rows of a table, in this order."""
    if 0 < len(rows) <= _FEW:
        return pa.concat_tables([table.slice(row, 1) for row in rows.tolist()])
    return table.take(rows)
