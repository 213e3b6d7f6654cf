"""Copy a model into an index, so that the index can be moved and searched by itself."""

from __future__ import annotations

import shutil
from pathlib import Path

from galaxtool.errors import InputError
from galaxtool.models.find import ONNX, WEIGHTS, ModelFiles
from galaxtool.models.find import RECORD as MODEL_RECORD
from galaxtool.models.record import ModelRecord
from galaxtool.models.unlike_training import FILE_NAME as DETECTOR
from galaxtool.utils.atomic_write import write_json


def copy_model(model: ModelFiles, record: ModelRecord, target: Path) -> None:
    """Copy the files of a model into a new folder, which is then a model directory."""
    target.mkdir()
    write_json(target / MODEL_RECORD, record.as_dict())
    if model.onnx is not None:
        shutil.copyfile(model.onnx, target / ONNX)
    if model.folder is None:
        return
    if (model.folder / WEIGHTS).is_file():
        shutil.copyfile(model.folder / WEIGHTS, target / WEIGHTS)
    if (model.folder / DETECTOR).is_file():
        shutil.copyfile(model.folder / DETECTOR, target / DETECTOR)
    _copy_symbols(record, model.folder / "symbols", target / "symbols")


def _copy_symbols(record: ModelRecord, source: Path, target: Path) -> None:
    """Copy the drawings that a record names, and nothing else that is there: not what links lead to."""
    for entry in record.taxonomy["classes"]:
        for name in (entry.get("symbol"), *(entry.get("variants") or ())):
            if not isinstance(name, str) or name in ("", ".", "..") or "/" in name or not (source / name).exists():
                continue
            if (source / name).is_symlink() or not (source / name).is_file():
                raise InputError(
                    f"'{source / name}' is not a regular file, so it is not copied into the index.",
                    hint="Replace it by the drawing itself.",
                )
            target.mkdir(exist_ok=True)
            shutil.copyfile(source / name, target / name)
