"""Parquet, by way of Arrow; a masked number is a null, a masked text is empty."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Column, MaskedColumn, Table


def read_parquet(path: Path) -> Table:
    """Read a Parquet file; nulls are masked, and what is no number, truth value or array of fixed length is text."""
    # A file of its own, not a data set: names of folders such as split=train are no columns of it.
    arrow = pq.ParquetFile(path).read()
    table = Table()
    for field in arrow.schema:
        column = _column(arrow[field.name].combine_chunks())
        notes = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        column.unit = notes.get("unit")
        column.description = notes.get("description")
        table[field.name] = column
    kept = (arrow.schema.metadata or {}).get(b"galaxtool")
    table.meta = json.loads(kept) if kept else {}
    return table


def _column(array: pa.Array) -> Column:
    """Return one Arrow array as a column."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _column(array.dictionary_decode())
    mask = np.asarray(array.is_null())
    if pa.types.is_fixed_size_list(kind) and not mask.any():
        inner = _column(array.flatten())
        return Column(np.asarray(inner).reshape(len(array), kind.list_size))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        filled = array.fill_null(False if pa.types.is_boolean(kind) else 0) if mask.any() else array
        data = filled.to_numpy(zero_copy_only=False)
    else:
        data = np.array(["" if value is None else _text(value) for value in array.to_pylist()], dtype=str)
    return MaskedColumn(data, mask=mask) if mask.any() else Column(data)


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def write_parquet(table: Table, path: Path, meta: dict[str, Any]) -> None:
    """Write a Parquet file; units and descriptions are metadata of the fields, `meta` is JSON under ``galaxtool``."""
    arrays, fields = [], []
    for name in table.colnames:
        array = _array(table[name])
        unit = table[name].unit
        notes = {"unit": unit.to_string() if unit else "", "description": table[name].description or ""}
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata={key: value for key, value in notes.items() if value}))
    about = {"galaxtool": json.dumps(meta, default=str)} if meta else {}
    # astropy's reader warns where it must find out the length of texts by itself
    about |= {
        f"table::len::{n}": str(table[n].dtype.itemsize // 4) for n in table.colnames if table[n].dtype.kind == "U"
    }
    schema = pa.schema(fields, metadata=about or None)
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)


def _array(column: Column) -> pa.Array:
    """Return one column as an Arrow array."""
    data = np.ma.getdata(column, subok=False)
    data = data.astype(data.dtype.newbyteorder("="), copy=False)
    if data.ndim > 1:
        flat = data.reshape(len(data), -1)
        return pa.FixedSizeListArray.from_arrays(_array(Column(flat.ravel())), flat.shape[1])
    mask = np.ma.getmaskarray(np.ma.asarray(column))
    if data.dtype.kind == "U":
        # an empty text stands for no value: astropy's own reader fails on nulls among texts
        return pa.array(np.where(mask, "", data).tolist(), type=pa.string())
    return pa.array(data, mask=mask)
