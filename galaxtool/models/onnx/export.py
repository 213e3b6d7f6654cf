"""Export a model to one ONNX file and check the file: the work of ``galaxtool export``."""

from __future__ import annotations

from pathlib import Path

from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.directory import load_network
from galaxtool.models.find import find_model
from galaxtool.models.onnx.file import Comparison, compare_with_model, write_onnx
from galaxtool.models.onnx.precision import to_fp16, to_int8
from galaxtool.types import Progress
from galaxtool.utils.atomic_write import atomic_write
from galaxtool.utils.config import check_choice

CHECKED_BATCHES = (1, 2, 5, 32)
"""Batch sizes with which a file is compared with its model."""

# precision -> least cosine between embeddings and least share of equal labels that pass
_TOLERANCES = {"fp32": (0.9999, 1.0), "fp16": (0.999, 0.95), "int8": (0.98, 0.85)}


def export_model(model: str, output: Path, precision: str, progress: Progress) -> Comparison:
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
    progress.say(f"Loading the model '{model}' ...")
    network, record = load_network(find_model(model))
    progress.say("Exporting ...")
    with atomic_write(output) as temporary:
        write_onnx(temporary, network, record)
        if precision == "fp16":
            to_fp16(temporary)
        elif precision == "int8":
            to_int8(temporary, record.make_preprocess())
        progress.say("Checking against PyTorch ...")
        comparison = compare_with_model(temporary, network, record, CHECKED_BATCHES)
        _check(comparison, model, precision)
    return comparison


def _check(comparison: Comparison, model: str, precision: str) -> None:
    """Raise `ModelError` if a file differs too much from its model."""
    cosine, agreement = _TOLERANCES[precision]
    if comparison.least_cosine < cosine or comparison.agreement < agreement:
        raise ModelError(
            f"The {precision} file does not compute what '{model}' does: the least cosine of embeddings is "
            f"{comparison.least_cosine:.5f} (at least {cosine} is needed), and {comparison.agreement:.1%} of the "
            "labels agree.",
            hint="Nothing was written. Use --precision fp32."
            if precision != "fp32"
            else "Please report this with the versions that `galaxtool doctor` prints.",
        )
