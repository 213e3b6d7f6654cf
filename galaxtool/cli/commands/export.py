"""The command line of ``galaxtool export``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo
from galaxtool.commands.export import ExportResult, export


def command() -> Any:
    """Build the command."""
    return build_command(export, show=_show)


def _show(result: ExportResult) -> None:
    batches = f"in batches of {', '.join(map(str, result.batches))}"
    cosine = f"cosine of embeddings >= {result.least_cosine:.6f}"
    echo(f"{result.output}: {result.bytes / 1e6:.1f} MB, {result.precision}")
    if result.what == "text":
        echo(
            f"Checked on {result.images} {result.checked_on}, {batches}: {cosine}",
            "In a model directory, as text.onnx, it is used by: galaxtool similar --text",
        )
        return
    classes = "class" if result.classes == 1 else "classes"
    results = (
        f"they fall into {result.classes} {classes}, {result.agreement:.1%} of labels equal, {cosine}, probabilities "
        f"within {result.largest_difference:.1e}"
        if result.classes
        else f"{cosine}, numbers within {result.largest_difference:.1e} of the spread of the training values"
    )
    echo(f"Checked on {result.images} {result.checked_on}, {batches}: {results}")
    if result.calibrated_on:
        echo(f"Ranges measured on {result.calibrated_on}.")
    if result.accuracy is not None and result.model_accuracy is not None:
        echo(
            f"Accuracy on {result.labeled} with a known class: {result.accuracy:.2%}, {result.model_accuracy:.2%} with "
            "PyTorch"
        )
    if result.precision == "int8" and result.classes:
        of = (
            "labels that change, the most that the accuracy can drop"
            if 2 * result.labeled < result.images
            else "accuracy"
        )
        echo(f"Drop ({of}): {result.drop:.2f} points")
    if result.largest_level is not None:
        echo(
            f"Input: pictures, uint8 (N, H, W, 3); preprocessed pixels within {result.largest_level} of 255 levels, "
            f"{result.differing_pixels or 0:.2%} of them beyond 2"
        )
    if result.classes == 1:
        echo(
            "Warning: all of them fall into one class, so the check says little; give images of all classes with "
            "--check-on."
        )
    echo(f"Try: galaxtool classify cutouts/ --model {result.output}")
