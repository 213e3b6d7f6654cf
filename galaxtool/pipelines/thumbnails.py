"""What the model looked at, in colours, for pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import UnreadableImage
from galaxtool.pipelines.job import part

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.io.items import InputItem
    from galaxtool.io.options import ReadOptions
    from galaxtool.vision.preprocess import Preprocess

Thumbnails = Callable[[Sequence[int]], list["np.ndarray | None"]]
"""Takes numbers of rows; returns pictures, uint8 (size, size, 3), None where one cannot be read."""


def thumbnails_of(item: Callable[[int], InputItem], preprocess: Preprocess, reading: ReadOptions) -> Thumbnails:
    """Return what makes the pictures of rows.

    Parameters
    ----------
    item : callable
        Returns the image of a row.
    preprocess : Preprocess
    reading : ReadOptions
    """
    options = preprocess.reading(reading, position=False)
    return lambda rows: [_thumbnail(item(row), preprocess, options) for row in rows]


def thumbnails_of_parts(folder: Path, about: Mapping[str, Any]) -> Thumbnails:
    """Return what makes the pictures of the rows of a job, found by the paths in its parts.

    Parameters
    ----------
    folder : Path
        Of the job.
    about : mapping
        Its record.

    Notes
    -----
    Relative paths start at the working folder, which must be that of the job. Of an object with a file for each band,
    the first file is shown.
    """
    from galaxtool.io.options import ReadOptions
    from galaxtool.vision.preprocess import Preprocess

    reading = about["reading options"]
    options = ReadOptions(**{**reading, "bands": tuple(reading["bands"])})
    item = partial(_item_of_part, folder, int(about["rows a part"]))
    return thumbnails_of(item, Preprocess.from_dict(about["preprocess"]), options)


def _item_of_part(folder: Path, rows_a_part: int, row: int) -> InputItem:
    import pyarrow.parquet as pq

    from galaxtool.io.open_item import item_at

    number, at = divmod(row, rows_a_part)
    places = pq.ParquetFile(part(folder, number)).read(["path"])["path"]
    return item_at(str(places[at].as_py()))


def _thumbnail(item: InputItem, preprocess: Preprocess, options: ReadOptions) -> np.ndarray | None:
    from galaxtool.io.open_item import read_item

    try:
        return preprocess.display(read_item(item, options))
    except UnreadableImage:
        return None
