"""Pictures of images as a model sees them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from galaxtool.errors import GalaxtoolError, InputError, UnreadableImage
from galaxtool.images.read_options import PLAIN
from galaxtool.models.find import find_model
from galaxtool.plotting.images import PlotImages
from galaxtool.search.source import read_record
from galaxtool.types import Progress
from galaxtool.utils.counts import format_count
from galaxtool.vision.preprocess import Preprocess

DEFAULT_MODEL = "mini"


def find_preprocess(model: str | None) -> Preprocess:
    """Return the preprocessing of a model, or of the bundled one if the model does not exist here."""
    if model is not None:
        with suppress(GalaxtoolError):
            return read_record(find_model(model)).make_preprocess()
    return read_record(find_model(DEFAULT_MODEL)).make_preprocess()


def make_pictures(
    images: PlotImages, rows: Sequence[int], size: int, preprocess: Preprocess, log: Progress
) -> list[np.ndarray | None]:
    """Return pictures of images as a model sees them, but with more pixels.

    Parameters
    ----------
    images : PlotImages
        The images.
    rows : sequence of int
        Numbers of the images to show.
    size : int
        Side of the pictures in pixels.
    preprocess : Preprocess
        Preprocessing of the model.
    log : Progress
        Receives progress, and the number of images that cannot be read.

    Returns
    -------
    list of ndarray or None
        uint8 (size, size, 3), row 0 on top; None where an image cannot be read.

    Raises
    ------
    InputError
        If none of them can be read.
    """
    larger = replace(preprocess, size=size)
    options = larger.reading(PLAIN, position=False)
    pictures: list[np.ndarray | None] = []
    errors: list[UnreadableImage] = []
    log.start("Reading images", len(rows))
    for row in rows:
        try:
            pictures.append(larger.display(images.read(int(row), options)))
        except UnreadableImage as error:
            errors.append(error)
            pictures.append(None)
        log.advance()
    if errors and len(errors) == len(rows):
        raise InputError(f"None of the {len(rows)} images can be read; the first: {errors[0].message}")
    if errors:
        log.say(f"{format_count(len(errors), 'image')} of {len(rows)} cannot be read; the first: {errors[0].message}")
    return pictures
