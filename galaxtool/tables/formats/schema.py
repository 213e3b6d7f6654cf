"""The columns of a table that comes in pieces, and its rows in blocks of a fixed size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
from astropy.table import Column, MaskedColumn, Table, vstack

from galaxtool.errors import TableError
from galaxtool.tables.formats.column_stats import ColumnStats, TableStats
from galaxtool.tables.formats.plain_columns import get_values_and_mask

BLOCK = 8192
"""Number of rows in memory at once, and in a row group of Parquet."""


class TableSchema:
    """The columns of a table, and access to its rows.

    Parameters
    ----------
    stats : TableStats
        Statistics of all the pieces.
    pieces : callable
        Returns all pieces at each call, as tables of plain columns. A column that a piece lacks is
        masked there.

    Attributes
    ----------
    columns : list of ColumnStats
        Columns in the order of first appearance.
    rows : int
        Number of rows.
    """

    def __init__(self, stats: TableStats, pieces: Callable[[], Iterable[Table]]) -> None:
        self._pieces = pieces
        self.rows = stats.rows
        self.columns = [replace(column, has_nulls=stats.has_nulls(column)) for column in stats.columns.values()]

    def blocks(self, stored_type: Callable[[ColumnStats], np.dtype]) -> Iterator[Table]:
        """Yield the table in blocks of `BLOCK` rows; the last may be shorter.

        Parameters
        ----------
        stored_type : callable
            Returns the type that a column is written as; texts must be wide enough for all pieces.

        Yields
        ------
        Table
            Masked values are NaN, 0, False or the empty text, so that files do not depend on what is hidden.

        Raises
        ------
        TableError
            If the pieces do not fit the statistics, because they have changed since these were measured.
        """
        dtypes = {column.name: stored_type(column) for column in self.columns}
        waiting: list[Table] = []
        count = total = 0
        for piece in self._pieces():
            start = 0
            while start < len(piece):
                stop = min(len(piece), start + BLOCK - count)
                waiting.append(self._convert(piece[start:stop], dtypes))
                count, total, start = count + stop - start, total + stop - start, stop
                if count == BLOCK:
                    yield _stack(waiting)
                    waiting, count = [], 0
        if waiting:
            yield _stack(waiting)
        if total != self.rows:
            raise TableError(f"The table had {self.rows} rows at first and then {total}: its pieces were changed.")

    def empty(self, stored_type: Callable[[ColumnStats], np.dtype], rows: int = 0) -> Table:
        """Return a table with these columns and no rows, or with some rows of zeros and empty texts."""
        columns = [
            Column(np.zeros((rows, *column.shape), dtype=stored_type(column)), **_attributes(column))
            for column in self.columns
        ]
        return Table(columns, copy=False)

    def _convert(self, piece: Table, dtypes: dict[str, np.dtype]) -> Table:
        """Return a piece with all the columns, in the types to be written."""
        columns, known = [], set(piece.colnames)
        for column in self.columns:
            shape = (len(piece), *column.shape)
            data, mask = np.zeros(shape, dtype=dtypes[column.name]), np.ones(shape, dtype=bool)
            if column.name in known:
                values, hidden = get_values_and_mask(piece[column.name])
                if not hidden.all():
                    if values.dtype.kind == "U" and values.dtype.itemsize > data.dtype.itemsize:
                        values = _narrow(values, hidden, data.dtype, column.name)
                    data, mask = values.astype(data.dtype), hidden
            if mask.any():
                data[mask] = np.nan if data.dtype.kind in "fc" else np.zeros((), dtype=data.dtype)
            attributes = _attributes(column)
            columns.append(MaskedColumn(data, mask=mask, **attributes) if mask.any() else Column(data, **attributes))
        return Table(columns, copy=False)


def own_type(column: ColumnStats) -> np.dtype:
    """Return the type that a column has, with texts as wide as the longest."""
    return np.dtype(f"U{max(column.width, 1)}") if column.dtype.kind == "U" else column.dtype


def signed_type(column: ColumnStats) -> np.dtype:
    """Return the narrowest type for FITS and VOTable, which have no unsigned integers of 16 bits and more.

    Integers of more than 63 bits become texts.
    """
    kind = f"{column.dtype.kind}{column.dtype.itemsize}"
    if kind == "u8" and column.largest_unsigned > np.iinfo(np.int64).max:
        return np.dtype("U20")
    wider = {"i1": np.int16, "u2": np.int32, "u4": np.int64, "u8": np.int64}
    return np.dtype(wider[kind]) if kind in wider else own_type(column)


def _narrow(data: np.ndarray, mask: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    """Return texts without those that are masked, after checking that the others fit the type."""
    shown = np.where(mask, "", data)
    if int(np.char.str_len(shown).max(initial=0)) * 4 > dtype.itemsize:
        raise TableError(f"The column '{name}' has longer texts than at first: its pieces were changed.")
    return shown


def _attributes(column: ColumnStats) -> dict[str, object]:
    return {"name": column.name, "unit": column.unit, "description": column.description}


def _stack(tables: list[Table]) -> Table:
    return tables[0] if len(tables) == 1 else vstack(tables, metadata_conflicts="silent")
