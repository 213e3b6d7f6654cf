"""Compressed tables that unpack to far more than any table: they are refused before they fill the memory."""

from __future__ import annotations

from pathlib import Path

from galaxtool.errors import TableError
from galaxtool.images.packing import BROKEN, find_packing, open_unpacked

_GZIP_RATIO = 1032  # the largest of deflate; those of the other ways to pack have no limit
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
    """Raise `TableError` if a packed file unpacks to more than 1 GB and to more than fifty times its size."""
    size = path.stat().st_size
    with path.open("rb") as raw:
        packing = find_packing(raw.read(8))
        raw.seek(0)
        if packing is None or packing.open is None:
            return
        limit, unpacked = max(_LARGE, _SUSPICIOUS_RATIO * size), 0
        try:
            if packing.name == "gzip" and size * _GZIP_RATIO < _LARGE:
                if find_packing(packing.open(raw).read(8)) is None:
                    return
                raw.seek(0)  # it is packed twice
            stream = open_unpacked(raw, packing)
            while piece := stream.read(_PIECE):
                unpacked += len(piece)
                if unpacked > limit:
                    raise TableError(
                        f"'{path}' has {size / 1e6:.3g} MB and unpacks to more than {limit >> 20} MB, which no table "
                        "of objects does.",
                        hint="If you trust it, unpack it first.",
                    )
        except BROKEN:
            return  # the reader says what is wrong
