"""Make thumbnails of what the model saw, in colour, for HTML pages."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from galaxtool.containers.reading import read_ref
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.images.read_options import ReadOptions
from galaxtool.jobs.job import part_path
from galaxtool.jobs.part_file import load_images
from galaxtool.jobs.record import PredictionsRecord
from galaxtool.types import ImageRef, Progress
from galaxtool.vision.preprocess import Preprocess


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
        Takes numbers of rows; returns pictures, uint8 (size, size, 3), or None where an image cannot be read.

    Notes
    -----
    Relative paths start at the working folder, which must be that of the job.
    """
    preprocess, reading = Preprocess.from_dict(record.preprocess), record.reading_options
    options = preprocess.reading(ReadOptions(**{**reading, "bands": tuple(reading["bands"])}), position=False)

    @lru_cache(maxsize=1)
    def images_of(number: int) -> list[ImageRef]:
        return load_images(part_path(folder, number))[0]

    def make(row: int) -> np.ndarray | None:
        number, at = divmod(row, record.rows_per_part)
        return _make_thumbnail(images_of(number)[at], preprocess, options)

    return lambda rows: [make(row) for row in rows]


def check_images(folder: Path, record: PredictionsRecord, progress: Progress) -> None:
    """Check that one classified image of each part still exists, before images are shown or sorted.

    Raises
    ------
    InputError
        If none of them exists.
    """
    checked, missing = 0, []
    for number in range(record.parts):
        images, errors = load_images(part_path(folder, number))
        image = next((image for image, error in zip(images, errors, strict=True) if not error), None)
        if image is not None:
            checked += 1
            files = [path for _, path in image.bands] or [image.path]
            missing += [] if any(os.path.exists(path) for path in files) else [str(image)]  # noqa: PTH110
    if missing and len(missing) == checked:
        raise InputError(
            f"The images of the job in '{folder}' no longer exist: the first is '{missing[0]}'.",
            hint="Run this in the folder in which the jobs ran, or leave out --html and --sort-into.",
        )
    if missing:
        progress.say(
            f"{len(missing)} of {checked} images that were checked no longer exist; the first is "
            f"'{missing[0]}'. Missing images are not shown."
        )


def _make_thumbnail(ref: ImageRef, preprocess: Preprocess, options: ReadOptions) -> np.ndarray | None:
    try:
        return preprocess.display(read_ref(ref, options))
    except UnreadableImage:
        return None
