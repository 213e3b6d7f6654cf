"""The command ``detect export``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ExportResult:
    """The result of `export`.

    Parameters
    ----------
    output : Path
        The ONNX file.
    megabytes : float
        Its size.
    images, boxes : int
        Number of images and of boxes for which it was compared with PyTorch.
    pixels, score : float
        Largest difference of an edge, in pixels of the network, and of a score.
    """

    output: Path
    megabytes: float
    images: int
    boxes: int
    pixels: float
    score: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "output": str(self.output)}


def export(model: str = "radio", *, output: Path | None = None) -> ExportResult:
    """Write a detector as an ONNX file, for use without PyTorch's network.

    The suppression of overlapping boxes is inside. The file is compared with PyTorch before it is written.

    Parameters
    ----------
    model : str
        Detector that comes with the plugin, or folder of a run of detect train.
    output : Path, optional
        File to write, by default detector.onnx beside the detector, or in this folder for one of the plugin.

    Returns
    -------
    ExportResult
        The file, and how it compares with PyTorch.

    Raises
    ------
    ModelError
        If the network cannot be exported.
    """
    from galaxtool_detect.detectors.files import load_detector
    from galaxtool_detect.detectors.find import BUNDLED, find_folder
    from galaxtool_detect.export.onnx_file import export_detector

    folder = find_folder(model)
    path = output or (Path() if BUNDLED in folder.parents else folder) / "detector.onnx"
    parity = export_detector(*load_detector(folder), path)
    size = path.stat().st_size / 1e6
    return ExportResult(path, size, parity.images, parity.boxes, parity.pixels, parity.score)
