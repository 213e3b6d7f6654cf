"""Parquet tables, through Arrow; a masked number is null, a masked text is empty."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Column, MaskedColumn, Table

from galaxtool.tables.formats.arrow_arrays import get_nulls, get_numbers, make_numbers, make_texts
from galaxtool.tables.formats.column_notes import note_parquet_columns
from galaxtool.tables.formats.parquet_file import open_parquet
from galaxtool.tables.formats.parquet_pixels import find_pixel_columns
from galaxtool.tables.formats.parquet_texts import check_texts, find_text_columns
from galaxtool.tables.formats.plain_columns import as_text, escape_surrogates, get_values_and_mask, map_texts
from galaxtool.tables.formats.schema import TableSchema, own_type
from galaxtool.tables.text_arrays import make_text_array
from galaxtool.tables.unpacked_size import check_row_count
from galaxtool.utils.unit_texts import is_computable_unit

_COMPLEX = {"complex": "real and imaginary part"}


class ParquetFormat:
    """Parquet."""

    def read(self, path: Path) -> Table:
        """Read a file; nulls are masked, and all but numbers, truth values and arrays of fixed length becomes text.

        Columns of images are left out, or replaced by the names of their files.
        """
        # pq.read_table would add folders such as split=train as columns
        with open_parquet(path, read_dictionary=find_text_columns(path)) as file:
            rows = file.metadata.num_rows
            check_row_count(path, rows)
            pixels = {column.name: column for column in find_pixel_columns(file)}
            wanted = [name for name in file.schema_arrow.names if name not in pixels]
            wanted += [f"{column.name}.{column.path_field}" for column in pixels.values() if column.path_field]
            arrow = file.read(columns=wanted)
        check_texts(arrow, path)
        columns: dict[str, Column] = {}
        for field in arrow.schema:
            if field.name in pixels:
                names = _inner_names(arrow[field.name], pixels[field.name].path_field)
                if any(names):
                    columns[field.name] = Column(names)
                continue
            columns[field.name] = to_astropy_column(field, arrow[field.name])
        if not columns and pixels:
            columns[next(iter(pixels))] = Column(np.arange(rows))
        table = Table(columns)  # at once: adding a column to a Table looks through all of its columns
        note_parquet_columns(table, arrow.schema.metadata or {})
        if b"table_meta_yaml" in (arrow.schema.metadata or {}):
            _apply_masks_of_astropy(table)
        kept = (arrow.schema.metadata or {}).get(b"galaxtool")
        table.meta = json.loads(kept) if kept else {}
        return table

    def prepare(self, table: Table) -> Table:
        """Escape bytes of file names that are not UTF-8."""
        return map_texts(table, escape_surrogates)

    def write(self, stream: BinaryIO, schema: TableSchema, meta: dict[str, Any]) -> None:
        """Write a table with one row group per block.

        Units and descriptions are metadata of the fields, and `meta` is JSON under the key ``galaxtool``. An array in a
        cell is a list of fixed size, a complex number a list of two.
        """
        fields = []
        for column in schema.empty(own_type).columns.values():
            fields.append(to_arrow_field(column)[0])
        table_metadata = {"galaxtool": json.dumps(meta, default=str)} if meta else {}
        # without these, astropy's reader warns that it must measure the texts
        table_metadata |= {f"table::len::{f.name}": str(max(f.width, 1)) for f in schema.columns if f.dtype.kind == "U"}
        arrow_schema = pa.schema(fields, metadata=table_metadata or None)
        with pq.ParquetWriter(stream, arrow_schema) as writer:
            for block in schema.blocks(own_type):
                arrays = [_to_arrow(column) for column in block.columns.values()]
                writer.write_table(pa.Table.from_arrays(arrays, schema=arrow_schema), row_group_size=len(block))


def to_astropy_column(field: pa.Field, array: pa.ChunkedArray) -> Column:
    """Return an Arrow column as one of astropy, masked where it has nulls, with its unit and description."""
    notes = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    data, mask = _arrow_values(array.combine_chunks())
    if "complex" in notes:
        pairs = data.astype(np.float32 if data.dtype == np.float32 else np.float64)
        data = pairs.view(np.complex64 if pairs.dtype == np.float32 else np.complex128)[..., 0]
        mask = mask[..., 0]
    column = MaskedColumn(data, mask=mask) if mask.any() else Column(data)
    unit = notes.get("unit")
    column.unit = unit if is_computable_unit(unit or "") else None
    column.description = notes.get("description")
    return column


def to_arrow_field(column: Column) -> tuple[pa.Field, pa.Array]:
    """Return a plain column as an Arrow field, whose metadata has the unit and description, and its values."""
    notes = {"unit": column.unit.to_string() if column.unit else "", "description": column.description or ""}
    notes |= _COMPLEX if column.dtype.kind == "c" else {}
    metadata = {key: value for key, value in notes.items() if value}
    array = _to_arrow(column)
    return pa.field(column.name, array.type, metadata=metadata), array


def _apply_masks_of_astropy(table: Table) -> None:
    """Mask the columns whose mask astropy wrote as a column of its own, ``x.mask``, which is removed."""
    known = set(table.colnames)
    for name in [name for name in table.colnames if f"{name}.mask" in known]:
        mask = np.asarray(table[f"{name}.mask"])
        if mask.dtype == bool and mask.shape == table[name].shape:
            about = {"unit": table[name].unit, "description": table[name].description}
            table[name] = MaskedColumn(table[name], mask=mask | np.ma.getmaskarray(np.ma.asarray(table[name])), **about)
            table.remove_column(f"{name}.mask")


def _inner_names(column: pa.ChunkedArray, field: str) -> list[str]:
    """Return the names of the files in a column of structs, empty where there is none."""
    return [str(cell[field] or "") if cell else "" for cell in column.to_pylist()]


def _arrow_values(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of an Arrow array and its null mask, of the same shape."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _arrow_values(array.dictionary_decode())
    if pa.types.is_decimal(kind):
        array = _convert_decimals(array)
        kind = array.type
    elif (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _has_single_items(array):
        return _arrow_values(array.fill_null([None]).flatten())
    null = get_nulls(array)
    if pa.types.is_fixed_size_list(kind):
        size, start = kind.list_size, array.offset * kind.list_size
        # null lists have items, too
        data, mask = _arrow_values(array.values.slice(start, len(array) * size))
        data, mask = (part.reshape(len(array), size, *part.shape[1:]) for part in (data, mask))
        return data, mask | null.reshape(-1, *[1] * (mask.ndim - 1))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return get_numbers(array), null
    texts = ["" if value is None else as_text(value) for value in array.to_pylist()]
    return make_text_array(texts), null


def _convert_decimals(array: pa.Array) -> pa.Array:
    """Return decimal numbers as integers of 64 bits, floats, or texts where an integer needs more."""
    if array.type.scale > 0:
        return array.cast(pa.float64())
    try:
        return array.cast(pa.int64())
    except pa.ArrowInvalid:
        return array.cast(pa.string())


def _has_single_items(array: pa.Array) -> bool:
    """Tell whether every list that is not null has one item."""
    lengths = np.diff(get_numbers(array.offsets))[~get_nulls(array)]
    return len(lengths) > 0 and bool((lengths == 1).all())


def _to_arrow(column: Column) -> pa.Array:
    """Return one column as an Arrow array."""
    data, mask = get_values_and_mask(column)
    if data.dtype.kind == "c":
        mask = np.stack([mask, mask], axis=-1)
        data = np.stack([data.real, data.imag], axis=-1)
    return _to_nested_array(data, mask)


def _to_nested_array(data: np.ndarray, mask: np.ndarray) -> pa.Array:
    if data.ndim > 1:
        inner = _to_nested_array(data.reshape(-1, *data.shape[2:]), mask.reshape(-1, *mask.shape[2:]))
        return pa.FixedSizeListArray.from_arrays(inner, data.shape[1])
    if data.dtype.kind == "U":
        # an empty text, not null, stands for a missing one: astropy's reader fails on null texts
        return make_texts(np.where(mask, "", data).tolist())
    return make_numbers(data, mask)
