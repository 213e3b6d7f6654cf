"""Long texts in Parquet tables, which a small file may repeat until no memory is left."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from galaxtool.errors import TableError
from galaxtool.tables.formats.arrow_arrays import get_text_lengths
from galaxtool.tables.formats.parquet_file import open_parquet

_LONG = 10_000
_MOST_BYTES = 1 << 30
_BYTES_PER_CHARACTER = 4


def find_text_columns(path: Path) -> list[str]:
    """Return the columns of text that are read as codes and distinct values, because they could be too large otherwise.

    Raises
    ------
    TableError
        If the file says itself that a column is larger than a table may be.
    """
    with open_parquet(path) as file:
        found, groups, rows = [], file.metadata.num_row_groups, file.metadata.num_rows
        texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
        if not texts or not groups:
            return []
        # Arrow ends the process where the metadata of a chunk are damaged, unless it prepares to read the chunk
        next(file.iter_batches(batch_size=1, columns=texts), None)
        for number in range(file.metadata.num_columns):
            if (name := file.schema.column(number).path) not in texts:
                continue
            chunks = [file.metadata.row_group(group).column(number) for group in range(groups)]
            size = sum(chunk.total_uncompressed_size for chunk in chunks)
            if size > max(_MOST_BYTES, _LONG * rows):
                raise _make_error(path, name, f"{size >> 20} MB of text in {rows} rows")
            if size * rows > _MOST_BYTES:
                found.append(name)
    return found


def check_texts(table: pa.Table, path: Path) -> None:
    """Raise `TableError` if a column of codes and distinct values needs too much memory as plain texts."""
    for field in table.schema:
        if pa.types.is_dictionary(field.type):
            texts = [chunk.dictionary for chunk in table[field.name].chunks if _is_text(chunk.dictionary.type)]
            longest = max((int(get_text_lengths(array).max(initial=0)) for array in texts), default=0)
            if longest > _LONG and longest * table.num_rows * _BYTES_PER_CHARACTER > _MOST_BYTES:
                raise _make_error(path, field.name, f"a text of {longest} bytes in a table of {table.num_rows} rows")


def _is_text(kind: pa.DataType) -> bool:
    return any(is_kind(kind) for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))


def _make_error(path: Path, column: str, what: str) -> TableError:
    return TableError(
        f"The column '{column}' of '{path}' has {what}, which needs too much memory.",
        hint="Leave this column out of the table.",
    )
