"""Read a file of embeddings that ``galaxtool embed`` wrote, or one of the same columns."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from galaxtool.errors import InputError
from galaxtool.inference.embeddings.file import COLUMNS
from galaxtool.tables.formats.parquet_file import open_parquet
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.files.local_path import to_local_path
from galaxtool.utils.files.regular_files import read_regular_text

VECTOR = "embedding"
"""Column of the embeddings in a Parquet file."""

_KINDS = {name: pa.float64() if name in ("ra", "dec") else pa.string() for name in COLUMNS}


@dataclass(frozen=True, eq=False)
class StoredEmbeddings:
    """The content of a file of embeddings.

    Parameters
    ----------
    items : pyarrow.Table
        N rows with the columns id, path, ra, dec and error; positions in degrees, null where unknown.
    vectors : ndarray of float32, shape (N, dim)
        Embeddings, NaN where there is an error.
    meta : dict
        What the file says of itself: ``model``, ``model_digest`` and others; empty for a file of another program.
    """

    items: pa.Table
    vectors: np.ndarray
    meta: dict[str, Any]


def is_embedding_file(path: Path) -> bool:
    """Tell whether a file is one of embeddings, by its columns or by the files beside it."""
    if path.suffix.lower() == ".npy":
        return path.is_file() and path.with_suffix(".ids.csv").is_file()
    if path.suffix.lower() != ".parquet" or not path.is_file():
        return False
    try:
        schema = pq.read_schema(to_local_path(path))
    except (pa.ArrowException, OSError):
        return False
    return VECTOR in schema.names and _is_list(schema.field(VECTOR).type)


def read_embeddings(path: Path) -> StoredEmbeddings:
    """Read a file of embeddings.

    Parameters
    ----------
    path : Path
        ``.parquet`` with the columns id and embedding, and perhaps path, ra, dec and error; or ``.npy`` with its
        ``.ids.csv`` beside it.

    Raises
    ------
    InputError
        If the file is missing, damaged, empty or not one of embeddings.
    """
    if not path.is_file():
        raise InputError(f"There is no file '{path}'.", hint=f"Write it with: galaxtool embed CUTOUTS -o {path}")
    read = _read_numpy if path.suffix.lower() == ".npy" else _read_parquet
    try:
        stored = read(path)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        why = describe_error(error, 120)
        raise InputError(f"'{path}' cannot be read: {why}.", hint="Write it again with `galaxtool embed`.") from error
    if not len(stored.vectors):
        raise InputError(f"'{path}' contains no embeddings.", hint="Write it again with `galaxtool embed`.")
    return stored


def _read_parquet(path: Path) -> StoredEmbeddings:
    with open_parquet(path) as file:
        schema = file.schema_arrow
        if VECTOR not in schema.names or not _is_list(schema.field(VECTOR).type):
            raise InputError(
                f"'{path}' has no column '{VECTOR}' with lists of numbers.",
                hint="Give a file that `galaxtool embed` wrote.",
            )
        if "id" not in schema.names:
            raise InputError(f"'{path}' has no column 'id'.", hint="Give a file that `galaxtool embed` wrote.")
        present = [name for name in COLUMNS if name in schema.names]
        items = file.read(columns=present)
        vectors = _join(path, file.metadata.num_rows, file.iter_batches(batch_size=8192, columns=[VECTOR]))
    meta = json.loads((schema.metadata or {}).get(b"galaxtool", b"{}"))
    return StoredEmbeddings(_complete(items), vectors, meta)


def _join(path: Path, count: int, batches: Iterator[pa.RecordBatch]) -> np.ndarray:
    """Return the vectors of all batches in one array, of which there is never a second copy."""
    vectors = np.empty((0, 0), dtype=np.float32)
    start = 0
    for batch in batches:
        column = batch.column(0)
        lengths = set(column.value_lengths().drop_null().to_pylist())
        dim = vectors.shape[1] or next(iter(lengths), 0)
        if lengths - {dim}:
            raise InputError(
                f"The embeddings in '{path}' are not all of the same length.",
                hint="Write the file again with galaxtool embed, with one model for all images.",
            )
        if not len(vectors) and dim:
            vectors = np.full((count, dim), np.nan, dtype=np.float32)
        if start + len(batch) > count:
            raise _make_length_error(path, count)
        present = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        if len(present):
            values = column.flatten().to_numpy(zero_copy_only=False)
            vectors[start + present] = values.reshape(-1, dim)
        start += len(batch)
    if start != count:
        raise _make_length_error(path, count)
    return vectors


def _make_length_error(path: Path, count: int) -> InputError:
    return InputError(
        f"'{path}' is damaged: its embeddings are not {count}, as its metadata say.",
        hint="Copy the file again, or write it again with `galaxtool embed`.",
    )


def _read_numpy(path: Path) -> StoredEmbeddings:
    vectors = np.load(path, allow_pickle=False)
    if vectors.ndim != 2:
        raise InputError(
            f"'{path}' has {vectors.ndim} axes, and embeddings have two.", hint="Give the file of `embed`."
        )
    with path.with_suffix(".ids.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        rows = list(csv.DictReader(stream))
    if len(rows) != len(vectors):
        raise InputError(
            f"'{path}' has {len(vectors)} rows, and its .ids.csv has {len(rows)}.",
            hint="Copy both files again, or write them again with `galaxtool embed`.",
        )
    columns = {
        name: [_parse(name, row.get(name) or "") for row in rows] for name in COLUMNS if name in (rows or [{}])[0]
    }
    meta_file = path.with_suffix(".meta.json")
    meta = json.loads(read_regular_text(meta_file)) if meta_file.is_file() else {}
    return StoredEmbeddings(_complete(pa.table(columns)), np.asarray(vectors, dtype=np.float32), meta)


def _parse(name: str, text: str) -> str | float | None:
    if name in ("ra", "dec"):
        return float(text) if text else None
    return text.encode("utf-8", "backslashreplace").decode()


def _complete(items: pa.Table) -> pa.Table:
    """Return the items with all columns, null where the file has none, each of the type that it must have."""
    columns = {
        name: items[name].cast(kind) if name in items.column_names else pa.nulls(len(items), kind)
        for name, kind in _KINDS.items()
    }
    return pa.table(columns)


def _is_list(kind: pa.DataType) -> bool:
    is_list: bool = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return is_list and bool(pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))
