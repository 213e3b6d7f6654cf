"""Find the files of a model by what a user typed for MODEL."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from galaxtool.errors import ConfigError, ModelError, UnknownName
from galaxtool.plugins.registry import get_registry

RECORD = "model.json"
WEIGHTS = "weights.safetensors"
ONNX = "model.onnx"
TEXT_ONNX = "text.onnx"


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model.

    Parameters
    ----------
    name : str
        Name or path as the user gave it.
    folder : Path or None
        Model directory; None for an ONNX file that stands alone.
    onnx : Path or None
        ONNX file, if there is one.
    bundled : bool
        Whether the model comes with a package, so that its name and digest are enough to find it again.
    """

    name: str
    folder: Path | None
    onnx: Path | None
    bundled: bool = False

    @property
    def has_weights(self) -> bool:
        """Whether the model directory holds the weights that PyTorch loads."""
        return self.folder is not None and (self.folder / WEIGHTS).is_file()

    @property
    def text_onnx(self) -> Path | None:
        """The text encoder in the model directory, as ``galaxtool export --what text`` writes it; None without one."""
        file = None if self.folder is None else self.folder / TEXT_ONNX
        return file if file is not None and file.is_file() else None

    def require_onnx(self) -> Path:
        """Return the ONNX file.

        Raises
        ------
        ConfigError
            If the model has none.
        """
        if self.onnx is None:
            raise ConfigError(
                f"The model '{self.name}' has no ONNX file.",
                hint=f"Write it with: galaxtool export --model {self.name} -o {self.folder}/{ONNX}",
            )
        return self.onnx

    def require_folder(self) -> Path:
        """Return the model directory, which holds the weights.

        Raises
        ------
        ModelError
            If the directory has no weights.
        """
        if self.folder is None or not self.has_weights:
            raise ModelError(
                f"The model '{self.name}' has no {WEIGHTS}: it can only run through ONNX.",
                hint="Use --engine onnx, or give the model directory it was exported from.",
            )
        return self.folder


def find_model(text: str | os.PathLike[str]) -> ModelFiles:
    """Find a model by its registered name, model directory, run directory or ``.onnx`` file.

    Raises
    ------
    UnknownName
        If it is none of these; the message suggests the nearest registered name.
    ModelError
        If a file of the model is missing.
    """
    name = os.fspath(text)
    registry = get_registry()
    if name in registry.models:
        spec = registry.models.find(name).spec
        return _find_in_folder(Path(spec.folder), name, bundled=True)
    path = Path(name).expanduser()
    if path.is_file() and path.suffix == ".onnx":
        return ModelFiles(name, None, path)
    if path.is_dir():
        inner = path / "model"
        return _find_in_folder(inner if not (path / RECORD).exists() and inner.is_dir() else path, name)
    if path.exists():
        raise ModelError(
            f"'{name}' is not a model.", hint="MODEL is a name, a model or run directory, or an .onnx file."
        )
    raise UnknownName("model", name, registry.models.names(), note="No file or folder has that name either.")


def _find_in_folder(folder: Path, name: str, *, bundled: bool = False) -> ModelFiles:
    if not (folder / RECORD).is_file():
        raise ModelError(
            f"'{folder}' is not a model directory: it has no {RECORD}.",
            hint="Give the model/ folder of a finished run, or the run itself.",
        )
    onnx = folder / ONNX if (folder / ONNX).is_file() else None
    if onnx is None and not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"The model '{folder}' is incomplete: {WEIGHTS} is missing.",
            hint="Copy the whole directory again from where it was trained.",
        )
    return ModelFiles(name, folder, onnx, bundled)
