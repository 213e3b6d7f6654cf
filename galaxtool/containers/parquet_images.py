"""Images in the cells of Parquet files, as Hugging Face publishes data sets; read by row groups, never as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from galaxtool.containers.pixel_arrays import make_cutout
from galaxtool.containers.protocols import Member
from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.tables.formats.parquet_pixels import PixelColumn, find_pixel_columns
from galaxtool.types import Cutout
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.files.local_path import to_local_path
from galaxtool.utils.files.regular_files import is_below

_BATCH = 32


class ParquetImages:
    """Parquet files with a column of images; used on request, because most Parquet files are plain tables.

    The key of an image is its column and its row, counted from 0: ``image/12``.
    """

    def members(self, path: Path) -> Iterator[Member]:
        """Yield the images of the first column that has any, named by their row.

        Raises
        ------
        UnreadableImage
            If the file is damaged or has no such column.
        """
        file, columns = _open(path)
        with file:
            name, rows = columns[0].name, file.metadata.num_rows
        for row in range(rows):
            yield Member(key=f"{name}/{row}", name=str(row))

    def open(self, path: Path) -> OpenParquet:
        """Open a file."""
        return OpenParquet(path)


class OpenParquet:
    """A Parquet file open for reading; images are fastest in the order of the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file, columns = _open(path)
        self._columns = {column.name: column for column in columns}
        sizes = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._column = ""
        self._batch: pa.RecordBatch | None = None
        self._first = self._group_end = 0  # row of the batch, and end of its row group
        self._lost: dict[tuple[str, int], tuple[int, str]] = {}  # first lost row of a row group, and why

    def read(self, key: str, options: ReadOptions) -> ImageFile | Cutout:
        """Return the image of a cell.

        Raises
        ------
        UnreadableImage
            If the cell does not exist, is empty, or the file is damaged.
        """
        name = f"{self.path}[{key}]"
        column, row = self._parse(key)
        try:
            cell = self._cell(column, row)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableImage(f"'{name}' cannot be read: {describe_error(error)}.") from error
        if column.bytes_field and cell is not None:
            beside = cell.get(column.path_field) if column.path_field else None
            cell = cell[column.bytes_field]
            if not cell and beside and (file := self.path.parent / beside).is_file():
                if not is_below(file, self.path.parent):
                    raise UnreadableImage(f"'{name}' names '{beside}', which is outside the folder of the table.")
                return ImageFile.on_disk(file)
        if cell is None or len(cell) == 0:
            raise UnreadableImage(f"There is no image in '{name}': the cell is empty.")
        if column.is_array:
            return make_cutout(_to_array(cell, name), name, options)
        return ImageFile(name, content=cell)

    def close(self) -> None:
        """Close the file."""
        self._batch, self._batches = None, iter(())
        self._file.close()

    def _parse(self, key: str) -> tuple[PixelColumn, int]:
        """Return the column and the row of a key; without a column, the first."""
        name, _, number = key.rpartition("/")
        column = self._columns.get(name) if name else next(iter(self._columns.values()))
        row = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else -1
        if column is None or not 0 <= row < self._starts[-1]:
            raise UnreadableImage(f"There is no image '{key}' in '{self.path}', which has {self._starts[-1]} rows.")
        return column, row

    def _cell(self, column: PixelColumn, row: int) -> Any:
        """Return a cell; the batches of a row group are read one after the other, up to the one with the row."""
        group = int(np.searchsorted(self._starts, row, side="right")) - 1
        lost, why = self._lost.get((column.name, group), (row + 1, ""))
        if row >= lost:
            raise OSError(why)
        is_ahead = column.name == self._column and self._first <= row < self._group_end
        if not is_ahead:
            self._batches = self._file.iter_batches(batch_size=_BATCH, row_groups=[group], columns=[column.name])
            self._column, self._batch = column.name, None
            self._first, self._group_end = int(self._starts[group]), int(self._starts[group + 1])
        while self._batch is None or row >= self._first + len(self._batch):
            self._first += len(self._batch) if self._batch is not None else 0
            try:
                self._batch = next(self._batches)
            except (pa.ArrowException, OSError, StopIteration) as error:
                why = "the file has fewer rows" if isinstance(error, StopIteration) else describe_error(error)
                self._lost[column.name, group] = self._first, why
                self._batch, self._group_end = None, 0  # the batch at hand is that of earlier rows
                raise OSError(why) from error
        return self._batch.column(0)[row - self._first].as_py()


def list_image_columns(path: Path) -> list[PixelColumn]:
    """Return the columns of images in a Parquet file, the most likely one first; none if it cannot be read."""
    try:
        file, columns = _open(path)
    except UnreadableImage:
        return []
    file.close()
    return [column for column in columns if not column.is_empty]


def _open(path: Path) -> tuple[pq.ParquetFile, list[PixelColumn]]:
    """Open a file, and return its columns of images."""
    try:
        file = pq.ParquetFile(to_local_path(path))
        columns = find_pixel_columns(file)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableImage(f"'{path}' is not a Parquet file, or is damaged ({describe_error(error)}).") from error
    if not columns:
        file.close()
        raise UnreadableImage(f"'{path}' has no column of images.")
    return file, columns


def _to_array(cell: Any, name: str) -> np.ndarray:
    """Return nested lists as an array."""
    try:
        array = np.array(cell, dtype=None)
    except ValueError as error:
        raise UnreadableImage(f"'{name}' is not an image: its rows differ in length.") from error
    return array
