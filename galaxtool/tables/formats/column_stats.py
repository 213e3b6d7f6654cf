"""Statistics of columns that a writer needs before the first row: types, widths of texts, presence of nulls.

They are measured piece by piece and merged, so that a table of many pieces is written in one pass over its rows. The
result does not depend on how the rows are cut into pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from astropy.table import Column, Table
from astropy.units import Unit

from galaxtool.errors import TableError
from galaxtool.tables.formats.plain_columns import find_masked_cells, get_values_and_mask
from galaxtool.utils.unit_texts import is_computable_unit

_LOW = 1 << 16


@dataclass
class ColumnStats:
    """Statistics of one column.

    Parameters
    ----------
    name : str
        Name of the column.
    dtype : dtype
        Type wide enough for all pieces; for texts, any type of texts.
    shape : tuple of int
        Shape of one cell.
    rows : int
        Number of rows in the pieces that have the column.
    unit : Unit, optional
        Unit in the first piece that has one.
    description : str, optional
        Description in the first piece that has one.
    has_values : bool
        Whether any value is not masked; `dtype` and `shape` are provisional otherwise.
    has_nulls : bool
        Whether any value is masked.
    has_holes : bool
        Whether any cell is masked in part.
    largest_unsigned : int
        The largest value, of unsigned integers.
    width, utf16_width, escaped_width : int
        Length of the longest text in characters, in units of UTF-16, and in Python's ``unicode_escape``.
    printable : bool
        Whether all texts are printable ASCII.
    """

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    rows: int = 0
    unit: Any = None
    description: str | None = None
    has_values: bool = False
    has_nulls: bool = False
    has_holes: bool = False
    largest_unsigned: int = 0
    width: int = 0
    utf16_width: int = 0
    escaped_width: int = 0
    printable: bool = True
    _low: np.ndarray | None = field(default=None, repr=False)  # which of the lowest integers of dtype are values

    @classmethod
    def of(cls, column: Column) -> ColumnStats:
        """Measure a column."""
        data = np.ma.getdata(column, subok=False)
        stats = cls(column.name, data.dtype.newbyteorder("="), data.shape[1:])
        stats._measure(column)
        return stats

    def merge(self, other: ColumnStats) -> None:
        """Include the statistics of the rows that follow.

        Raises
        ------
        TableError
            If one has texts and the other numbers, or their cells have different shapes.
        """
        self.rows += other.rows
        self.unit = other.unit if self.unit is None else self.unit
        self.description = self.description or other.description
        self.has_nulls |= other.has_nulls
        self.has_holes |= other.has_holes
        if not other.has_values:
            if not self.has_values and self.dtype.kind == other.dtype.kind:
                self.dtype = np.promote_types(self.dtype, other.dtype)
            return
        own = self.dtype if self.has_values else None
        self._widen(other.dtype, other.shape)
        self.largest_unsigned = max(self.largest_unsigned, other.largest_unsigned)
        self.width = max(self.width, other.width)
        self.utf16_width = max(self.utf16_width, other.utf16_width)
        self.escaped_width = max(self.escaped_width, other.escaped_width)
        self.printable &= other.printable
        # values of a narrower type are never among the lowest of a wider type
        lows = [low for dtype, low in ((own, self._low), (other.dtype, other._low)) if dtype == self.dtype]
        known = [low for low in lows if low is not None]
        self._low = np.logical_or.reduce(known) if known else None

    def find_unused(self, dtype: np.dtype) -> int | None:
        """Return the lowest integer of a type that is not a value, to stand for null; None if it is not known."""
        if self._low is None or dtype != self.dtype:
            return int(np.iinfo(dtype).min)
        free = np.flatnonzero(~self._low)
        return int(np.iinfo(dtype).min) + int(free[0]) if free.size else None

    def to_dict(self) -> dict[str, Any]:
        """Return the statistics as values for JSON."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "_low"}
        low = None if self._low is None else np.flatnonzero(self._low).tolist()
        return {
            **values,
            "dtype": self.dtype.str,
            "shape": list(self.shape),
            "unit": None if self.unit is None else self.unit.to_string(),
            "lowest_used": low,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ColumnStats:
        """Return the statistics that `to_dict` wrote."""
        low = values["lowest_used"]
        known = {name: value for name, value in values.items() if name != "lowest_used"}
        known["dtype"], known["shape"] = np.dtype(known["dtype"]), tuple(known["shape"])
        unit = known["unit"]
        is_unit = unit is not None and is_computable_unit(unit)
        known["unit"] = Unit(unit, parse_strict="silent") if is_unit else None
        stats = cls(**known)
        if low is not None:
            stats._low = np.zeros(_LOW, dtype=bool)
            stats._low[low] = True
        return stats

    def _measure(self, column: Column) -> None:
        data, mask = get_values_and_mask(column)
        self.rows, self.unit, self.description = len(data), column.unit, column.description
        self.has_nulls = bool(mask.any())
        if data.ndim > 1 and self.has_nulls:
            partly = mask.reshape(len(mask), -1).any(axis=1)
            self.has_holes = bool((partly & ~find_masked_cells(mask)).any())
        values = data[~mask]
        self.has_values = bool(values.size)
        if not self.has_values:
            return
        if data.dtype.kind == "U":
            self._measure_texts(values.tolist())
        elif data.dtype.kind == "u":
            self.largest_unsigned = int(values.max())
        elif data.dtype in (np.int32, np.int64):
            lowest = data.dtype.type(np.iinfo(data.dtype).min)
            self._low = np.zeros(_LOW, dtype=bool)
            self._low[values[values < lowest + _LOW] - lowest] = True

    def _measure_texts(self, texts: list[str]) -> None:
        self.width = self.utf16_width = max(map(len, texts))
        self.printable = all(text.isascii() and text.isprintable() for text in texts)
        if not self.printable:
            self.utf16_width = max(len(text.encode("utf-16-be", "surrogatepass")) // 2 for text in texts)
        self.escaped_width = max(len(text.encode("unicode_escape")) for text in texts)

    def _widen(self, dtype: np.dtype, shape: tuple[int, ...]) -> None:
        if not self.has_values:
            self.dtype, self.shape, self.has_values = dtype, shape, True
            return
        if shape != self.shape:
            raise TableError(f"The column '{self.name}' has arrays of different shapes in its pieces.")
        if dtype == self.dtype:
            return
        kinds = {_kind_name(self.dtype), _kind_name(dtype)}
        if len(kinds) > 1:
            raise TableError(f"The column '{self.name}' has {' in one piece and '.join(sorted(kinds))} in another.")
        wider = np.promote_types(self.dtype, dtype)
        if wider.kind == "f" and {self.dtype.kind, dtype.kind} == {"i", "u"}:
            raise TableError(f"The column '{self.name}' has integers of signed and unsigned 64 bits in its pieces.")
        self.dtype = wider


class TableStats:
    """Statistics of the columns of a table, or of some of its rows.

    Parameters
    ----------
    table_format : str
        Name of the format that the table will be written in. Formats encode texts differently, so the
        statistics are valid for one format only.

    Attributes
    ----------
    columns : dict of str to ColumnStats
        By name, in the order of first appearance.
    rows : int
        Number of rows.
    """

    def __init__(self, table_format: str) -> None:
        self.table_format = table_format
        self.columns: dict[str, ColumnStats] = {}
        self.rows = 0

    def add(self, piece: Table) -> None:
        """Include the rows of another piece, which is prepared for the format; raises as `ColumnStats.merge` does."""
        self._merge({name: ColumnStats.of(piece[name]) for name in piece.colnames}, len(piece))

    def merge(self, other: TableStats) -> None:
        """Include the rows of another table, which follow; raises as `ColumnStats.merge` does."""
        if other.table_format != self.table_format:
            raise ValueError(f"statistics for {self.table_format} and for {other.table_format} cannot be merged")
        self._merge({name: copy(stats) for name, stats in other.columns.items()}, other.rows)

    def has_nulls(self, stats: ColumnStats) -> bool:
        """Tell whether a column is masked anywhere, or missing from some pieces."""
        return stats.has_nulls or stats.rows < self.rows

    def to_dict(self) -> dict[str, Any]:
        """Return the statistics as values for JSON."""
        columns = [stats.to_dict() for stats in self.columns.values()]
        return {"table_format": self.table_format, "rows": self.rows, "columns": columns}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TableStats:
        """Return the statistics that `to_dict` wrote."""
        stats = cls(values["table_format"])
        stats.rows = values["rows"]
        columns = map(ColumnStats.from_dict, values["columns"])
        stats.columns = {column.name: column for column in columns}
        return stats

    def _merge(self, columns: dict[str, ColumnStats], rows: int) -> None:
        for name, stats in columns.items():
            if name in self.columns:
                self.columns[name].merge(stats)
            else:
                self.columns[name] = stats
        self.rows += rows


def _kind_name(dtype: np.dtype) -> str:
    return {"U": "texts", "b": "truth values"}.get(dtype.kind, "numbers")
