"""Values of table columns as text and as plain Python values."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from astropy.table import Column

from galaxtool.inputs.lazy_sequence import LazySequence
from galaxtool.tables.formats.text_cells import format_cells
from galaxtool.tables.whole_numbers import format_integer_valued, is_integer_valued


class TextColumn(LazySequence[str]):
    """The values of a column as text, converted on access; a masked value and NaN are empty.

    Floats are written as integers if all of them are whole numbers, as those of an integer column with missing values
    are.
    """

    def __init__(self, column: Column) -> None:
        self._values = np.ma.getdata(column, subok=False)
        mask = np.ma.getmaskarray(np.ma.asarray(column))
        hidden = mask.reshape(len(mask), math.prod(mask.shape[1:])).all(axis=1)
        if self._values.dtype.kind == "f" and self._values.ndim == 1:
            hidden = hidden | ~np.isfinite(self._values)
        self._hidden = np.asarray(hidden) if hidden.any() else None
        self._is_whole = self._values.ndim == 1 and self._values.dtype.kind == "f" and is_integer_valued(column)

    def __len__(self) -> int:
        return len(self._values)

    def to_list(self) -> list[str]:
        """Return all the values, faster than one by one."""
        if self._values.dtype.kind != "U" or self._values.ndim > 1 or type(self) is not TextColumn:
            return list(self)
        texts = [text.strip() for text in self._values.tolist()]
        for row in np.flatnonzero(self._hidden) if self._hidden is not None else ():
            texts[row] = ""
        return texts

    def get(self, row: int) -> str:
        """Return the text of a row."""
        if self._hidden is not None and self._hidden[row]:
            return ""
        value = self._values[row]
        if self._is_whole:
            return str(int(value))
        return str(value if self._values.dtype.kind == "f" else value.tolist()).strip()


class IdColumn(TextColumn):
    """Identifiers; texts such as ``1234.0`` count as integers if all texts of the column have that form."""

    def __init__(self, column: Column) -> None:
        super().__init__(column)
        self._has_points = self._values.dtype.kind == "U" and self._values.ndim == 1 and is_integer_valued(column)

    def get(self, row: int) -> str:
        """Return the text of a row."""
        text = super().get(row)
        return text.partition(".")[0] if self._has_points else text


class MemberColumn(TextColumn):
    """Keys of members and numbers of HDUs, which some programs write as 2.0."""

    def get(self, row: int) -> str:
        """Return the text of a row."""
        return re.sub(r"^(\d+)\.0$|^nan$", r"\1", super().get(row))


def list_texts(column: Column) -> list[str]:
    """Return the values of a column as text; a masked value is empty, an array is JSON."""
    if len(column.shape) > 1:
        return format_cells(column)
    if column.dtype.kind == "f" and len(column.shape) == 1:
        return format_integer_valued(column)
    hidden = np.ma.getmaskarray(np.ma.asarray(column))
    values = np.ma.getdata(column, subok=False).tolist()
    return ["" if masked else str(value).strip() for value, masked in zip(values, hidden, strict=True)]


def to_plain_value(cell: Any) -> Any:
    """Return a cell of a table as a plain Python value; None where it is masked."""
    if cell is np.ma.masked:
        return None
    return cell.tolist() if hasattr(cell, "tolist") else cell
