"""Find a detector: one that comes with the plugin, the folder of a run, or an ONNX file."""

from __future__ import annotations

from pathlib import Path

from galaxtool import UnknownName, choose_device, choose_precision
from galaxtool_detect.detectors.credits import check_detector_licence
from galaxtool_detect.detectors.engine import DetectionEngine, OnnxEngine, TorchEngine
from galaxtool_detect.detectors.files import RECORD, load_detector

BUNDLED = Path(__file__).resolve().parent.parent / "bundled"
"""Folder with a folder for each detector that comes with the plugin."""

DEFAULT = "radio"


def list_bundled() -> list[str]:
    """Return the names of the detectors that come with the plugin."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{RECORD}"))


def find_folder(model: str) -> Path:
    """Return the folder of a detector by its name, or by the path of its folder or run.

    Raises
    ------
    UnknownName
        If there is no such detector.
    """
    path = Path(model).expanduser()
    for folder in (path, path / "model", BUNDLED / model):
        if (folder / RECORD).is_file():
            return folder
    raise UnknownName(
        "detector", model, list_bundled(), note="The folder of a run of `galaxtool detect train` can be given instead."
    )


def describe_detector(model: str) -> str:
    """Return a detector as a manifest stores it: the name of one that comes with the plugin, or an absolute path."""
    path = Path(model).expanduser()
    return str(path.resolve()) if path.exists() and find_folder(model).parent != BUNDLED else model


def open_engine(model: str, device: str = "auto", precision: str = "auto") -> DetectionEngine:
    """Open a detector for use.

    Parameters
    ----------
    model : str
        Name of a bundled detector, folder of a run or of a detector, or ``.onnx`` file.
    device, precision : str
        As for ``galaxtool classify``; an ONNX file runs on the CPU.

    Raises
    ------
    UnknownName
        If there is no such detector.
    ModelError
        If its files are damaged, or ``GALAXTOOL_LICENSES`` does not allow its licence.
    """
    path = Path(model).expanduser()
    if path.suffix == ".onnx" and path.is_file():
        engine = OnnxEngine(path)
        check_detector_licence(engine.record, model)
        return engine
    detector, record = load_detector(find_folder(model))
    check_detector_licence(record, model)
    chosen = choose_device(device)
    return TorchEngine(detector, record, chosen, choose_precision(precision, chosen))
