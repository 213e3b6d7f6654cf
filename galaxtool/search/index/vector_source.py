"""Where the vectors and the objects of a new index come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import pyarrow as pa

from galaxtool.search.index.store import Index
from galaxtool.tables.common_columns import loses_digits
from galaxtool.tables.formats.arrow_arrays import get_numbers

_BLOCK = 16_384


class VectorSource(Protocol):
    """Vectors and their objects in blocks, which can be read several times."""

    @property
    def count(self) -> int:
        """Number of vectors."""

    @property
    def schema(self) -> pa.Schema:
        """Columns of the objects."""

    def has_large_integers(self, name: str) -> bool:
        """Tell whether a column of the objects has integers of which a float would lose digits."""

    def read(self) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """Yield vectors of unit length, float32 (n, dim), and their objects."""

    def read_vectors(self) -> Iterator[np.ndarray]:
        """Yield only the vectors."""


class IndexSource:
    """An index, or some of its rows.

    Parameters
    ----------
    index : Index
        An open index.
    rows : ndarray of int, optional
        Its rows to take; by default all.
    items : pyarrow.Table, optional
        The objects of these rows; by default as the index has them.
    """

    def __init__(self, index: Index, rows: np.ndarray | None = None, items: pa.Table | None = None) -> None:
        self._index = index
        self._rows = np.arange(len(index)) if rows is None else rows
        self._items = items if items is not None else index.items if rows is None else index.items.take(rows)

    @property
    def count(self) -> int:
        """Number of vectors."""
        return len(self._rows)

    @property
    def schema(self) -> pa.Schema:
        """Columns of the objects."""
        schema: pa.Schema = self._items.schema
        return schema

    def has_large_integers(self, name: str) -> bool:
        """Tell whether a column of the objects has integers of which a float would lose digits."""
        return _has_large_integers(self._items, name)

    def read(self) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """Yield vectors and their objects."""
        for start, vectors in zip(range(0, self.count, _BLOCK), self.read_vectors(), strict=True):
            yield vectors, self._items.slice(start, _BLOCK)

    def read_vectors(self) -> Iterator[np.ndarray]:
        """Yield the vectors."""
        for start in range(0, self.count, _BLOCK):
            yield self._index.vectors(self._rows[start : start + _BLOCK])


class ArraySource:
    """Vectors in an array, which may be mapped from a file.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        Vectors of unit length.
    items : pyarrow.Table
        The object of each, see `galaxtool.search.index.objects.make_items`.
    """

    def __init__(self, vectors: np.ndarray, items: pa.Table) -> None:
        self._vectors, self._items = vectors, items
        self.count = len(vectors)
        self.schema = items.schema

    def has_large_integers(self, name: str) -> bool:
        """Tell whether a column of the objects has integers of which a float would lose digits."""
        return _has_large_integers(self._items, name)

    def read(self) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """Yield vectors and their objects."""
        for start, vectors in zip(range(0, self.count, _BLOCK), self.read_vectors(), strict=True):
            yield vectors, self._items.slice(start, _BLOCK)

    def read_vectors(self) -> Iterator[np.ndarray]:
        """Yield the vectors."""
        for start in range(0, self.count, _BLOCK):
            yield np.array(self._vectors[start : start + _BLOCK], dtype=np.float32)


def _has_large_integers(items: pa.Table, name: str) -> bool:
    if name not in items.column_names or not pa.types.is_integer(items.schema.field(name).type):
        return False
    return loses_digits(get_numbers(items[name].combine_chunks()))
