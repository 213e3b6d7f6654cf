"""Images on which an exported file is compared with its model: the run's own, the user's, or simulated ones.

A check needs images of the kind that the model knows. Of simulated optical galaxies, a model of radio sources says the
same with a probability of 1, whatever its file computes.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError, InputError, UnreadableImage
from galaxtool.images.read_options import AUTO, ReadOptions
from galaxtool.inputs.gather import gather
from galaxtool.inputs.read_item import read_item
from galaxtool.models.find import ModelFiles
from galaxtool.models.onnx.kept_images import (
    MAX_CALIBRATION,
    MAX_IMAGES,
    MAX_SCORED,
    KeptImages,
    choose_evenly,
    load_kept,
)
from galaxtool.models.onnx.precision import make_example_pictures
from galaxtool.models.record import ModelRecord
from galaxtool.tables.column_names import LABELS_FILE
from galaxtool.taxonomy.matching import match_label
from galaxtool.types import Cutout
from galaxtool.utils.files.regular_files import read_regular_text

_MIN_EACH = 8  # images to measure ranges on, and to check on


@dataclass(frozen=True, eq=False)
class CheckImages:
    """Images to compare a file with its model on.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (N, size, size, C)
        Images as `Preprocess.picture` returns them.
    kind : str
        What they are, as the end of "on 64 ...".
    targets : ndarray of int64, shape (N,), or None
        Class of each image, -1 where it has none; None if no image has one.
    calibration : ndarray of uint8, shape (M, size, size, C)
        Other images, on which ranges are measured; M is 0 if there are none.
    calibrated_on : str
        What these are.
    simulated : bool
        Whether they are simulated, because there were no others.
    cutouts : tuple of Cutout
        The images as they were read, if they were.
    """

    pictures: np.ndarray
    kind: str
    targets: np.ndarray | None = None
    calibration: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0, 0), dtype=np.uint8))
    calibrated_on: str = ""
    simulated: bool = False
    cutouts: tuple[Cutout, ...] = ()


def choose_check_images(
    files: ModelFiles, record: ModelRecord, inputs: Sequence[str | Path], *, calibrates: bool = False
) -> CheckImages:
    """Return the images of `inputs`, else those that the run of the model kept, else simulated ones.

    Parameters
    ----------
    files, record
        The model.
    inputs : sequence of str or Path
        Images of the user.
    calibrates : bool
        Whether ranges are measured, which needs real images that are not checked on, and more images to check on.

    Raises
    ------
    InputError
        If none of the images of `inputs` can be read.
    ConfigError
        If ranges are measured, and there are not enough real images.
    """
    most = MAX_SCORED if calibrates else MAX_IMAGES
    if inputs:
        chosen = _read_inputs(inputs, record, most + MAX_CALIBRATION if calibrates else most)
        return _divide(chosen, files.name) if calibrates else chosen
    kept = load_kept(files, record)
    if kept is not None:
        chosen = _take_kept(kept, most)
        return chosen if not calibrates or len(chosen.calibration) >= _MIN_EACH else _divide(chosen, files.name)
    if calibrates:
        raise ConfigError(
            f"int8 needs images to measure the ranges of values on, and the model '{files.name}' comes without any.",
            hint="Give some like those of its training, in a folder for each class if possible: --check-on cutouts/",
        )
    pictures = make_example_pictures(record.make_preprocess(), MAX_IMAGES, seed=0)
    return CheckImages(pictures, "simulated galaxies", simulated=True)


def _take_kept(kept: KeptImages, most: int) -> CheckImages:
    """Return images of a run, spread evenly over those that it kept."""
    rows = choose_evenly(np.zeros(len(kept.pictures), dtype=int) if kept.targets is None else kept.targets, most)
    has_classes = kept.targets is not None and bool((kept.targets[rows] >= 0).any())
    return CheckImages(
        kept.pictures[rows],
        "validation images of its training",
        targets=kept.targets[rows] if kept.targets is not None and has_classes else None,
        calibration=kept.training,
        calibrated_on="training images",
    )


def _divide(chosen: CheckImages, model: str) -> CheckImages:
    """Measure ranges on some of the images and check on the others: on at most a half, and at most 128."""
    n = len(chosen.pictures)
    if n < 2 * _MIN_EACH:
        raise ConfigError(
            f"int8 needs at least {2 * _MIN_EACH} images, half of them to measure the ranges of values on; for the "
            f"model '{model}' there are {n}.",
            hint="Give more with --check-on.",
        )
    first = np.zeros(n, dtype=bool)
    first[:: max(2, -(-n // MAX_CALIBRATION))] = True
    return CheckImages(
        chosen.pictures[~first],
        chosen.kind,
        targets=None if chosen.targets is None else chosen.targets[~first],
        calibration=chosen.pictures[first],
        calibrated_on=f"other {chosen.kind}",
    )


def _read_inputs(inputs: Sequence[str | Path], record: ModelRecord, most: int) -> CheckImages:
    """Read and preprocess images, evenly spread over the inputs, as the training read its own."""
    trained: dict[str, Any] = record.data.get("reading") or {}
    found = gather(inputs, bands=tuple(trained.get("bands", ())), pattern=trained.get("pattern"))
    options = ReadOptions(
        hdu=trained.get("hdu"),
        bands=tuple(trained.get("bands", ())),
        mask_hdu=trained.get("mask_hdu"),
        weight_hdu=trained.get("weight_hdu"),
        pixel_scale=trained.get("pixel_scale"),
        pixels=trained.get("pixels") or AUTO,
    )
    taxonomy, listed = record.make_taxonomy(), _read_labels(inputs)
    preprocess, pictures, labels, problem = record.make_preprocess(), [], [], ""
    cutouts: list[Cutout] = []
    n = len(found.items)
    for number in np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int)).tolist():
        item = found.items[number]
        try:
            cutout = read_item(item, options)
            pictures.append(preprocess.picture(cutout))
        except UnreadableImage as error:
            problem = problem or error.message
            continue
        if len(cutouts) < MAX_IMAGES:
            cutouts.append(cutout)
        path = Path(os.path.abspath(item.ref.path))  # noqa: PTH100  Path.resolve would follow links
        slug = match_label(listed.get(path, path.parent.name), taxonomy)
        labels.append(-1 if slug is None else taxonomy.slugs.index(slug))
    if not pictures:
        raise InputError(
            f"None of the images to check on can be read: {problem or 'there are none'}",
            hint="Give images like those the model was trained on.",
        )
    targets = np.array(labels) if any(label >= 0 for label in labels) else None
    return CheckImages(np.stack(pictures), "images given with --check-on", targets=targets, cutouts=tuple(cutouts))


def _read_labels(inputs: Sequence[str | Path]) -> dict[Path, str]:
    """Return the labels of images in folders with a ``labels.csv``, by their absolute path."""
    labels: dict[Path, str] = {}
    for folder in map(Path, inputs):
        try:
            with io.StringIO(read_regular_text(folder / LABELS_FILE)) as stream:
                rows = [row for row in csv.DictReader(stream) if row.get("path") and row.get("label")]
        except (OSError, UnicodeDecodeError, csv.Error):  # no table of labels
            continue
        top = os.path.abspath(folder)  # noqa: PTH100  Path.resolve would follow links
        labels |= {Path(os.path.normpath(os.path.join(top, row["path"]))): row["label"] for row in rows}  # noqa: PTH118
    return labels
