"""Columns of Parquet files whose cells are images: files in bytes, as Hugging Face has them, or arrays of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from galaxtool.plugins.registry import get_registry

_NAMES = ("image", "images", "img", "picture", "pixel_values", "pixels", "cutout", "stamp", "vignet", "data")
_FIRST_ROWS = 16
_SHORTEST_SIDE = 8


@dataclass(frozen=True, slots=True)
class PixelColumn:
    """A column with an image in each cell.

    Parameters
    ----------
    name : str
        Name of the column.
    bytes_field : str
        Name of the field with the bytes of a file, in a column of structs; empty for other columns.
    path_field : str
        Name of the field with the name of that file; empty if there is none.
    is_array : bool
        Whether the cells are arrays of numbers instead of files.
    is_empty : bool
        Whether the first cells have no bytes, but only the path of a file that was not stored.
    """

    name: str
    bytes_field: str = ""
    path_field: str = ""
    is_array: bool = False
    is_empty: bool = False


def find_pixel_columns(file: pq.ParquetFile) -> list[PixelColumn]:
    """Return the columns with images, those with a usual name first.

    A column of bytes counts if its first value begins like an image, and one of nested lists if it is called so.
    """
    found = []
    for field in file.schema_arrow:
        column = _describe(field, file)
        if column is not None:
            found.append(column)
    return sorted(found, key=lambda column: _rank(column.name))


def _rank(name: str) -> int:
    lower = name.lower()
    return _NAMES.index(lower) if lower in _NAMES else len(_NAMES) - _is_called_image(name)


def _is_called_image(name: str) -> bool:
    lower = name.lower()
    return lower in _NAMES or any(word in lower for word in ("image", "img", "cutout", "stamp", "vignet", "pixels"))


def _describe(field: pa.Field, file: pq.ParquetFile) -> PixelColumn | None:
    kind = _storage(field.type)
    if pa.types.is_struct(kind):
        inner = {child.name: child.type for child in kind}
        if "bytes" in inner and _is_binary(inner["bytes"]):
            path = "path" if "path" in inner and _is_text(inner["path"]) else ""
            return PixelColumn(field.name, "bytes", path, is_empty=bool(path) and _has_only_paths(file, field.name))
        return None
    if _is_binary(kind):
        return PixelColumn(field.name) if _begins_like_image(file, field.name) else None
    is_nested = _is_list(kind) and _is_list(_storage(kind.value_type)) and _is_number(kind)
    is_array = is_nested and _is_called_image(field.name) and _is_large(file, field.name)
    return PixelColumn(field.name, is_array=True) if is_array else None


def _begins_like_image(file: pq.ParquetFile, name: str) -> bool:
    """Tell whether the first value of a column begins like a file that a reader knows."""
    magic = tuple(magic for spec in get_registry().readers.specs() for magic in spec.magic)
    value = _first_value(file, name)
    return isinstance(value, bytes) and value.startswith(magic)


def _has_only_paths(file: pq.ParquetFile, name: str) -> bool:
    """Tell whether none of the first values has bytes."""
    batch = next(file.iter_batches(batch_size=_FIRST_ROWS, columns=[name]), None)
    cells = [] if batch is None else batch.column(0).to_pylist()
    return any(cells) and not any(cell and cell["bytes"] for cell in cells)


def _is_large(file: pq.ParquetFile, name: str) -> bool:
    """Tell whether the first value of a column is an array with at least two sides of some length."""
    shape = []
    value = _first_value(file, name)
    while isinstance(value, list) and value:
        shape.append(len(value))
        value = value[0]
    return len(shape) in (2, 3) and sorted(shape)[-2] >= _SHORTEST_SIDE


def _first_value(file: pq.ParquetFile, name: str) -> Any:
    """Return the first value of a column that is not null, if it is among the first rows."""
    batch = next(file.iter_batches(batch_size=_FIRST_ROWS, columns=[name]), None)
    return None if batch is None else next((cell.as_py() for cell in batch.column(0) if cell.is_valid), None)


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    while _is_list(kind):
        kind = _storage(kind.value_type)
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
