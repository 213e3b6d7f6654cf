"""Export a model to one ONNX file and check the file: the work of ``galaxtool export``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.directory import load_network
from galaxtool.models.find import find_model
from galaxtool.models.onnx.check_images import CheckImages, choose_check_images
from galaxtool.models.onnx.file import Comparison, compare_with_model, write_onnx
from galaxtool.models.onnx.kept_images import MAX_IMAGES
from galaxtool.models.onnx.precision import make_example_images, to_fp16, to_int8
from galaxtool.models.record import ModelRecord
from galaxtool.models.unlike_training import read_detector
from galaxtool.types import Progress
from galaxtool.utils.atomic_write import atomic_write, check_writable
from galaxtool.utils.config import check_choice

CHECKED_BATCHES = (1, 2, 5, 32)
"""Batch sizes with which a file is compared with its model."""

# precision -> least cosine of embeddings, least share of equal labels and largest difference of probabilities that pass
_TOLERANCES = {"fp32": (0.9999, 1.0, 0.01), "fp16": (0.999, 0.95, 1.0), "int8": (0.98, 0.85, 1.0)}
_MIN_HALF = 32


def export_model(
    model: str, output: Path, precision: str, progress: Progress, *, check_on: Sequence[str | Path] = ()
) -> Comparison:
    """Write a model as one ONNX file; see `galaxtool.commands.export.export`.

    Returns
    -------
    Comparison
        How close the results of the file are to those of the model.
    """
    check_choice("precision", precision, _TOLERANCES)
    if output.suffix != ".onnx":
        raise ConfigError(f"'{output}' does not end in .onnx.", hint="Give a file name such as -o model.onnx.")
    if output.is_dir():
        raise ConfigError(f"'{output}' is a folder.", hint="Give a file name such as -o model.onnx.")
    check_writable(output)
    progress.say(f"Loading the model '{model}' ...")
    files = find_model(model)
    network, record = load_network(files)
    chosen = choose_check_images(files, record, check_on)
    images = chosen.images
    progress.say("Exporting ...")
    with atomic_write(output) as temporary:
        write_onnx(temporary, network, record, read_detector(files.require_folder(), record))
        if precision == "fp16":
            to_fp16(temporary)
        elif precision == "int8":
            calibration, images = _divide(chosen, record)
            to_int8(temporary, calibration)
        progress.say(f"Checking against PyTorch on {len(images)} {chosen.kind} ...")
        comparison = compare_with_model(temporary, network, images, CHECKED_BATCHES, checked_on=chosen.kind)
        _check(comparison, model, precision)
    return comparison


def _divide(chosen: CheckImages, record: ModelRecord) -> tuple[np.ndarray, np.ndarray]:
    """Return the images to measure ranges on, and others to check on: halves, or simulated ones and all if few."""
    if chosen.simulated or len(chosen.images) < _MIN_HALF:
        return make_example_images(record.make_preprocess(), MAX_IMAGES, seed=1), chosen.images
    return chosen.images[::2], chosen.images[1::2]


def _check(comparison: Comparison, model: str, precision: str) -> None:
    """Raise `ModelError` if a file differs too much from its model."""
    cosine, agreement, difference = _TOLERANCES[precision]
    if (
        comparison.least_cosine < cosine
        or comparison.agreement < agreement
        or comparison.largest_difference > difference
    ):
        raise ModelError(
            f"The {precision} file does not compute what '{model}' does: the least cosine of embeddings is "
            f"{comparison.least_cosine:.5f} (at least {cosine} is needed), {comparison.agreement:.1%} of the "
            f"labels agree, and a probability differs by {comparison.largest_difference:.2g}.",
            hint="Nothing was written. Use --precision fp32."
            if precision != "fp32"
            else "Please report this with the versions that `galaxtool doctor` prints.",
        )
