"""The embedded images of a job, read part by part for an index."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from galaxtool.inputs.gather import Inputs
from galaxtool.inputs.items import InputItem
from galaxtool.jobs.job import Job, list_part_paths
from galaxtool.jobs.part_file import count_parts
from galaxtool.jobs.record import EmbeddingsRecord
from galaxtool.search.index.objects import IndexedObject, make_items, name_columns
from galaxtool.tables.common_columns import loses_digits
from galaxtool.tables.formats.parquet_file import open_parquet
from galaxtool.types import FLAGS


class PartsSource:
    """The readable images of a job.

    Parameters
    ----------
    job : Job
        A job whose parts are all done.
    found : Inputs
        Its images, and the columns of their catalogues.
    rename : mapping, optional
        Identifier among the inputs -> identifier in the index, where these differ.

    Attributes
    ----------
    count : int
        Number of readable images.
    flags : dict of int
        Number of images with each flag.
    unreadable : list of dict
        ``id``, ``path`` and ``error`` of each unreadable image.
    """

    def __init__(self, job: Job[EmbeddingsRecord], found: Inputs, rename: dict[str, str] | None = None) -> None:
        self._paths = list_part_paths(job.folder, job.count)
        self._found, self._dim, self._rename = found, int(job.record.meta["dim"]), rename or {}
        self._with_bands = any(item.ref.bands for item in found.items)
        counts = count_parts(self._paths)
        self.count = counts.rows - counts.errors
        self.flags = counts.order_flags(FLAGS)
        self.unreadable = self._find_unreadable() if counts.errors else []

    @property
    def schema(self) -> pa.Schema:
        """Columns of the objects."""
        schema: pa.Schema = self._make_items([], slice(0, 0), np.zeros(0, bool)).schema
        return schema

    def has_large_integers(self, name: str) -> bool:
        """Tell whether a column of the objects has integers of which a float would lose digits."""
        columns = self._found.columns
        if columns is None:
            return False
        names = dict(zip(name_columns(columns), columns.colnames, strict=True))
        return name in names and loses_digits(np.ma.filled(columns[names[name]].data, 0))

    def read(self) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """Yield the vectors and the objects of each part."""
        start = 0
        for path in self._paths:
            part = open_parquet(path).read()
            rows, start = slice(start, start + len(part)), start + len(part)
            good = _find_readable(part)
            objects = [
                IndexedObject(self._rename.get(item.id, item.id), _find_place(item), ra, dec, _find_bands(item))
                for item, ra, dec, is_good in zip(
                    self._found.items[rows], part["ra"].to_pylist(), part["dec"].to_pylist(), good, strict=True
                )
                if is_good
            ]
            yield self._take_vectors(part, good), self._make_items(objects, rows, good)

    def read_vectors(self) -> Iterator[np.ndarray]:
        """Yield the vectors of each part."""
        for path in self._paths:
            part = open_parquet(path).read(columns=["embedding", "error"])
            yield self._take_vectors(part, _find_readable(part))

    def _take_vectors(self, part: pa.Table, good: np.ndarray) -> np.ndarray:
        values = part["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        vectors: np.ndarray = values.reshape(-1, self._dim)[good]
        return vectors

    def _make_items(self, objects: Sequence[IndexedObject], rows: slice, good: np.ndarray) -> pa.Table:
        columns = self._found.columns
        return make_items(objects, None if columns is None else columns[rows][good], with_bands=self._with_bands)

    def _find_unreadable(self) -> list[dict[str, str]]:
        unreadable, start = [], 0
        for path in self._paths:
            errors = open_parquet(path).read(columns=["error"])["error"].to_pylist()
            for row, error in enumerate(errors, start):
                if error:
                    item = self._found.items[row]
                    unreadable.append({"id": item.id, "path": _find_place(item), "error": error})
            start += len(errors)
        return unreadable


def _find_place(item: InputItem) -> str:
    return os.path.abspath(str(item.ref))  # noqa: PTH100  Path.resolve would follow links


def _find_bands(item: InputItem) -> dict[str, str]:
    return {band: os.path.abspath(file) for band, file in item.ref.bands}  # noqa: PTH100


def _find_readable(part: pa.Table) -> np.ndarray:
    return np.array([not error for error in part["error"].to_pylist()], dtype=bool)
