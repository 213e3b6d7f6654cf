"""Images on which an exported file is compared with its model: the run's own, the user's, or simulated ones.

A check needs images of the kind that the model knows. Of simulated optical galaxies, a model of radio sources says the
same with a probability of 1, whatever its file computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import InputError, UnreadableImage
from galaxtool.images.read_options import ReadOptions
from galaxtool.inputs.gather import gather
from galaxtool.inputs.read_item import read_item
from galaxtool.models.find import ModelFiles
from galaxtool.models.onnx.kept_images import MAX_IMAGES, load_kept
from galaxtool.models.onnx.precision import make_example_images
from galaxtool.models.record import ModelRecord


@dataclass(frozen=True, eq=False)
class CheckImages:
    """Images to compare a file with its model on.

    Parameters
    ----------
    images : ndarray of float32, shape (N, C, size, size)
        Input of the network.
    kind : str
        What they are, as the end of "on 64 ...".
    simulated : bool
        Whether they are simulated, because there were no others.
    """

    images: np.ndarray
    kind: str
    simulated: bool = False


def choose_check_images(files: ModelFiles, record: ModelRecord, inputs: Sequence[str | Path]) -> CheckImages:
    """Return the images of `inputs`, else those that the run of the model kept, else simulated ones.

    Raises
    ------
    InputError
        If none of the images of `inputs` can be read.
    """
    if inputs:
        return CheckImages(_read_inputs(inputs, record), "images given with --check-on")
    kept = load_kept(files, record)
    if kept is not None:
        return CheckImages(record.make_preprocess().normalize(kept), "validation images of its training")
    images = make_example_images(record.make_preprocess(), MAX_IMAGES, seed=0)
    return CheckImages(images, "simulated galaxies", simulated=True)


def _read_inputs(inputs: Sequence[str | Path], record: ModelRecord) -> np.ndarray:
    """Read and preprocess up to 64 images, evenly spread over the inputs, as the training read its own."""
    trained: dict[str, Any] = record.data.get("reading") or {}
    found = gather(inputs, bands=tuple(trained.get("bands", ())), pattern=trained.get("pattern"))
    options = ReadOptions(
        hdu=trained.get("hdu"),
        bands=tuple(trained.get("bands", ())),
        mask_hdu=trained.get("mask_hdu"),
        weight_hdu=trained.get("weight_hdu"),
        pixel_scale=trained.get("pixel_scale"),
    )
    preprocess, pictures, problem = record.make_preprocess(), [], ""
    n = len(found.items)
    for number in np.unique(np.linspace(0, n - 1, min(n, MAX_IMAGES)).round().astype(int)).tolist():
        try:
            pictures.append(preprocess.picture(read_item(found.items[number], options)))
        except UnreadableImage as error:
            problem = problem or error.message
    if not pictures:
        raise InputError(
            f"None of the images to check on can be read: {problem or 'there are none'}",
            hint="Give images like those the model was trained on.",
        )
    return preprocess.normalize(np.stack(pictures))
