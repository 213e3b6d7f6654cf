"""Compressed tables that unpack to far more than any table: they are refused before they fill the memory."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from galaxtool.errors import TableError

_MAGIC = b"\x1f\x8b"
_LARGEST_RATIO = 1032  # of deflate
_SUSPICIOUS_RATIO = 50  # tables of real objects reach about 10
_LARGE = 1 << 30
_PIECE = 1 << 20
_MANY_ROWS = 5_000_000
_MOST_ROWS_PER_BYTE = 20  # rows of different objects take at least a byte


def check_row_count(path: Path, rows: int) -> None:
    """Raise `TableError` if a file has millions of rows and hardly a byte for twenty of them."""
    size = path.stat().st_size
    if rows > max(_MANY_ROWS, _MOST_ROWS_PER_BYTE * size):
        raise TableError(
            f"'{path}' has {rows:,} rows in {size:,} bytes: they repeat each other, which no table of objects does.",
            hint="Write a row for each object.",
        )


def check_unpacked_size(path: Path) -> None:
    """Raise `TableError` if a gzip file unpacks to more than 1 GB and to more than fifty times its size."""
    size = path.stat().st_size
    if size * _LARGEST_RATIO < _LARGE:
        return
    with path.open("rb") as raw:
        if raw.read(2) != _MAGIC:
            return
        raw.seek(0)
        limit, unpacked = max(_LARGE, _SUSPICIOUS_RATIO * size), 0
        try:
            with gzip.GzipFile(fileobj=raw) as stream:
                while piece := stream.read(_PIECE):
                    unpacked += len(piece)
                    if unpacked > limit:
                        raise TableError(
                            f"'{path}' has {size >> 20} MB and unpacks to more than {limit >> 20} MB, which no table "
                            "of objects does.",
                            hint="If you trust it, unpack it first.",
                        )
        except (OSError, EOFError, zlib.error):
            return  # the reader says what is wrong
