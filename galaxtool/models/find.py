"""From what a user types for MODEL to the files behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from galaxtool.errors import ModelError, UnknownName
from galaxtool.plugins.registry import get_registry

RECORD = "model.json"
WEIGHTS = "weights.safetensors"
ONNX = "model.onnx"


@dataclass(frozen=True)
class ModelFiles:
    """Where a model is.

    Parameters
    ----------
    name : str
        As the user said it.
    folder : Path or None
        The model directory; None for a lone ONNX file.
    onnx : Path or None
        Its ONNX file, where there is one.
    bundled : bool
        Whether it came with a package, so that a name and a digest are enough to find it again.
    """

    name: str
    folder: Path | None
    onnx: Path | None
    bundled: bool = False


def find_model(text: str | Path) -> ModelFiles:
    """Find a registered name, a model directory, a run directory or an ``.onnx`` file.

    Raises
    ------
    UnknownName
        If it is none of them, with the nearest registered name.
    ModelError
        If a file of the model is missing.
    """
    name = str(text)
    registry = get_registry()
    if name in registry.models:
        spec = registry.models.find(name).spec
        return _in_folder(Path(spec.folder), name, bundled=True)
    path = Path(text)
    if path.is_file() and path.suffix == ".onnx":
        return ModelFiles(name, None, path)
    if path.is_dir():
        inner = path / "model"
        return _in_folder(inner if not (path / RECORD).exists() and inner.is_dir() else path, name)
    if path.exists():
        raise ModelError(f"'{name}' is no model.", hint="MODEL is a name, a model or run directory, or an .onnx file.")
    raise UnknownName("model", name, registry.models.names(), note="No file or folder has that name either.")


def _in_folder(folder: Path, name: str, *, bundled: bool = False) -> ModelFiles:
    if not (folder / RECORD).is_file():
        raise ModelError(
            f"'{folder}' is no model directory: it has no {RECORD}.",
            hint="Give the model/ folder of a finished run, or the run itself.",
        )
    onnx = folder / ONNX if (folder / ONNX).is_file() else None
    if onnx is None and not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"The model '{folder}' is not whole: {WEIGHTS} is missing.",
            hint="Copy the whole directory again from where it was trained.",
        )
    return ModelFiles(name, folder, onnx, bundled)
