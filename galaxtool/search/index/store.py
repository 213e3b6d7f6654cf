"""An open index: vectors, the objects that they belong to, and the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.table import Table

from galaxtool.errors import InputError, UnknownName
from galaxtool.models.find import RECORD as MODEL_RECORD
from galaxtool.search.index.damage import make_damage_error
from galaxtool.search.index.faiss_check import read_faiss_file
from galaxtool.search.index.folder import ITEMS, MODEL, VECTORS
from galaxtool.search.index.half_vectors import NAME as HALF_VECTORS
from galaxtool.search.index.half_vectors import open_half_vectors
from galaxtool.search.index.items_file import ItemsFile
from galaxtool.search.index.objects import BANDS, IndexedObject, restore_object
from galaxtool.search.index.record import COPIED, RECORD, IndexRecord
from galaxtool.search.index.search import Searcher, make_searcher, read_unit_vectors
from galaxtool.tables.formats.arrow_arrays import to_floats
from galaxtool.tables.formats.parquet import to_astropy_column
from galaxtool.types import ImageRef
from galaxtool.utils.optional_imports import import_attribute

_LOOKUP = "galaxtool.search.index.lookup"
_MAX_MEMBERS = 100  # images in the file of a query
_MAX_SUGGESTIONS = 5000  # ids that are compared with an unknown one


class Index:
    """An open index.

    Parameters
    ----------
    folder : Path
        Folder of the index.
    record : IndexRecord
        Content of its ``index.json``.
    items : pyarrow.Table or ItemsFile
        The objects, with the columns ``id, path, ra, dec``, perhaps ``bands``, and those of the catalogue that they
        came from; row i belongs to vector i.
    faiss_index : faiss.Index
        The vectors, of unit length, searched by inner product.
    half_vectors : ndarray of float16, shape (N, dim), optional
        The vectors as ``vectors.npy`` stores them; None in an index of an earlier version.
    """

    def __init__(
        self,
        folder: Path,
        record: IndexRecord,
        items: pa.Table | ItemsFile,
        faiss_index: Any,
        half_vectors: np.ndarray | None = None,
    ) -> None:
        self.folder = folder
        self.record = record
        self._items = items
        self.faiss_index = faiss_index
        self.half_vectors = half_vectors

    @classmethod
    def open(cls, folder: Path) -> Index:
        """Open an index directory; the vectors stay on the disk, mapped into memory.

        Raises
        ------
        InputError
            If the folder is not an index, or one of its files is missing or damaged.
        """
        if not folder.is_dir():
            raise InputError(
                f"There is no index at '{folder}'.", hint=f"Build one with: galaxtool index CUTOUTS -o {folder}"
            )
        _check_files(folder, (RECORD, VECTORS, ITEMS))
        record = IndexRecord.read(folder / RECORD)
        if record.model_at == COPIED:
            _check_files(folder, (f"{MODEL}/{MODEL_RECORD}",))
        items = ItemsFile(folder / ITEMS)
        faiss_index = read_faiss_file(folder / VECTORS)
        if not record.count == len(items) == faiss_index.ntotal or record.dim != faiss_index.d:
            raise InputError(
                f"The index '{folder}' is damaged: {RECORD} says {record.count} objects, {ITEMS} has {len(items)}, "
                f"{VECTORS} has {faiss_index.ntotal}.",
                hint="Build it again, or copy the whole directory again.",
            )
        half_vectors = open_half_vectors(folder / HALF_VECTORS, record.count, record.dim)
        return cls(folder, record, items, faiss_index, half_vectors)

    def __len__(self) -> int:
        return self.record.count

    def __getitem__(self, row: int) -> IndexedObject:
        return restore_object(self.take_items([row]).to_pylist()[0])

    @property
    def items(self) -> pa.Table:
        """All objects; they are read when they are first needed, which takes a second for a million."""
        return self._items.table if isinstance(self._items, ItemsFile) else self._items

    @property
    def column_names(self) -> list[str]:
        """Names of the columns of the objects, ours first."""
        names: list[str] = self._items.schema.names
        return names

    def take_items(self, rows: np.ndarray | Sequence[int]) -> pa.Table:
        """Return the objects of some rows, in this order, without reading all."""
        return self._items.take(rows)

    def row_of(self, name: str) -> int:
        """Return the row of the object with an identifier.

        Raises
        ------
        UnknownName
            If there is none; the message suggests the nearest of the first few thousand identifiers.
        """
        row: int = import_attribute(f"{_LOOKUP}:find_row")(self._column("id"), name)
        if row < 0:
            raise UnknownName("object in the index", name, self._column("id").slice(0, _MAX_SUGGESTIONS).to_pylist())
        return row

    def find_image(self, path: Path) -> list[ImageRef]:
        """Return the images that are stored in a file: its members or HDUs, or the bands that it is one of."""
        absolute = os.path.abspath(path)  # noqa: PTH100  Path.resolve would follow links
        bands = self._column(BANDS) if BANDS in self.column_names else None
        find: Callable[..., list[int]] = import_attribute(f"{_LOOKUP}:find_members")
        rows = find(self._column("path"), bands, absolute, _MAX_MEMBERS)
        return [self[row].ref for row in rows]

    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Return right ascensions and declinations in degrees, float64 (N,), NaN where unknown."""
        return to_floats(self._column("ra")), to_floats(self._column("dec"))

    def _column(self, name: str) -> pa.ChunkedArray:
        return self._items.column(name)

    def to_table(self, names: Sequence[str] | None = None) -> Table:
        """Return columns of the objects as a table, by default all.

        Positions are NaN where they are unknown; other missing values are masked.
        """
        table = Table()
        for name in self.items.column_names if names is None else names:
            column = self.items[name]
            known = name in ("ra", "dec")
            table[name] = to_floats(column) if known else to_astropy_column(self.items.schema.field(name), column)
        return table

    def vectors(self, rows: np.ndarray | Sequence[int]) -> np.ndarray:
        """Return the unit vectors of some objects.

        They are exact where the index stores them as they are (``flat``), else rounded to half precision, which changes
        a cosine by about 1e-4; in an index of an earlier version, they are rounded as its kind rounds them.

        Parameters
        ----------
        rows : sequence of int, shape (n,)
            Rows of the objects.

        Returns
        -------
        ndarray of float32, shape (n, dim)
        """
        try:
            return read_unit_vectors(self.faiss_index, self.half_vectors, np.asarray(rows, dtype=np.int64))
        except RuntimeError as error:  # of FAISS
            raise make_damage_error(self.folder / VECTORS, error) from error

    def vector(self, row: int) -> np.ndarray:
        """Return the unit vector of an object, float32 (dim,); see `vectors`."""
        vector: np.ndarray = self.vectors([row])[0]
        return vector

    def all_vectors(self) -> np.ndarray:
        """Return the unit vectors of all objects, float32 (N, dim); see `vectors`."""
        return self.vectors(np.arange(len(self)))

    def search(self, vectors: np.ndarray, k: int, keep: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest objects.

        Parameters
        ----------
        vectors : ndarray of float32, shape (Q, dim)
            Queries of unit length.
        k : int
            Number of objects for each query; all of them if there are fewer.
        keep : ndarray of bool, shape (N,), optional
            Objects to search; by default all. The filter is applied inside the search.

        Returns
        -------
        similarities : ndarray of float32, shape (Q, n)
            Cosines, the largest first, as exact as the index stores its vectors; never outside [-1, 1]. n is `k`, or
            the number of objects to search if that is less.
        rows : ndarray of int64, same shape
            Rows of the objects.
        """
        try:
            similarities, rows = self._searcher.search(vectors, k, keep)
        except RuntimeError as error:  # of FAISS
            raise make_damage_error(self.folder / VECTORS, error) from error
        if rows.size and (rows.min() < 0 or rows.max() >= len(self) or not np.isfinite(similarities).all()):
            raise make_damage_error(self.folder / VECTORS, ValueError("it finds objects that do not exist"))
        return np.clip(similarities, -1.0, 1.0), rows

    @cached_property
    def _searcher(self) -> Searcher:
        return make_searcher(self.faiss_index, self.half_vectors, refine=self.record.settings.get("refine", 1))


def _check_files(folder: Path, names: Sequence[str]) -> None:
    """Raise `InputError` if a folder lacks one of the files of an index."""
    missing = [name for name in names if not os.path.lexists(folder / name)]
    if len(missing) == len(names) and RECORD in missing:
        raise InputError(f"'{folder}' is not an index: it has no {RECORD}.", hint="Build one with `galaxtool index`.")
    if missing:
        raise InputError(
            f"The index '{folder}' is incomplete: {missing[0]} is missing.",
            hint="Copy the whole directory again, or build it again with `galaxtool index`.",
        )
    for name in names:
        if not (folder / name).is_file():
            raise make_damage_error(folder / name, ValueError("it is not a regular file"))
