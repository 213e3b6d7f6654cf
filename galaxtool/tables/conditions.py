"""What a condition on the rows of a table is made of: columns, comparisons, and how they are joined."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Table

from galaxtool.errors import TableError, nearest

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<>": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """A table's columns as arrays, with where they are null.

    Parameters
    ----------
    table : Table
        N rows.
    expression : str
        What is asked of it, for errors.
    """

    table: Table
    expression: str

    def array(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a column's values, shape (N,), texts as ``str``, and where it is masked, None or NaN, bool (N,).

        Raises
        ------
        TableError
            If there is no such column, or it has several values in a row.
        """
        if name not in self.table.colnames:
            near = nearest(name, self.table.colnames)
            shown = ", ".join(self.table.colnames[:20]) + (", ..." if len(self.table.colnames) > 20 else "")
            raise TableError(
                f"There is no column '{name}', named in '{self.expression}'."
                + (f" Did you mean '{near}'?" if near else ""),
                hint=f"The columns are {shown}. A text to compare with goes in quotes: '{name}'.",
            )
        column = self.table[name]
        data, null = np.ma.getdata(column, subok=False), np.ma.getmaskarray(np.ma.asarray(column))
        if data.ndim != 1:
            raise TableError(
                f"The column '{name}' has several values in each row and cannot be compared.",
                hint="Name a column of single values.",
            )
        if data.dtype.kind in "SO":
            null = null | np.array([value is None for value in data.tolist()], dtype=bool)
            data = np.array([v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in data.tolist()])
        return data, null | np.isnan(data) if data.dtype.kind == "f" else null


@dataclass(frozen=True, slots=True)
class Operand:
    """A column, or a literal where `column` is empty.

    Parameters
    ----------
    column : str
    literal : int, float, bool or str
    """

    column: str
    literal: Any = None

    def values(self, columns: Columns) -> tuple[Any, Any]:
        """Return its values and where they are null: arrays (N,) of a column, scalars of a literal."""
        return columns.array(self.column) if self.column else (self.literal, False)

    def __str__(self) -> str:
        return f"the column '{self.column}'" if self.column else repr(self.literal)


Mask = Callable[[Columns], np.ndarray]
"""Says for which rows something holds, bool (N,)."""


def compare(sign: str, left: Operand, right: Operand) -> Mask:
    """Make a comparison by one of `COMPARISONS`; false where either side is null.

    It raises `TableError` where a number meets a text.
    """

    def mask(columns: Columns) -> np.ndarray:
        (a, a_null), (b, b_null) = left.values(columns), right.values(columns)
        if (np.asarray(a).dtype.kind == "U") != (np.asarray(b).dtype.kind == "U"):
            text, number = (left, right) if np.asarray(a).dtype.kind == "U" else (right, left)
            raise TableError(
                f"In '{columns.expression}', {text} is text and {number} is not, so they cannot be compared.",
                hint="Quotes make a text of a number; without them a text is a number.",
            )
        result = COMPARISONS[sign](a, b) & ~np.asarray(a_null | b_null)
        return np.broadcast_to(result, (len(columns.table),)).astype(bool)

    return mask


def joined(how: Callable[..., np.ndarray], left: Mask, right: Mask) -> Mask:
    """Join two conditions by ``np.logical_and`` or ``np.logical_or``."""
    return lambda columns: how(left(columns), right(columns))


def truth(name: str) -> Mask:
    """Make the condition that a column of truth values is true; null is false. Any other column is a `TableError`."""

    def mask(columns: Columns) -> np.ndarray:
        data, null = columns.array(name)
        if data.dtype.kind != "b":
            raise TableError(
                f"In '{columns.expression}', the column '{name}' holds no truth values and is compared with nothing.",
                hint=f"Say for example {name} > 0.",
            )
        return data & ~null

    return mask
