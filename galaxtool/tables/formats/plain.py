"""Columns of any kind made plain: numbers, truth values or `str`, masked where there is no value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table
from astropy.table.serialize import represent_mixins_as_columns
from astropy.time import Time
from astropy.utils.masked import Masked

_NUMERIC_TIMES = ("mjd", "jd", "decimalyear", "byear", "jyear", "unix", "unix_tai", "cxcsec", "galexsec", "gps")


def plain_table(table: Table) -> Table:
    """Return a table of plain columns: mixins in parts, times as they are written, bytes and objects as `str`.

    Parameters
    ----------
    table : Table

    Returns
    -------
    Table
        An empty text is masked, since most formats cannot tell it from none; a NaN is not. Half precision becomes
        single, quadruple double.
    """
    parts = table
    if table.has_mixin_columns:
        simple = Table([_simple(table[name]) for name in table.colnames], names=table.colnames, copy=False)
        parts = represent_mixins_as_columns(simple)
    meta = {key: value for key, value in table.meta.items() if not key.startswith("__")}
    return Table([plain_column(parts[name]) for name in parts.colnames], names=parts.colnames, meta=meta, copy=False)


def plain_column(column: Column) -> Column:
    """Return a column of numbers, truth values or `str`."""
    data, mask = values_and_mask(column)
    kind, size = data.dtype.kind, data.dtype.itemsize
    if kind in "OV":
        mask = mask if mask.shape == data.shape else np.zeros(data.shape, dtype=bool)
        mask = mask | np.array([value is None for value in data.ravel()], dtype=bool).reshape(data.shape)
        data = _texts(data, lambda value: "" if value is None else as_text(value))
    elif kind == "S":
        data = _texts(data, as_text)
    elif kind == "M":
        mask = mask | np.isnat(data)
        data = np.datetime_as_string(data)
    elif kind == "m":
        mask = mask | np.isnat(data)
        data = data.astype(str)
    elif kind == "f" and size not in (4, 8):
        data = data.astype(np.float32 if size < 4 else np.float64)
    elif kind == "c" and size > 16:
        data = data.astype(np.complex128)
    if data.dtype.kind == "U":
        mask = mask | (data == "")
    return rebuilt(column, data, mask)


def rebuilt(column: Column, data: np.ndarray, mask: np.ndarray) -> Column:
    """Return other values under the name, unit and description of a column, masked where `mask` is true anywhere."""
    about = {"name": column.name, "unit": column.unit, "description": column.description}
    return MaskedColumn(data, mask=mask, **about) if mask.any() else Column(data, **about)


def values_and_mask(column: Column) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of a column in native byte order, and where they are masked, of the same shape."""
    data = np.ma.getdata(column, subok=False)
    if data.dtype.kind in "fiucmM":
        data = data.astype(data.dtype.newbyteorder("="), copy=False)
    return data, np.ma.getmaskarray(np.ma.asarray(column))


def whole(mask: np.ndarray) -> np.ndarray:
    """Return which cells are masked as a whole, of a column of arrays too: bool, one for each row."""
    return np.asarray(mask.reshape(len(mask), -1).all(axis=1)) if mask.size else np.zeros(len(mask), dtype=bool)


def with_texts(table: Table, change: Callable[[str], str]) -> Table:
    """Return a table with its texts and the names of its columns changed one by one."""
    columns = []
    for column in table.columns.values():
        if column.dtype.kind == "U":
            data, mask = values_and_mask(column)
            changed = _texts(data, change)
            column = column if np.array_equal(changed, data) else rebuilt(column, changed, mask)
        columns.append(column)
    return Table(columns, names=list(map(change, table.colnames)), meta=table.meta, copy=False)


def escaped(text: str, odd: re.Pattern[str]) -> str:
    r"""Return a text with some characters as Python writes them: ``\x07``.

    Examples
    --------
    >>> escaped("a" + chr(7), re.compile("[^ -~]"))
    'a\\x07'
    """
    return odd.sub(lambda match: match.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def no_surrogates(text: str) -> str:
    """Return a text with those bytes of a file name escaped that are no UTF-8: only CSV can hold them as they are."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def as_text(value: Any) -> str:
    """Return any object as text: bytes as UTF-8, dates in ISO 8601, lists and the like as JSON."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, np.ndarray | np.void):
        value = np.ma.asarray(value).tolist() if isinstance(value, np.ma.MaskedArray) else value.tolist()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=as_text, ensure_ascii=False)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _texts(data: np.ndarray, change: Callable[[Any], str]) -> np.ndarray:
    values = [change(value) for value in (data.flat if data.dtype.kind == "O" else data.ravel().tolist())]
    return np.array(values, dtype=str if values else "U1").reshape(data.shape)


def _simple(column: Any) -> Any:
    """Return what `represent_mixins_as_columns` would take apart but need not."""
    if isinstance(column, Time):
        return _time(column)
    if isinstance(column, Masked) and hasattr(column, "unit"):
        return MaskedColumn(
            column.unmasked.value, mask=column.mask, unit=column.unit, description=column.info.description
        )
    return column


def _time(times: Time) -> Column:
    """Return times as they are written: numbers where their format has numbers, else ISO 8601 to the nanosecond."""
    mask = np.broadcast_to(np.asarray(times.mask), times.shape)
    about = {"name": times.info.name, "description": times.info.description or f"time, scale {times.scale}"}
    known = times.unmasked
    if known.format in _NUMERIC_TIMES:
        unit = "d" if known.format in ("mjd", "jd") else None
        return MaskedColumn(np.asarray(known.value, dtype=float), mask=mask, unit=unit, **about)
    if known.format not in ("iso", "isot", "fits", "yday", "jyear_str", "byear_str"):
        known = Time(known, format="isot")
    known = known.replicate()
    known.precision = 9
    return MaskedColumn(np.asarray(known.value, dtype=str), mask=mask, **about)
