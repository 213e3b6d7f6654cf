"""Export a model to one ONNX file and check the file: the work of ``galaxtool export``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.directory import load_network
from galaxtool.models.engines.feed import make_feed
from galaxtool.models.find import ModelFiles, find_model
from galaxtool.models.network import GalaxyModel
from galaxtool.models.onnx.check_images import choose_check_images
from galaxtool.models.onnx.comparison import Comparison, compare_with_model
from galaxtool.models.onnx.file import add_metadata, write_onnx
from galaxtool.models.onnx.metadata import INPUT_KEY, PICTURES, REPORT_KEY
from galaxtool.models.onnx.precision import to_fp16, to_int8
from galaxtool.models.onnx.preprocess_check import compare_preprocessing
from galaxtool.models.onnx.preprocess_graph import add_preprocessing, check_preprocess
from galaxtool.models.onnx.text import TextExport
from galaxtool.models.record import ModelRecord
from galaxtool.models.unlike_training import read_detector
from galaxtool.taxonomy.quantities import quantities_from_dict
from galaxtool.taxonomy.quantity import ENDINGS
from galaxtool.types import Progress
from galaxtool.utils.config import check_choice
from galaxtool.utils.files.atomic_write import atomic_write, check_writable
from galaxtool.utils.run_manifest import find_versions

CHECKED_BATCHES = (1, 2, 5, 32)
"""Batch sizes with which a file is compared with its model."""

WHAT = ("image", "text")
"""Encoders that can be exported."""


@dataclass(frozen=True)
class Tolerance:
    """How far a file may be from its model.

    Parameters
    ----------
    cosine : float
        Least cosine between embeddings.
    agreement : float
        Least share of equal labels.
    difference : float
        Largest difference of a probability.
    of_numbers : float
        Largest difference of a number, in units of the spread of the training values.
    """

    cosine: float
    agreement: float
    difference: float
    of_numbers: float


# the drop of the accuracy decides on int8; a cosine below 0.9 is an error, whatever the accuracy
_TOLERANCES = {
    "fp32": Tolerance(0.9999, 1.0, 0.01, 0.01),
    "fp16": Tolerance(0.999, 0.98, 1.0, 0.1),
    "int8": Tolerance(0.9, 0.0, 1.0, 0.5),
}
_DIFFERING_PIXELS = 0.01


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What to export, and what the check asks for; see `galaxtool.commands.export.export`.

    Raises
    ------
    ConfigError
        If the options do not suit each other.
    """

    precision: str = "fp32"
    what: str = "image"
    with_preprocess: bool = False
    check_on: Sequence[str | Path] = ()
    allow_drop: float = 1.0

    def __post_init__(self) -> None:
        check_choice("precision", self.precision, _TOLERANCES)
        check_choice("what", self.what, WHAT)
        if not 0 < self.allow_drop <= 100:
            raise ConfigError(
                f"--allow-drop is {self.allow_drop:g}; it is a number of percentage points, above 0 and up to 100.",
                hint="Leave it out for 1.",
            )
        if self.what == "text":
            given = {"--with-preprocess": self.with_preprocess, "--check-on": bool(self.check_on)}
            for option in (name for name, is_given in given.items() if is_given):
                raise ConfigError(
                    f"{option} cannot be used with --what text; it is about images.", hint=f"Leave {option} out."
                )
            if self.precision == "int8":
                raise ConfigError(
                    "A text encoder is exported in fp32 or fp16: ranges for int8 are measured on images.",
                    hint="Use --precision fp16 for a smaller file.",
                )


def export_model(model: str, output: Path, options: ExportOptions, progress: Progress) -> Comparison:
    """Write a model as one ONNX file; see `galaxtool.commands.export.export`.

    Returns
    -------
    Comparison
        How close the results of the file are to those of the model.
    """
    if output.suffix != ".onnx":
        raise ConfigError(f"'{output}' does not end in .onnx.", hint="Give a file name such as -o model.onnx.")
    if output.is_dir():
        raise ConfigError(f"'{output}' is a folder.", hint="Give a file name such as -o model.onnx.")
    check_writable(output)
    progress.say(f"Loading the model '{model}' ...")
    files = find_model(model)
    network, record = load_network(files)
    with atomic_write(output) as temporary:
        if options.what == "text":
            comparison = _write_text(temporary, network, record, options, progress)
        else:
            comparison = _write_images(temporary, files, network, record, options, progress)
        _check(comparison, model, options, has_numbers=options.what == "image" and record.regression is not None)
        add_metadata(temporary, {REPORT_KEY: json.dumps(make_report(comparison, options))})
    return comparison


def make_report(comparison: Comparison, options: ExportOptions) -> dict[str, object]:
    """Return what was checked, and with which versions, for the metadata of the file."""
    return {
        "what": options.what,
        "precision": options.precision,
        "with_preprocess": options.with_preprocess,
        "batches": list(CHECKED_BATCHES),
        **asdict(comparison),
        "drop": comparison.drop,
        "versions": find_versions(),
    }


def _write_text(
    path: Path, network: GalaxyModel, record: ModelRecord, options: ExportOptions, progress: Progress
) -> Comparison:
    """Write and compare a text encoder."""
    encoder = TextExport(network, record)
    progress.say("Exporting ...")
    encoder.write(path)
    if options.precision == "fp16":
        to_fp16(path)
    progress.say("Checking against PyTorch ...")
    return encoder.compare(path, CHECKED_BATCHES)


