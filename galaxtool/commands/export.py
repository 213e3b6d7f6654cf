"""The command ``export``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.types import Progress, Silent
from galaxtool.utils.optional_imports import require
from galaxtool.utils.path_arguments import accept_paths


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """The result of `export`: the file, and how closely it reproduces the model.

    Parameters
    ----------
    output : Path
        Path of the ONNX file.
    bytes : int
        Size of the file.
    what : str
        ``image`` or ``text``.
    precision : str
        ``fp32``, ``fp16`` or ``int8``.
    batches : list of int
        Batch sizes that were tried.
    least_cosine : float
        Lowest cosine similarity between its embeddings and PyTorch's.
    largest_difference : float
        Largest difference of a probability; for a model of numbers, of a number, in units of the spread of the training
        values.
    agreement : float
        Fraction of the images with the same label, among those where one class leads.
    changed : float
        Fraction of all images with another label.
    images, classes : int
        Number of images that were compared, or of texts; and of classes that are the label of one of the images, 0 for
        a model of numbers.
    checked_on : str
        What these images were.
    labeled : int
        Number of these whose class is known.
    accuracy, model_accuracy : float or None
        Accuracy of the file and of the model on them; None if there are none.
    drop : float
        Drop of the accuracy in percentage points; the most that it can be where the class of less than half is
        known.
    calibrated_on : str
        Images on which the ranges of an int8 file were measured; empty for others.
    largest_level : int or None
        Largest difference of a preprocessed pixel, in levels of 255; None for a file without preprocessing.
    differing_pixels : float or None
        Fraction of these pixels that differ by more than two levels.
    """

    output: Path
    bytes: int
    what: str
    precision: str
    batches: list[int]
    least_cosine: float
    largest_difference: float
    agreement: float
    changed: float
    images: int
    classes: int
    checked_on: str
    labeled: int
    accuracy: float | None
    model_accuracy: float | None
    drop: float
    calibrated_on: str
    largest_level: int | None
    differing_pixels: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "output": str(self.output)}


@accept_paths
@describe_shared_options
def export(
    *,
    model: str | Path = "mini",
    output: Path = Path("model.onnx"),
    what: str = "image",
    precision: str = "fp32",
    with_preprocess: bool = False,
    check_on: Sequence[str | Path] = (),
    allow_drop: float = 1.0,
    progress: Progress | None = None,
) -> ExportResult:
    """Export a model to a single ONNX file, and check it against PyTorch.

    The input is a preprocessed batch of images, float32 (N, 3, H, W) with any N. The outputs are embedding (N, D) of
    unit length, logits (N, K) and probabilities (N, K). The file also contains the classes, their prompt and symbol
    embeddings and the preprocessing, so it is a complete model: galaxtool classify cutouts/ --model model.onnx.

    Parameters
    ----------
    model : str or Path
        Name of a registered model, or model or run directory.
    output : Path
        File to write. An existing file is replaced once the new one has passed the check.
    what : str
        Part of the model to export: image, or text for the text encoder with its tokenizer. As text.onnx in a model
        directory, it is used to search by text without PyTorch.
    precision : str
        Precision of the weights: fp32, fp16 or int8. The ranges of int8 are measured on training images that the run
        kept, or else on a part of the images of --check-on.
    with_preprocess : bool
        Include the preprocessing in the file: its input is then pictures of any size, uint8 (N, H, W, 3).
    check_on : sequence of str or Path
        Images on which the file is compared with PyTorch, up to 64 of them (512 for int8); can be repeated. Their
        classes are read from labels.csv, or from the names of the folders. By default validation images that the run
        of the model kept; simulated galaxies if there are none.
    allow_drop : float
        Refuse an int8 file whose accuracy drops by this many percentage points or more.
    {progress}

    Returns
    -------
    ExportResult
        Path of the file, and its agreement with PyTorch.

    Raises
    ------
    ModelError
        If the model cannot be exported, or the file does not reproduce its results.
    ConfigError
        If the model has no such part, or there are no images for int8.
    """
    require("torch", why="Export", install="torch")
    from galaxtool.models.onnx.export import CHECKED_BATCHES, ExportOptions, export_model

    output = Path(output)
    options = ExportOptions(
        what=what, precision=precision, with_preprocess=with_preprocess, check_on=check_on, allow_drop=allow_drop
    )
    comparison = export_model(str(model), output, options, progress or Silent())
    return ExportResult(
        output=output,
        bytes=output.stat().st_size,
        what=what,
        precision=precision,
        batches=list(CHECKED_BATCHES),
        drop=comparison.drop,
        **asdict(comparison),
    )
