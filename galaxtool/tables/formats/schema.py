"""What the columns of a table have in common over all its pieces.

A table that comes in pieces is looked through once, to settle what the columns hold, and then written: the file is the
same however the rows are cut into pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from astropy.table import Column, MaskedColumn, Table, vstack

from galaxtool.errors import TableError
from galaxtool.tables.formats.plain import values_and_mask, whole

BLOCK = 8192
"""Rows that are in memory at once, and rows of a row group in Parquet."""

_LOW = 1 << 16


@dataclass
class ColumnStats:
    """What is known of one column.

    Parameters
    ----------
    name : str
    dtype : dtype
        Wide enough for all pieces; of texts, only that they are texts.
    shape : tuple of int
        Of one cell.
    unit, description
        Of the first piece that has one.
    valued : bool
        Whether there is any value at all; until there is, `dtype` and `shape` are provisional.
    masked : bool
        Whether anything is masked.
    holes : bool
        Whether anything is masked within a cell that is not masked as a whole.
    top : int
        The largest unsigned integer.
    width, utf16, escaped : int
        The longest text in characters, in units of UTF-16, and in ASCII as Python's ``unicode_escape`` writes it.
    printable : bool
        Whether all texts are printable ASCII.
    """

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    unit: object = None
    description: str | None = None
    valued: bool = False
    masked: bool = False
    holes: bool = False
    top: int = 0
    width: int = 0
    utf16: int = 0
    escaped: int = 0
    printable: bool = True
    _low: np.ndarray | None = field(default=None, repr=False)

    def add(self, column: Column) -> None:
        """Take a piece of the column into account."""
        data, mask = values_and_mask(column)
        seen = data[~mask]
        self.masked |= bool(mask.any())
        if data.ndim > 1 and mask.any():
            some = mask.reshape(len(mask), -1).any(axis=1)
            self.holes |= bool((some & ~whole(mask)).any())
        self.unit = column.unit if self.unit is None else self.unit
        self.description = self.description or column.description
        if not seen.size:
            if not self.valued and self.dtype.kind == data.dtype.kind:
                self.dtype = np.promote_types(self.dtype, data.dtype)
            return
        self._agree(data)
        if data.dtype.kind == "U":
            self._measure(seen)
        elif data.dtype.kind in "iu":
            self.top = max(self.top, int(seen.max()))
            self._note_low(seen)

    def unused(self, dtype: np.dtype) -> int | None:
        """Return the lowest integer of a type that is no value, to stand for null; None where that is hard to find."""
        if self._low is None or dtype != self.dtype:
            return int(np.iinfo(dtype).min)
        free = np.flatnonzero(~self._low)
        return int(np.iinfo(dtype).min) + int(free[0]) if free.size else None

    def _agree(self, data: np.ndarray) -> None:
        if not self.valued:
            self.dtype, self.shape, self.valued = data.dtype, data.shape[1:], True
            return
        if data.shape[1:] != self.shape:
            raise TableError(f"The column '{self.name}' has arrays of different shapes in its pieces.")
        if data.dtype == self.dtype:
            return
        kinds = {_family(self.dtype), _family(data.dtype)}
        if len(kinds) > 1:
            raise TableError(f"The column '{self.name}' has {' in one piece and '.join(sorted(kinds))} in another.")
        wider = np.promote_types(self.dtype, data.dtype)
        if wider.kind == "f" and {self.dtype.kind, data.dtype.kind} == {"i", "u"}:
            raise TableError(f"The column '{self.name}' has integers of signed and unsigned 64 bits in its pieces.")
        self.dtype, self._low = wider, None  # what fitted a narrower type is none of the lowest of this one

    def _measure(self, texts: np.ndarray) -> None:
        """Note how long texts are."""
        values = texts.tolist()
        width = max(map(len, values))
        self.width = max(self.width, width)
        if all(value.isascii() and value.isprintable() for value in values):
            self.utf16 = max(self.utf16, width)
        else:
            self.printable = False
            self.utf16 = max(self.utf16, *(len(value.encode("utf-16-be", "surrogatepass")) // 2 for value in values))
        self.escaped = max(self.escaped, max(len(value.encode("unicode_escape")) for value in values))

    def _note_low(self, values: np.ndarray) -> None:
        """Remember which of the lowest integers of the type are values."""
        if values.dtype != self.dtype or values.dtype not in (np.int32, np.int64):
            return
        lowest = values.dtype.type(np.iinfo(values.dtype).min)
        if self._low is None:
            self._low = np.zeros(_LOW, dtype=bool)
        self._low[values[values < lowest + _LOW] - lowest] = True


def _family(dtype: np.dtype) -> str:
    return {"U": "texts", "b": "truth values"}.get(dtype.kind, "numbers")


class TableSchema:
    """The columns of a table, and the pieces it comes in.

    Parameters
    ----------
    pieces : callable
        Returns the pieces, plain tables, anew at each call. A column that a piece lacks is masked there.

    Attributes
    ----------
    columns : list of Facts
        In the order in which they first come.
    rows : int

    Raises
    ------
    TableError
        If there is no piece, or a column holds texts in one and numbers in another, or arrays of different shapes.
    """

    def __init__(self, pieces: Callable[[], Iterable[Table]]) -> None:
        self._pieces = pieces
        found: dict[str, ColumnStats] = {}
        self.rows = 0
        lengths: dict[str, int] = {}
        for piece in pieces():
            for name in piece.colnames:
                data = np.ma.getdata(piece[name], subok=False)
                facts = found.setdefault(name, ColumnStats(name, data.dtype.newbyteorder("="), data.shape[1:]))
                facts.add(piece[name])
                lengths[name] = lengths.get(name, 0) + len(piece)
            self.rows += len(piece)
        if not found and not self.rows:
            raise TableError("There is nothing to write: not even an empty table.")
        for name, facts in found.items():
            facts.masked |= lengths[name] < self.rows
        self.columns = list(found.values())

    def blocks(self, stored: Callable[[ColumnStats], np.dtype]) -> Iterator[Table]:
        """Yield the table in blocks of `BLOCK` rows, but for the last.

        Parameters
        ----------
        stored : callable
            What type a column is written as. Texts are wide enough for all pieces.

        Yields
        ------
        Table
            Beneath a mask there is always the same: NaN, 0, False or the empty text.

        Raises
        ------
        TableError
            If the pieces are not what they were when first looked at.
        """
        dtypes = {facts.name: stored(facts) for facts in self.columns}
        waiting: list[Table] = []
        count = total = 0
        for piece in self._pieces():
            start = 0
            while start < len(piece):
                stop = min(len(piece), start + BLOCK - count)
                waiting.append(self._fitted(piece[start:stop], dtypes))
                count, total, start = count + stop - start, total + stop - start, stop
                if count == BLOCK:
                    yield _joined(waiting)
                    waiting, count = [], 0
        if waiting:
            yield _joined(waiting)
        if total != self.rows:
            raise TableError(f"The table had {self.rows} rows at first and then {total}: its pieces were changed.")

    def empty(self, stored: Callable[[ColumnStats], np.dtype], rows: int = 0) -> Table:
        """Return a table of these columns that has no rows, or some of zeros and empty texts."""
        columns = [
            Column(np.zeros((rows, *facts.shape), dtype=stored(facts)), **_about(facts)) for facts in self.columns
        ]
        return Table(columns, copy=False)

    def _fitted(self, piece: Table, dtypes: dict[str, np.dtype]) -> Table:
        columns = []
        for facts in self.columns:
            shape = (len(piece), *facts.shape)
            data, mask = np.zeros(shape, dtype=dtypes[facts.name]), np.ones(shape, dtype=bool)
            if facts.name in piece.colnames:
                given, hidden = values_and_mask(piece[facts.name])
                if not hidden.all():
                    if given.dtype.kind == "U" and given.dtype.itemsize > data.dtype.itemsize:
                        given = _narrowed(given, hidden, data.dtype, facts.name)
                    data, mask = given.astype(data.dtype), hidden
            if mask.any():
                data[mask] = np.nan if data.dtype.kind in "fc" else np.zeros((), dtype=data.dtype)
            about = _about(facts)
            columns.append(MaskedColumn(data, mask=mask, **about) if mask.any() else Column(data, **about))
        return Table(columns, copy=False)


def own_type(facts: ColumnStats) -> np.dtype:
    """Return the type that a column has, texts as wide as the longest."""
    return np.dtype(f"U{max(facts.width, 1)}") if facts.dtype.kind == "U" else facts.dtype


def widened(facts: ColumnStats) -> np.dtype:
    """Return the narrowest type that FITS and VOTable have, which lack unsigned integers of 16 bits and more.

    Those beyond 63 bits become texts.
    """
    kind = f"{facts.dtype.kind}{facts.dtype.itemsize}"
    if kind == "u8" and facts.top > np.iinfo(np.int64).max:
        return np.dtype("U20")
    wider = {"i1": np.int16, "u2": np.int32, "u4": np.int64, "u8": np.int64}
    return np.dtype(wider[kind]) if kind in wider else own_type(facts)


def _narrowed(data: np.ndarray, mask: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    """Return texts of a type too wide for them, without those that are masked."""
    shown = np.where(mask, "", data)
    if int(np.char.str_len(shown).max(initial=0)) * 4 > dtype.itemsize:
        raise TableError(f"The column '{name}' has longer texts than at first: its pieces were changed.")
    return shown


def _about(facts: ColumnStats) -> dict[str, object]:
    return {"name": facts.name, "unit": facts.unit, "description": facts.description}


def _joined(tables: list[Table]) -> Table:
    return tables[0] if len(tables) == 1 else vstack(tables, metadata_conflicts="silent")
