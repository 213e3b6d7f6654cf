"""Make thumbnails of what the model saw, in colour, for HTML pages."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from galaxtool.containers.find import locate_image
from galaxtool.containers.reading import read_ref
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.images.read_options import ReadOptions
from galaxtool.inputs.items import InputItem
from galaxtool.jobs.job import part_path
from galaxtool.jobs.record import PredictionsRecord
from galaxtool.types import ImageRef, Progress
from galaxtool.vision.preprocess import Preprocess

_FILES = "FILES"


def make_thumbnails(folder: Path, record: PredictionsRecord) -> Callable[[Sequence[int]], list[np.ndarray | None]]:
    """Return a function that makes thumbnails of rows of a job, whose images its parts name.

    Parameters
    ----------
    folder : Path
        Folder of the job.
    record : PredictionsRecord
        Record of the job.

    Returns
    -------
    callable
        Takes numbers of rows; returns pictures, uint8 (size, size, 3), None where one cannot be read.

    Notes
    -----
    Relative paths start at the working folder, which must be that of the job.
    """
    preprocess, reading = Preprocess.from_dict(record.preprocess), record.reading_options
    options = preprocess.reading(ReadOptions(**{**reading, "bands": tuple(reading["bands"])}), position=False)

    @lru_cache(maxsize=1)
    def read(number: int) -> _Part:
        return _Part(part_path(folder, number))

    def thumbnail(row: int) -> np.ndarray | None:
        number, at = divmod(row, record.rows_per_part)
        return _thumbnail(read(number).ref(at), preprocess, options)

    return lambda rows: [thumbnail(row) for row in rows]


def part_files(items: Sequence[InputItem]) -> dict[str, Any]:
    """Return what the table of a part does not say of where its images are, for the part's header.

    Parameters
    ----------
    items : sequence of InputItem
        Of the part.

    Returns
    -------
    dict
        Empty where there is nothing to say; else by row a path that no table can hold, and the files of bands.
    """
    told = {
        str(row): [str(item.ref), [[band, str(path)] for band, path in item.ref.bands]]
        for row, item in enumerate(items)
        if item.ref.bands or not _is_text(str(item.ref))
    }
    return {_FILES: told} if told else {}


def check_images(folder: Path, record: PredictionsRecord, progress: Progress) -> None:
    """Look for one classified image of each part of a job, before they are shown or sorted.

    Raises
    ------
    InputError
        If none of them is there.
    """
    looked, missing = 0, []
    for number in range(record.parts):
        here = _Part(part_path(folder, number))
        at = next((row for row, error in enumerate(here.errors) if not error), None)
        if at is not None:
            ref = here.ref(at)
            looked += 1
            files = [path for _, path in ref.bands] or [ref.path]
            missing += [] if any(os.path.exists(path) for path in files) else [str(ref)]  # noqa: PTH110
    if missing and len(missing) == looked:
        raise InputError(
            f"The images of the job in '{folder}' are not there any more: the first is '{missing[0]}'.",
            hint="Run this in the folder that the jobs ran in, or leave --html and --sort-into out.",
        )
    if missing:
        progress.say(
            f"{len(missing)} of {looked} images that were looked for are not there any more; the first is "
            f"'{missing[0]}'. What is missing is not shown."
        )


class _Part:
    """What a part says of its images."""

    def __init__(self, path: Path) -> None:
        file = pq.ParquetFile(path)
        header = (file.schema_arrow.metadata or {}).get(b"galaxtool", b"{}")
        self._files: dict[str, Any] = json.loads(header).get(_FILES, {})
        columns = file.read(["path", "error"])
        self._places, self.errors = columns["path"].to_pylist(), columns["error"].to_pylist()

    def ref(self, row: int) -> ImageRef:
        place, files = self._files.get(str(row), (self._places[row] or "", []))
        bands = tuple((str(band), Path(path)) for band, path in files)
        return ImageRef(bands[0][1], bands=bands) if bands else locate_image(place)


def _is_text(place: str) -> bool:
    try:
        place.encode()
    except UnicodeEncodeError:
        return False
    return True


def _thumbnail(ref: ImageRef, preprocess: Preprocess, options: ReadOptions) -> np.ndarray | None:
    try:
        return preprocess.display(read_ref(ref, options))
    except UnreadableImage:
        return None
