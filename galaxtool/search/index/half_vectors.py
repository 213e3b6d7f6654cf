"""The vectors of an index in half precision (``vectors.npy``), for exact comparisons and for learning from them.

Half precision changes a cosine by about 1e-4. The file is mapped into memory, so that opening it costs nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from galaxtool.errors import InputError
from galaxtool.utils.error_text import describe_error

NAME = "vectors.npy"
_REBUILD = "Build the index again with `galaxtool index`."
_BLOCK = 65_536


class HalfVectorWriter:
    """Appends vectors to a file whose number of rows is known beforehand."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, vectors: np.ndarray) -> None:
        """Append float vectors (N, dim)."""
        # written, not mapped: a full disk is an error, where a mapped file ends the process by SIGBUS
        for start in range(0, len(vectors), _BLOCK):
            self._stream.write(np.ascontiguousarray(vectors[start : start + _BLOCK], dtype=np.float16).tobytes())


@contextlib.contextmanager
def open_half_writer(path: Path, count: int, dim: int) -> Iterator[HalfVectorWriter]:
    """Open a file for `count` vectors of length `dim`."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float16)), "fortran_order": False}
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {**header, "shape": (count, dim)})
        yield HalfVectorWriter(stream)


def open_half_vectors(path: Path, count: int, dim: int) -> np.ndarray | None:
    """Return the vectors of an index, float16 (count, dim), mapped; None if the file does not exist.

    Raises
    ------
    InputError
        If the file is damaged, or has another number of vectors.
    """
    if not path.exists():
        return None
    if not path.is_file():
        raise InputError(f"'{path}' is not a regular file.", hint=_REBUILD)
    try:
        vectors: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise InputError(f"'{path}' is damaged ({describe_error(error, 120)}).", hint=_REBUILD) from error
    if vectors.shape != (count, dim) or vectors.dtype != np.float16:
        raise InputError(
            f"'{path}' is damaged: it has {vectors.dtype} of shape {vectors.shape}, not float16 ({count}, {dim}).",
            hint=_REBUILD,
        )
    return vectors