def _write_images(
    path: Path,
    files: ModelFiles,
    network: GalaxyModel,
    record: ModelRecord,
    options: ExportOptions,
    progress: Progress,
) -> Comparison:
    """Write and compare an image encoder with its head."""
    preprocess = record.make_preprocess()
    if options.with_preprocess:
        check_preprocess(preprocess)
    chosen = choose_check_images(files, record, options.check_on, calibrates=options.precision == "int8")
    progress.say("Exporting ...")
    write_onnx(path, network, record, read_detector(files.require_folder(), record))
    if options.precision == "fp16":
        to_fp16(path)
    elif options.precision == "int8":
        progress.say(f"Measuring ranges on {len(chosen.calibration)} {chosen.calibrated_on} ...")
        to_int8(path, preprocess.normalize(chosen.calibration))
    if options.with_preprocess:
        add_preprocessing(path, preprocess)
    progress.say(f"Checking against PyTorch on {len(chosen.pictures)} {chosen.kind} ...")

    def feed(rows: np.ndarray) -> dict[str, np.ndarray]:
        return make_feed({INPUT_KEY: PICTURES} if options.with_preprocess else {}, preprocess, chosen.pictures[rows])

    comparison = compare_with_model(
        path, network, preprocess.normalize(chosen.pictures), CHECKED_BATCHES, checked_on=chosen.kind,
        targets=chosen.targets, spread=_find_spread(network, record), feed=feed,
    )  # fmt: skip
    if options.precision == "int8":
        comparison = comparison.with_calibration(len(chosen.calibration), chosen.calibrated_on)
    if options.with_preprocess:
        level, share, cosine = compare_preprocessing(path, network, preprocess, chosen.cutouts)
        comparison = replace(
            comparison, largest_level=level, differing_pixels=share,
            least_cosine=float(np.minimum(comparison.least_cosine, cosine)),
        )  # fmt: skip
    return comparison


def _find_spread(network: GalaxyModel, record: ModelRecord) -> np.ndarray | None:
    """Return the spread of the training values of each output of a model of numbers; None for another model.

    It is that of the head, if it has one: the record of a model that was trained elsewhere does not know it.
    """
    if record.regression is None:
        return None
    quantities = quantities_from_dict(record.regression, record.name)
    scales, stored = np.array([one.scale for one in quantities]), getattr(network.head, "scale", None)
    if isinstance(stored, torch.Tensor) and stored.shape == scales.shape:
        scales = stored.numpy().astype(np.float64)
    return np.repeat(scales, len(ENDINGS))


def _check(comparison: Comparison, model: str, options: ExportOptions, *, has_numbers: bool) -> None:
    """Raise `ModelError` if a file differs too much from its model."""
    precision = options.precision
    allowed = _TOLERANCES[precision]
    largest = allowed.of_numbers if has_numbers else allowed.difference
    results = (
        f"a number differs by {comparison.largest_difference:.2g} of the spread of the training values (at most "
        f"{largest} is allowed)"
        if has_numbers
        else f"{comparison.agreement:.1%} of the labels agree, and a probability differs by "
        f"{comparison.largest_difference:.2g}"
    )
    if (comparison.differing_pixels or 0) > _DIFFERING_PIXELS:
        raise ModelError(
            f"The preprocessing in the file is not that of '{model}': {comparison.differing_pixels:.1%} of the pixels "
            f"differ by more than 2 of 255 levels, one by {comparison.largest_level}.",
            hint="Nothing was written. Export without --with-preprocess.",
        )
    if (
        not comparison.least_cosine >= allowed.cosine
        or comparison.agreement < allowed.agreement
        or not comparison.largest_difference <= largest
    ):
        raise ModelError(
            f"The {precision} file does not compute what '{model}' does: the least cosine of embeddings is "
            f"{comparison.least_cosine:.5f} (at least {allowed.cosine} is needed), {results}.",
            hint="Nothing was written. Use --precision fp32."
            if precision != "fp32"
            else "Please report this with the versions that `galaxtool doctor` prints.",
        )
    if precision == "int8" and options.allow_drop < 100 and comparison.drop >= options.allow_drop:
        raise ModelError(
            f"{describe_drop(comparison)}, but --allow-drop is {options.allow_drop:g}.",
            hint=f"Nothing was written. Use --precision fp16, or accept it with --allow-drop "
            f"{min(np.floor(comparison.drop) + 1, 100):g}.",
        )


def describe_drop(comparison: Comparison) -> str:
    """Return the drop of the accuracy as a sentence without its end."""
    if not comparison.knows_classes:
        return (
            f"The labels of {comparison.changed:.2%} of {comparison.images} {comparison.checked_on} change, and the "
            f"class of {comparison.labeled} is known, so the accuracy may drop by up to {comparison.drop:.2f} points"
        )
    return (
        f"The file puts {comparison.accuracy:.2%} of {comparison.labeled} {comparison.checked_on} into their class, "
        f"and the model {comparison.model_accuracy:.2%}: a drop of {comparison.drop:.2f} points"
    )
