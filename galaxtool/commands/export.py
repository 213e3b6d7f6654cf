"""The command ``export``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxtool.commands.path_arguments import accept_paths
from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.types import Progress, Silent
from galaxtool.utils.optional_imports import require


@dataclass(frozen=True)
class ExportResult:
    """The result of `export`: the file, and how closely it reproduces the model.

    Parameters
    ----------
    output : Path
        Path of the ONNX file.
    bytes : int
        Size of the file.
    precision : str
        ``fp32``, ``fp16`` or ``int8``.
    batches : list of int
        Batch sizes that were tried.
    least_cosine : float
        Lowest cosine similarity between its embeddings and PyTorch's.
    largest_difference : float
        Largest difference of a probability.
    agreement : float
        Fraction of the images with the same label, among those where one class leads.
    images, classes : int
        Number of images that were compared, and of classes that are the label of one of them.
    checked_on : str
        What these images were.
    """

    output: Path
    bytes: int
    precision: str
    batches: list[int]
    least_cosine: float
    largest_difference: float
    agreement: float
    images: int
    classes: int
    checked_on: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "output": str(self.output)}


@accept_paths
@describe_shared_options
def export(
    *,
    model: str | Path = "mini",
    output: Path = Path("model.onnx"),
    precision: str = "fp32",
    check_on: Sequence[str | Path] = (),
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
    precision : str
        Precision of the weights: fp32, fp16 or int8. int8 is calibrated on half of the images of the check.
    check_on : sequence of str or Path
        Images on which the file is compared with PyTorch, up to 64 of them; can be repeated. By default validation
        images that the run of the model kept; simulated galaxies if there are none.
    {progress}

    Returns
    -------
    ExportResult
        Path of the file, and its agreement with PyTorch.

    Raises
    ------
    ModelError
        If the model cannot be exported, or the file does not reproduce its results.
    """
    require("torch", why="Export", install="torch")
    from galaxtool.models.onnx.export import CHECKED_BATCHES, export_model

    output = Path(output)
    comparison = export_model(str(model), output, precision, progress or Silent(), check_on=check_on)
    return ExportResult(
        output=output,
        bytes=output.stat().st_size,
        precision=precision,
        batches=list(CHECKED_BATCHES),
        least_cosine=comparison.least_cosine,
        largest_difference=comparison.largest_difference,
        agreement=comparison.agreement,
        images=comparison.images,
        classes=comparison.classes,
        checked_on=comparison.checked_on,
    )
