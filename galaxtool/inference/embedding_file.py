"""Embeddings in files: Parquet, or a NumPy array with its identifiers beside it; written as they come."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from galaxtool.errors import ConfigError
from galaxtool.utils.atomic_write import atomic_write, write_json

COLUMNS = ("id", "path", "ra", "dec", "error")
_ROW_GROUP = 4096


@dataclass(frozen=True, slots=True)
class Embedded:
    """What is known of one input beside its vector.

    Parameters
    ----------
    id, path : str
    ra, dec : float or None
        Degrees, ICRS.
    error : str
        Why there is no vector; empty where there is one.
    """

    id: str
    path: str
    ra: float | None
    dec: float | None
    error: str = ""


class EmbeddingWriter(Protocol):
    """Takes embeddings in order."""

    def write(self, rows: Sequence[Embedded], vectors: np.ndarray) -> None:
        """Append rows and their vectors, float32 (N, dim), NaN where there is none."""


@contextlib.contextmanager
def writing_embeddings(path: Path, *, count: int, dim: int, meta: dict[str, Any]) -> Iterator[EmbeddingWriter]:
    """Give a writer, and put its files in place only when the block ends well.

    Parameters
    ----------
    path : Path
        ``.parquet``: columns id, path, ra, dec, embedding (fixed-size list of float32), error; `meta` is JSON under
        ``galaxtool`` in the file's metadata. ``.npy``: a float32 array of shape (count, dim), with
        ``<stem>.ids.csv`` (id, path, ra, dec, error, a line for each row) and ``<stem>.meta.json`` (`meta`) beside it.
    count : int
        Number of rows that will be written.
    dim : int
        Length of an embedding.
    meta : dict
        What made them.

    Raises
    ------
    ConfigError
        If the suffix is neither.
    """
    check_embedding_path(path)
    with _parquet(path, dim, meta) if path.suffix.lower() == ".parquet" else _numpy(path, count, dim, meta) as writer:
        yield writer


def check_embedding_path(path: Path) -> None:
    """Raise `ConfigError` unless embeddings can be written under this name; to be called before long work begins."""
    if path.suffix.lower() not in (".parquet", ".npy"):
        raise ConfigError(f"'{path}' does not say how to write embeddings.", hint="End the name with .parquet or .npy.")


class _Parquet:
    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema) -> None:
        self.writer, self.schema = writer, schema
        self.rows: list[Embedded] = []
        self.vectors: list[np.ndarray] = []

    def write(self, rows: Sequence[Embedded], vectors: np.ndarray) -> None:
        self.rows.extend(rows)
        self.vectors.append(vectors)
        if len(self.rows) >= _ROW_GROUP:
            self.flush()

    def flush(self) -> None:
        if not self.rows:
            return
        flat = np.concatenate(self.vectors)
        columns: dict[str, Any] = {name: [_arrow(getattr(row, name)) for row in self.rows] for name in COLUMNS}
        columns["embedding"] = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), flat.shape[1])
        self.writer.write_table(pa.table(columns, schema=self.schema))
        self.rows, self.vectors = [], []


@contextlib.contextmanager
def _parquet(path: Path, dim: int, meta: dict[str, Any]) -> Iterator[EmbeddingWriter]:
    kinds = {"ra": pa.float64(), "dec": pa.float64(), "embedding": pa.list_(pa.float32(), dim)}
    fields = [(name, kinds.get(name, pa.string())) for name in ("id", "path", "ra", "dec", "embedding", "error")]
    schema = pa.schema(fields, metadata={"galaxtool": json.dumps(meta)})
    with atomic_write(path) as temporary, pq.ParquetWriter(temporary, schema) as file:
        writer = _Parquet(file, schema)
        yield writer
        writer.flush()


class _Numpy:
    def __init__(self, array: np.ndarray, lines: Any) -> None:
        self.array, self.lines, self.done = array, lines, 0

    def write(self, rows: Sequence[Embedded], vectors: np.ndarray) -> None:
        self.array[self.done : self.done + len(rows)] = vectors
        self.done += len(rows)
        self.lines.writerows([["" if (v := getattr(row, name)) is None else v for name in COLUMNS] for row in rows])


@contextlib.contextmanager
def _numpy(path: Path, count: int, dim: int, meta: dict[str, Any]) -> Iterator[EmbeddingWriter]:
    with atomic_write(path) as temporary, atomic_write(path.with_suffix(".ids.csv")) as ids:
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=(count, dim))
        with ids.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
            lines = csv.writer(stream, lineterminator="\n")
            lines.writerow(COLUMNS)
            yield _Numpy(array, lines)
        array.flush()
        del array
        write_json(path.with_suffix(".meta.json"), meta)


def _arrow(value: Any) -> Any:
    """Return a value as Parquet can hold it: bytes of a file's name that are no UTF-8 are escaped."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
