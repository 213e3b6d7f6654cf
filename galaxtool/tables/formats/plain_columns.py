"""Convert any column to a plain one: numbers, truth values or `str`, masked where there is no value."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table
from astropy.table.serialize import represent_mixins_as_columns
from astropy.time import Time
from astropy.utils.masked import Masked

from galaxtool.tables.formats.column_notes import note_frames
from galaxtool.tables.text_arrays import make_text_array

_NUMERIC_TIMES = ("mjd", "jd", "decimalyear", "byear", "jyear", "unix", "unix_tai", "cxcsec", "galexsec", "gps")


def simplify_table(table: Table) -> Table:
    """Return a table of plain columns.

    Parameters
    ----------
    table : Table
        Columns of any kind. Mixins are taken apart, times become numbers or ISO 8601, bytes and objects become `str`.

    Returns
    -------
    Table
        An empty text is masked, because most formats cannot tell it from a missing one; NaN is not masked. Half
        precision becomes single, quadruple becomes double.
    """
    parts = table
    if table.has_mixin_columns:
        simple = Table([_simplify(table[name]) for name in table.colnames], names=table.colnames, copy=False)
        parts = represent_mixins_as_columns(simple)
        note_frames(parts, parts.meta.get("__serialized_columns__", {}))
    meta = {key: value for key, value in table.meta.items() if not key.startswith("__")}
    return Table([simplify_column(parts[name]) for name in parts.colnames], names=parts.colnames, meta=meta, copy=False)


def simplify_column(column: Column) -> Column:
    """Return a column of numbers, truth values or `str`."""
    data, mask = _drop_single_axes(*get_values_and_mask(column))
    kind, size = data.dtype.kind, data.dtype.itemsize
    if kind in "OV":
        mask = mask if mask.shape == data.shape else np.zeros(data.shape, dtype=bool)
        mask = mask | np.array([value is None for value in data.ravel()], dtype=bool).reshape(data.shape)
        data = _map_texts(data, lambda value: "" if value is None else as_text(value))
    elif kind == "S":
        data = _map_texts(data, as_text)
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
    return replace_values(column, data, mask)


def _drop_single_axes(data: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors of length one as scalars; `TDIM='(1)'` and Parquet's lists are often such."""
    if data.ndim > 1 and math.prod(data.shape[1:]) == 1:
        return data.reshape(len(data)), mask.reshape(len(data)) if mask.shape == data.shape else mask
    if data.dtype.kind == "O" and data.ndim == 1 and len(data) and mask.shape == data.shape:
        cells = [value for value, hidden in zip(data, mask, strict=True) if not hidden and value is not None]
        if cells and all(isinstance(value, np.ndarray) and value.size == 1 for value in cells):
            hidden = mask | np.array([value is None for value in data], dtype=bool)
            kind = np.result_type(*(value.dtype for value in cells))
            values = np.zeros(len(data), dtype=kind)
            values[~hidden] = [value.reshape(-1)[0] for value in cells]
            return values, hidden
    return data, mask


def replace_values(column: Column, data: np.ndarray, mask: np.ndarray) -> Column:
    """Return a column of other values with the same name, unit, description and notes."""
    about = {"name": column.name, "unit": column.unit, "description": column.description, "meta": column.meta}
    return MaskedColumn(data, mask=mask, **about) if mask.any() else Column(data, **about)


def get_values_and_mask(column: Column) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of a column in native byte order, and its mask, of the same shape."""
    data = np.ma.getdata(column, subok=False)
    if data.dtype.kind in "fiucmM":
        data = data.astype(data.dtype.newbyteorder("="), copy=False)
    return data, np.ma.getmaskarray(np.ma.asarray(column))


def find_masked_cells(mask: np.ndarray) -> np.ndarray:
    """Tell for each row whether its whole cell is masked, which may be an array."""
    return np.asarray(mask.reshape(len(mask), -1).all(axis=1)) if mask.size else np.zeros(len(mask), dtype=bool)


def map_texts(table: Table, change: Callable[[str], str]) -> Table:
    """Return a table in which a function was applied to each text and to each column name."""
    columns = []
    for column in table.columns.values():
        if column.dtype.kind == "U":
            data, mask = get_values_and_mask(column)
            changed = _map_texts(data, change)
            column = column if np.array_equal(changed, data) else replace_values(column, changed, mask)
        columns.append(column)
    return Table(columns, names=list(map(change, table.colnames)), meta=table.meta, copy=False)


def escape(text: str, odd: re.Pattern[str]) -> str:
    r"""Return a text in which the characters of a pattern are escaped as in Python: ``\x07``.

    Examples
    --------
    >>> escape("a" + chr(7), re.compile("[^ -~]"))
    'a\\x07'
    """
    return odd.sub(lambda match: match.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def escape_surrogates(text: str) -> str:
    """Return a text in which the bytes of a file name that are not UTF-8 are escaped; only CSV can store them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def as_text(value: Any) -> str:
    """Convert any object to text: bytes as UTF-8, dates to ISO 8601, lists and the like to JSON."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, np.ndarray | np.void):
        value = np.ma.asarray(value).tolist() if isinstance(value, np.ma.MaskedArray) else value.tolist()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=as_text, ensure_ascii=False)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _map_texts(data: np.ndarray, change: Callable[[Any], str]) -> np.ndarray:
    values = [change(value) for value in (data.flat if data.dtype.kind == "O" else data.ravel().tolist())]
    return make_text_array(values).reshape(data.shape)


def _simplify(column: Any) -> Any:
    """Convert times and masked quantities to columns, which `represent_mixins_as_columns` would take apart."""
    if isinstance(column, Time):
        return _convert_times(column)
    if isinstance(column, Masked) and hasattr(column, "unit"):
        return MaskedColumn(
            column.unmasked.value, mask=column.mask, unit=column.unit, description=column.info.description
        )
    return column


def _convert_times(times: Time) -> Column:
    """Convert times to numbers if their format has numbers, else to ISO 8601 with nanoseconds."""
    mask = np.broadcast_to(np.asarray(times.mask), times.shape)
    about = {"name": times.info.name, "description": times.info.description or f"time, scale {times.scale}"}
    values = times.unmasked
    if values.format in _NUMERIC_TIMES:
        unit = "d" if values.format in ("mjd", "jd") else None
        return MaskedColumn(np.asarray(values.value, dtype=float), mask=mask, unit=unit, **about)
    if values.format not in ("iso", "isot", "fits", "yday", "jyear_str", "byear_str"):
        values = Time(values, format="isot")
    values = values.replicate()
    values.precision = 9
    return MaskedColumn(np.asarray(values.value, dtype=str), mask=mask, **about)
