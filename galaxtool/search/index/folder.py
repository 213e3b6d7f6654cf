"""Index directories, which are replaced as a whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from galaxtool.errors import GalaxtoolError, OutputExists
from galaxtool.search.index.record import RECORD

VECTORS, ITEMS, MODEL = "index.faiss", "items.parquet", "model"
_OURS = {RECORD, VECTORS, ITEMS, MODEL}


def check_target(path: Path, *, overwrite: bool) -> None:
    """Raise `OutputExists` unless an index may be written to a path; called before long work starts.

    The path may not exist, or be an empty folder; with `overwrite` it may be an index, as long as that folder contains
    nothing else.
    """
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
    if foreign := sorted(name for name in names - _OURS if not name.startswith(".")):
        raise OutputExists(
            f"The index '{path}' also contains '{foreign[0]}', which does not belong to it, so it is not replaced.",
            hint="Move that elsewhere, or choose another folder with --output.",
        )
    if not overwrite:
        raise OutputExists(f"'{path}' already contains an index.", hint="Add --overwrite, or choose another --output.")


@contextlib.contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`, and move it to `path` once the block has ended without an error.

    If `path` is a symbolic link, the folder that it points to is replaced.

    Raises
    ------
    GalaxtoolError
        If the disk is full or the folder cannot be written; `path` is then unchanged.
    """
    target = Path(os.path.realpath(path))
    mark = secrets.token_hex(4)
    temporary = target.with_name(f".unfinished-{target.name}-{mark}")
    aside = target.with_name(f".replaced-{target.name}-{mark}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if target.exists():
            target.rename(aside)
        try:
            temporary.rename(target)
        except OSError:
            if aside.exists():
                aside.rename(target)
            raise
    except OSError as error:
        raise GalaxtoolError(
            f"'{path}' could not be written: {error.strerror or error}.", hint="Its former content is unchanged."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)
