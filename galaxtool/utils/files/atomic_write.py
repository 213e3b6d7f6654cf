"""Write files so that no reader ever sees half of one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from galaxtool.errors import GalaxtoolError
from galaxtool.utils.files.disk_abilities import set_mode, sync_file
from galaxtool.utils.files.regular_files import NOT_REGULAR, is_special

_WATCHED: dict[str, set[str]] = {}
_NEXT = "Write to another folder, or check the permissions and the space on the disk."


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block ends without an exception.

    Raises
    ------
    GalaxtoolError
        If the disk is full, the folder cannot be written to, or `path` is a pipe, a socket or a device. A file that was
        at `path` before is unchanged.
    """
    _refuse_special(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".unfinished-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise GalaxtoolError(f"Cannot write to the folder '{path.parent}': {error.strerror}.", hint=_NEXT) from error
    temporary = Path(name)
    try:
        yield temporary
        set_mode(temporary, 0o666 & ~_read_umask())
        sync_file(temporary)
        temporary.replace(path)
        _note_written(path)
    except OSError as error:
        raise GalaxtoolError(
            f"Cannot write '{path}': {error.strerror or error}.", hint="A file that was there before is unchanged."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Check that a file or folder can be created or replaced, before the work that ends in it.

    Raises
    ------
    GalaxtoolError
        If what is above it is not a folder, or cannot be written to; or if it is a pipe, a socket or a device.
    """
    _refuse_special(path)
    above = Path(os.path.abspath(path)).parent  # noqa: PTH100  Path.resolve would follow links
    while not os.path.lexists(above) and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise GalaxtoolError(f"Cannot write '{path}': '{above}' is not a folder.", hint=_NEXT)
    if not os.access(above, os.W_OK | os.X_OK):
        raise GalaxtoolError(f"Cannot write '{path}': the folder '{above}' cannot be written to.", hint=_NEXT)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically, indented, with the keys in the given order."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def watch_writes(folder: Path) -> set[str]:
    """Return a set that will have the absolute path of each file that `atomic_write` writes below a folder."""
    return _WATCHED.setdefault(os.path.abspath(folder), set())  # noqa: PTH100  Path.resolve would follow links


def forget_writes(folder: Path) -> None:
    """End what `watch_writes` began."""
    _WATCHED.pop(os.path.abspath(folder), None)  # noqa: PTH100


def _note_written(path: Path) -> None:
    if _WATCHED:
        name = os.path.abspath(path)  # noqa: PTH100
        for folder, written in list(_WATCHED.items()):
            if name.startswith(folder + os.sep):
                written.add(name)


def _refuse_special(path: Path) -> None:
    """Raise `GalaxtoolError` for a path that a file would replace and nobody could use any more, such as /dev/null."""
    if is_special(path):
        raise GalaxtoolError(f"Cannot write '{path}': {NOT_REGULAR}.", hint="Give the output another name.")


def _read_umask() -> int:
    """Return the umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
