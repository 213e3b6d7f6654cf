"""Parquet, by way of Arrow; a masked number is a null, a masked text is empty."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Column, MaskedColumn, Table

from galaxtool.tables.formats.plain import as_text, values_and_mask
from galaxtool.tables.formats.schema import TableSchema, own_type

_COMPLEX = {"complex": "real and imaginary part"}


def read_parquet(path: Path) -> Table:
    """Read a Parquet file; nulls are masked, and what is no number, truth value or array of fixed length is text."""
    # A file of its own, not a data set: names of folders such as split=train are no columns of it.
    arrow = pq.ParquetFile(path).read()
    table = Table()
    for field in arrow.schema:
        notes = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        data, mask = _values(arrow[field.name].combine_chunks())
        if "complex" in notes:
            pairs = data.astype(np.float32 if data.dtype == np.float32 else np.float64)
            data, mask = pairs.view(np.complex64 if pairs.dtype == np.float32 else np.complex128)[..., 0], mask[..., 0]
        column = MaskedColumn(data, mask=mask) if mask.any() else Column(data)
        column.unit = notes.get("unit")
        column.description = notes.get("description")
        table[field.name] = column
    kept = (arrow.schema.metadata or {}).get(b"galaxtool")
    table.meta = json.loads(kept) if kept else {}
    return table


def _values(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return an Arrow array as values and where they are null, of the same shape."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _values(array.dictionary_decode())
    null = np.asarray(array.is_null())
    if pa.types.is_fixed_size_list(kind):
        size, start = kind.list_size, array.offset * kind.list_size
        # of a null list, too, the items are there
        data, mask = _values(array.values.slice(start, len(array) * size))
        data, mask = (part.reshape(len(array), size, *part.shape[1:]) for part in (data, mask))
        return data, mask | null.reshape(-1, *[1] * (mask.ndim - 1))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        filled = array.fill_null(False if pa.types.is_boolean(kind) else 0) if null.any() else array
        return filled.to_numpy(zero_copy_only=False), null
    texts = ["" if value is None else as_text(value) for value in array.to_pylist()]
    return np.array(texts, dtype=str if texts else "U1"), null


def write_parquet(stream: BinaryIO, layout: TableSchema, meta: dict[str, Any]) -> None:
    """Write a Parquet file with a row group for each block.

    Units and descriptions are metadata of the fields, `meta` is JSON under ``galaxtool``. An array in a cell is a list
    of fixed size, a complex number one of two.
    """
    fields = []
    for column in layout.empty(own_type).columns.values():
        notes = {"unit": column.unit.to_string() if column.unit else "", "description": column.description or ""}
        notes |= _COMPLEX if column.dtype.kind == "c" else {}
        metadata = {key: value for key, value in notes.items() if value}
        fields.append(pa.field(column.name, _array(column).type, metadata=metadata))
    about = {"galaxtool": json.dumps(meta, default=str)} if meta else {}
    # astropy's reader warns where it must find out the length of texts by itself
    about |= {f"table::len::{f.name}": str(max(f.width, 1)) for f in layout.columns if f.dtype.kind == "U"}
    schema = pa.schema(fields, metadata=about or None)
    with pq.ParquetWriter(stream, schema) as writer:
        for block in layout.blocks(own_type):
            arrays = [_array(column) for column in block.columns.values()]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=len(block))


def _array(column: Column) -> pa.Array:
    """Return one column as an Arrow array."""
    data, mask = values_and_mask(column)
    if data.dtype.kind == "c":
        mask = np.stack([mask, mask], axis=-1)
        data = np.stack([data.real, data.imag], axis=-1)
    return _nested(data, mask)


def _nested(data: np.ndarray, mask: np.ndarray) -> pa.Array:
    if data.ndim > 1:
        inner = _nested(data.reshape(-1, *data.shape[2:]), mask.reshape(-1, *mask.shape[2:]))
        return pa.FixedSizeListArray.from_arrays(inner, data.shape[1])
    if data.dtype.kind == "U":
        # an empty text stands for no value: astropy's own reader fails on nulls among texts
        return pa.array(data.tolist(), type=pa.string())
    return pa.array(data, mask=mask)
