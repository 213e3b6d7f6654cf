"""Write the file ``items.parquet`` from tables that come one after another."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from galaxtool.search.index.common_schema import fit_items
from galaxtool.utils.files.local_path import to_local_path

_ROW_GROUP = 16_384  # few rows are read at once


class ItemsWriter:
    """Appends rows to ``items.parquet``, in row groups of equal size."""

    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema) -> None:
        self._writer, self._schema = writer, schema
        self._waiting: list[pa.Table] = []
        self._count = 0

    def write(self, items: pa.Table) -> None:
        """Append rows, with nulls in the columns that they lack."""
        self._waiting.append(fit_items(items, self._schema))
        self._count += len(items)
        while self._count >= _ROW_GROUP:
            joined = pa.concat_tables(self._waiting)
            self._writer.write_table(joined.slice(0, _ROW_GROUP))
            self._waiting, self._count = [joined.slice(_ROW_GROUP)], self._count - _ROW_GROUP

    def flush(self) -> None:
        """Write the rows that wait for a row group to be full."""
        if self._count:
            self._writer.write_table(pa.concat_tables(self._waiting))
        self._waiting, self._count = [], 0


@contextlib.contextmanager
def open_items_writer(path: Path, schema: pa.Schema) -> Iterator[ItemsWriter]:
    """Open a file of rows with these columns."""
    with pq.ParquetWriter(to_local_path(path), schema) as file:
        writer = ItemsWriter(file, schema)
        yield writer
        writer.flush()
