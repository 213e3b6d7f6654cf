"""Writing a model as one ONNX file, and checking what was written."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from galaxtool.types import Progress, Silent
from galaxtool.utils.optional_imports import require


@dataclass(frozen=True)
class ExportResult:
    """What `export` wrote, and how close its results are to those of the model.

    Parameters
    ----------
    output : Path
        ONNX file.
    bytes : int
        Size of the file.
    precision : str
        Precision of the file.
    batches : list of int
        Batch sizes in the comparison with PyTorch.
    least_cosine : float
        Least cosine between an embedding of the file and that of PyTorch.
    largest_difference : float
        Largest difference between two probabilities.
    agreement : float
        Share of the images that get the same label.
    """

    output: Path
    bytes: int
    precision: str
    batches: list[int]
    least_cosine: float
    largest_difference: float
    agreement: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "output": str(self.output)}


def export(
    *,
    model: str = "mini",
    output: Path = Path("model.onnx"),
    precision: str = "fp32",
    progress: Progress | None = None,
) -> ExportResult:
    """Write a model as one ONNX file, and check it.

    Input image: float32 (N, 3, H, W), preprocessed, any N. Outputs: embedding (N, D) of unit length, logits (N, K),
    probabilities (N, K). The file carries the classes, their prompt and symbol embeddings and the preprocessing, so it
    classifies by itself: galaxtool classify cutouts/ --model model.onnx.

    Parameters
    ----------
    model : str
        Registered name, or model or run directory.
    output : Path
        File to write; one that is there is replaced when the new one has been checked.
    precision : str
        fp32, fp16, or int8; int8 is calibrated on simulated galaxies.

    Returns
    -------
    ExportResult

    Raises
    ------
    ModelError
        If the model cannot be exported, or the file does not do what the model does.
    """
    require("torch", why="Export", install="torch")
    from galaxtool.models.onnx.export import CHECKED_BATCHES, export_model

    output = Path(output)
    comparison = export_model(model, output, precision, progress or Silent())
    return ExportResult(
        output=output,
        bytes=output.stat().st_size,
        precision=precision,
        batches=list(CHECKED_BATCHES),
        least_cosine=comparison.least_cosine,
        largest_difference=comparison.largest_difference,
        agreement=comparison.agreement,
    )
