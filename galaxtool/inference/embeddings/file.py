"""Write embeddings to a Parquet file, or to a NumPy array with the identifiers in a CSV file beside it."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from galaxtool.errors import ConfigError
from galaxtool.utils.files.atomic_write import atomic_write, write_json
from galaxtool.utils.files.local_path import to_local_path

COLUMNS = ("id", "path", "ra", "dec", "error")
_ROW_GROUP = 4096


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """One row of a file of embeddings, without its embedding.

    Parameters
    ----------
    id, path : str
        Identifier and path of the image, with ``[member]`` for a member of a container.
    ra, dec : float or None
        Degrees, ICRS.
    error : str
        Why the embedding is missing; empty if it is not.
    """

    id: str
    path: str
    ra: float | None
    dec: float | None
    error: str = ""


class EmbeddingWriter(Protocol):
    """Writes embeddings in order."""

    def write(self, rows: Sequence[EmbeddedImage], vectors: np.ndarray) -> None:
        """Append rows and their embeddings, float32 (N, dim), NaN in rows with an error."""


@contextlib.contextmanager
def open_embedding_writer(path: Path, *, count: int, dim: int, meta: dict[str, Any]) -> Iterator[EmbeddingWriter]:
    """Open a writer in a context that moves the files into place only if it ends without an error.

    Parameters
    ----------
    path : Path
        Output. ``.parquet``: columns id, path, ra, dec, embedding (fixed-size list of float32), error; `meta` is JSON
        under ``galaxtool`` in the file's metadata. ``.npy``: a float32 array of shape (count, dim), with
        ``<stem>.ids.csv`` (id, path, ra, dec, error, one line per row) and ``<stem>.meta.json`` (`meta`) beside it.
    count : int
        Number of rows to be written.
    dim : int
        Length of an embedding.
    meta : dict
        Description of the embeddings.

    Raises
    ------
    ConfigError
        If the path has another suffix.
    """
    check_embedding_path(path)
    is_parquet = path.suffix.lower() == ".parquet"
    with _open_parquet(path, dim, meta) if is_parquet else _open_numpy(path, count, dim, meta) as writer:
        yield writer


def check_embedding_path(path: Path) -> None:
    """Raise `ConfigError` if embeddings cannot be written to a file of this name."""
    if path.suffix.lower() not in (".parquet", ".npy"):
        raise ConfigError(
            f"Embeddings cannot be written to '{path}'.", hint="Use a name that ends in .parquet or .npy."
        )


def list_embedding_files(path: Path) -> list[Path]:
    """Return the files that a writer of embeddings writes."""
    is_array = path.suffix.lower() == ".npy"
    return [path, path.with_suffix(".ids.csv"), path.with_suffix(".meta.json")] if is_array else [path]


class _ParquetWriter:
    """Writes embeddings in row groups of a Parquet file."""

    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema) -> None:
        self.writer, self.schema = writer, schema
        self.rows: list[EmbeddedImage] = []
        self.vectors: list[np.ndarray] = []

    def write(self, rows: Sequence[EmbeddedImage], vectors: np.ndarray) -> None:
        self.rows.extend(rows)
        self.vectors.append(vectors)
        if len(self.rows) >= _ROW_GROUP:
            self.flush()

    def flush(self) -> None:
        if not self.rows:
            return
        flat = np.concatenate(self.vectors)
        columns: dict[str, Any] = {name: [_escape(getattr(row, name)) for row in self.rows] for name in COLUMNS}
        columns["embedding"] = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), flat.shape[1])
        self.writer.write_table(pa.table(columns, schema=self.schema))
        self.rows, self.vectors = [], []


@contextlib.contextmanager
def _open_parquet(path: Path, dim: int, meta: dict[str, Any]) -> Iterator[EmbeddingWriter]:
    kinds = {"ra": pa.float64(), "dec": pa.float64(), "embedding": pa.list_(pa.float32(), dim)}
    fields = [(name, kinds.get(name, pa.string())) for name in ("id", "path", "ra", "dec", "embedding", "error")]
    schema = pa.schema(fields, metadata={"galaxtool": json.dumps(meta)})
    texts: Any = [name for name, kind in fields if kind == pa.string()]  # no two embeddings have numbers in common
    with (
        atomic_write(path) as temporary,
        pq.ParquetWriter(to_local_path(temporary), schema, use_dictionary=texts) as file,
    ):
        writer = _ParquetWriter(file, schema)
        yield writer
        writer.flush()


class _NumpyWriter:
    """Writes embeddings to a ``.npy`` file, and the rest of the rows to a CSV file."""

    def __init__(self, stream: BinaryIO, lines: Any) -> None:
        self.stream, self.lines = stream, lines

    def write(self, rows: Sequence[EmbeddedImage], vectors: np.ndarray) -> None:
        # written, not mapped: a full disk is an error, where a mapped file ends the process by SIGBUS
        self.stream.write(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())
        self.lines.writerows([["" if (v := getattr(row, name)) is None else v for name in COLUMNS] for row in rows])


@contextlib.contextmanager
def _open_numpy(path: Path, count: int, dim: int, meta: dict[str, Any]) -> Iterator[EmbeddingWriter]:
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False}
    with atomic_write(path) as temporary, atomic_write(path.with_suffix(".ids.csv")) as ids:
        with (
            temporary.open("wb") as array,
            ids.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream,
        ):
            np.lib.format.write_array_header_1_0(array, {**header, "shape": (count, dim)})
            lines = csv.writer(stream, lineterminator="\n")
            lines.writerow(COLUMNS)
            yield _NumpyWriter(array, lines)
        write_json(path.with_suffix(".meta.json"), meta)


def _escape(value: Any) -> Any:
    """Return a value that Parquet can store: bytes of a file name that are not UTF-8 are escaped."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
