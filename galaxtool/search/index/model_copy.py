"""Copy a model into an index, so that the index can be moved and searched by itself."""

from __future__ import annotations

import shutil
from pathlib import Path

from galaxtool.errors import InputError
from galaxtool.models.find import ONNX, TEXT_ONNX, WEIGHTS, ModelFiles
from galaxtool.models.find import RECORD as MODEL_RECORD
from galaxtool.models.record import ModelRecord
from galaxtool.models.unlike_training import FILE_NAME as DETECTOR
from galaxtool.utils.digests import hash_file
from galaxtool.utils.files.atomic_write import write_json


def copy_model(model: ModelFiles, record: ModelRecord, target: Path) -> None:
    """Copy the files of a model into a new folder, which is then a model directory.

    Raises
    ------
    InputError
        If one of the files is a link out of the model's folder, to what may be private.
    """
    for file in (
        model.onnx,
        *((model.folder / name for name in (WEIGHTS, DETECTOR, TEXT_ONNX)) if model.folder else ()),
    ):
        if file is not None and not model.bundled and file.is_symlink():
            _check_link(file, record)
    target.mkdir()
    write_json(target / MODEL_RECORD, record.as_dict())
    if model.onnx is not None:
        shutil.copyfile(model.onnx, target / ONNX)
    if model.folder is None:
        return
    if (model.folder / WEIGHTS).is_file():
        shutil.copyfile(model.folder / WEIGHTS, target / WEIGHTS)
    for name in (DETECTOR, TEXT_ONNX):
        if (model.folder / name).is_file():
            shutil.copyfile(model.folder / name, target / name)
    _copy_symbols(record, model.folder / "symbols", target / "symbols")


def _check_link(file: Path, record: ModelRecord) -> None:
    """Raise `InputError` for a link that leads elsewhere, unless to the very weights that the record names."""
    target = file.resolve()
    if target.is_relative_to(file.parent.resolve()) or not target.is_file():
        return
    if file.name == WEIGHTS and record.weights_sha256 and hash_file(target) == record.weights_sha256:
        return
    raise InputError(
        f"'{file}' is a link out of the folder of its model, so it is not copied into the index.",
        hint="Replace it by the file itself.",
    )


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
