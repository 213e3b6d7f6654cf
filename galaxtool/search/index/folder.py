"""Index directories, which are replaced as a whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from galaxtool.errors import GalaxtoolError, OutputExists
from galaxtool.models.find import ONNX, TEXT_ONNX, WEIGHTS
from galaxtool.models.find import RECORD as MODEL_RECORD
from galaxtool.models.unlike_training import FILE_NAME as DETECTOR
from galaxtool.search.index.half_vectors import NAME as HALF_VECTORS
from galaxtool.search.index.record import RECORD
from galaxtool.utils.files.atomic_write import check_writable
from galaxtool.utils.files.exchange import exchange_paths

VECTORS, ITEMS, MODEL = "index.faiss", "items.parquet", "model"
_OURS = {RECORD, VECTORS, HALF_VECTORS, ITEMS, MODEL}
_MODEL_FILES = {MODEL_RECORD, ONNX, TEXT_ONNX, WEIGHTS, DETECTOR, "symbols"}


def check_target(path: Path, *, overwrite: bool) -> None:
    """Raise `OutputExists` unless an index may be written to a path; called before long work starts.

    The path may not exist, or be an empty folder; with `overwrite` it may be an index, as long as that folder contains
    nothing else.
    """
    check_writable(Path(os.path.realpath(path)))
    if not os.path.lexists(path):
        return
    if not path.is_dir():
        raise OutputExists(f"'{path}' exists and is not a folder.", hint="Choose another folder with --output.")
    names = {entry.name for entry in path.iterdir()}
    if not names:
        return
    if RECORD not in names:
        raise OutputExists(
            f"'{path}' exists, is not empty, and is not an index, so it is not replaced.",
            hint="Choose another folder with --output.",
        )
    if foreign := _find_foreign(path):
        raise OutputExists(
            f"The index '{path}' also contains '{foreign[0]}', which does not belong to it, so it is not replaced.",
            hint="Move that elsewhere, or choose another folder with --output.",
        )
    if not overwrite:
        raise OutputExists(f"'{path}' already contains an index.", hint="Add --overwrite, or choose another --output.")


def _find_foreign(path: Path) -> list[str]:
    """Return the names in an index directory that do not belong to it, except hidden ones."""
    inside = [entry.name for entry in path.iterdir() if entry.name not in _OURS]
    model = path / MODEL
    if model.is_dir() and not model.is_symlink():
        inside += [f"{MODEL}/{entry.name}" for entry in model.iterdir() if entry.name not in _MODEL_FILES]
    return sorted(name for name in inside if not name.rpartition("/")[2].startswith("."))


@contextlib.contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`, and move it to `path` once the block has ended without an error.

    If `path` is a symbolic link, the folder that it points to is replaced. Only files of an index are removed from the
    former folder: what else is there, or comes while the block runs, stays.

    Raises
    ------
    OutputExists
        If something else was put into the folder meanwhile; it is then unchanged.
    GalaxtoolError
        If the disk is full or the folder cannot be written; `path` is then unchanged.
    """
    target = Path(os.path.realpath(path))
    mark = secrets.token_hex(4)
    temporary = target.with_name(f".unfinished-{target.name}-{mark}")
    aside = target.with_name(f".replaced-{target.name}-{mark}")
    existed = (target / RECORD).exists()
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if os.path.lexists(target):
            check_target(target, overwrite=existed)
            if exchange_paths(temporary, target):  # a process that ends here leaves an index at its place
                try:
                    temporary.rename(aside)
                except OSError:
                    exchange_paths(temporary, target)
                    raise
            else:
                target.rename(aside)
        if not os.path.lexists(target):
            _move_into_place(temporary, target, aside)
        _remove_index(aside, target)
    except OSError as error:
        raise GalaxtoolError(
            f"'{path}' could not be written: {error.strerror or error}.", hint="Its former content is unchanged."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _move_into_place(temporary: Path, target: Path, aside: Path) -> None:
    """Move a folder to its place; if that fails, move back the former one."""
    try:
        temporary.rename(target)
    except OSError:
        if aside.exists():
            aside.rename(target)
        raise


def _remove_index(folder: Path, successor: Path) -> None:
    """Remove the files of an index from a folder, and the folder; other files move to its successor."""
    if not folder.exists():
        return
    model = folder / MODEL
    if model.is_dir() and not model.is_symlink():
        for name in _MODEL_FILES:
            _remove(model / name)
        with contextlib.suppress(OSError):
            model.rmdir()
    for name in _OURS:
        if not (folder / name).is_dir() or (folder / name).is_symlink():
            _remove(folder / name)
    for entry in list(folder.iterdir()):
        with contextlib.suppress(OSError):
            if not os.path.lexists(successor / entry.name):
                entry.rename(successor / entry.name)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for entry in path.iterdir():  # the drawings of a model
            if entry.is_symlink() or not entry.is_dir():
                entry.unlink()
        with contextlib.suppress(OSError):
            path.rmdir()
    else:
        path.unlink(missing_ok=True)
