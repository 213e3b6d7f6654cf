"""Columns of the objects: cells for a page, and values to colour a map by."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_CATEGORIES = 7
"""Categories with a colour of their own: those of Okabe and Ito without black."""

_LONGEST_TEXT = 2000
_EXACT = 2**53  # integers up to which JavaScript is exact
_FEW_INTEGERS = 12  # distinct integers up to which a column of them is one of categories


@dataclass(frozen=True)
class Coloring:
    """Values of N objects to colour a map by.

    Parameters
    ----------
    values : ndarray, shape (N,)
        float32 with NaN where there is no value, or uint8 with the number of the category.
    categories : list of str
        Names of the categories, the most frequent first; the last one may stand for all others. Empty for numbers.
    limits : tuple of float
        Values at the ends of the scale of colours: percentiles 1 and 99.
    """

    values: np.ndarray
    categories: list[str]
    limits: tuple[float, float] = (0.0, 1.0)


def describe_columns(items: pa.Table, names: Sequence[str]) -> list[dict[str, str]]:
    """Return the name of each column, and whether it is a ``number``, a ``text``, or ``other``."""
    return [{"name": name, "kind": _find_kind(items.schema.field(name).type)} for name in names]


def has_order(kind: pa.DataType) -> bool:
    """Tell whether objects can be put in order of a column: Arrow ends the process over one of arrays."""
    return _find_kind(kind) != "other" and not pa.types.is_dictionary(kind)


def make_cells(items: pa.Table, names: Sequence[str]) -> list[list[Any]]:
    """Return the values of objects as a page can hold them: a list for each row, with large integers as texts."""
    columns = [[_make_cell(value) for value in column.to_pylist()] for column in items.select(list(names)).columns]
    return [list(cells) for cells in zip(*columns, strict=True)]


def make_coloring(column: pa.ChunkedArray) -> Coloring:
    """Return the values of a column as numbers, or as categories if they are texts, truth values or a few integers."""
    kind = column.type
    if _find_kind(kind) == "number" and not _is_few_integers(column):
        values = pc.cast(column, pa.float64(), safe=False).to_numpy().astype(np.float32)
        values[~np.isfinite(values)] = np.nan
        return Coloring(values, [], find_limits(values))
    texts = column if pa.types.is_string(kind) or pa.types.is_large_string(kind) else pc.cast(column, pa.string())
    counts = pc.value_counts(texts.combine_chunks()).to_pylist()
    order = sorted(counts, key=lambda one: (-one["counts"], one["values"] is None, str(one["values"])))
    named = [one["values"] for one in order if one["values"] is not None][:_CATEGORIES]
    codes = pc.index_in(texts, value_set=pa.array(named, texts.type))
    values = pc.fill_null(codes, len(named)).to_numpy().astype(np.uint8)
    others = [] if not (values == len(named)).any() else ["others"]
    return Coloring(values, [str(name)[:100] for name in named] + others)


def find_limits(values: np.ndarray) -> tuple[float, float]:
    """Return the percentiles 1 and 99 of the finite values, which differ."""
    good = values[np.isfinite(values)]
    if not len(good):
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(good[:: max(1, len(good) // 100_000)], [1, 99]))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _find_kind(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return "text" if is_text or pa.types.is_boolean(kind) or pa.types.is_dictionary(kind) else "other"


def _is_few_integers(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_integer(column.type)) and int(pc.count_distinct(column).as_py()) <= _FEW_INTEGERS


def _make_cell(value: Any) -> Any:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, list, dict)):
        value = str(value)
    elif isinstance(value, int) and abs(value) > _EXACT:
        return str(value)
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value
