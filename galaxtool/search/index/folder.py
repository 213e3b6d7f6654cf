"""Index directories put in place as a whole."""

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
    """Raise `OutputExists` unless an index may be written here; to be called before long work begins.

    Nothing, or an empty folder, may stand there; with `overwrite` also an index, as long as nothing else lies in it.
    """
    if not os.path.lexists(path):
        return
    if not path.is_dir():
        raise OutputExists(f"'{path}' exists and is no folder.", hint="Choose another folder with --output.")
    names = {entry.name for entry in path.iterdir()}
    if not names:
        return
    if RECORD not in names:
        raise OutputExists(
            f"'{path}' exists, is not empty, and is no index, so it is not replaced.",
            hint="Choose another folder with --output.",
        )
    if foreign := sorted(name for name in names - _OURS if not name.startswith(".")):
        raise OutputExists(
            f"The index '{path}' also holds '{foreign[0]}', which is no part of it, so it is not replaced.",
            hint="Move that elsewhere, or choose another folder with --output.",
        )
    if not overwrite:
        raise OutputExists(f"'{path}' already holds an index.", hint="Add --overwrite, or choose another --output.")


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside `path`, and put it in place only when the block ends well.

    Where `path` is a symbolic link, the folder it points to is replaced.

    Raises
    ------
    GalaxtoolError
        If the disk is full or the folder cannot be written; what stood at `path` stays.
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
            f"'{path}' could not be written: {error.strerror or error}.", hint="What stood there before is unchanged."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)
