"""Check that a disk has room for an output before the work for it begins."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from galaxtool.errors import GalaxtoolError

_MEGABYTE = 1_000_000


def check_room(path: Path, needed: int, what: str) -> None:
    """Check that the disk of an output has room for it.

    Parameters
    ----------
    path : Path
        The output, or the folder of one; it need not exist.
    needed : int
        Bytes that it will take beside what is there already.
    what : str
        What takes them, as the subject of a sentence in the plural.

    Raises
    ------
    GalaxtoolError
        If less is free. A disk that does not say how much is free is taken to have room.
    """
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100  Path.resolve would follow links
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return
    if needed > free:
        raise GalaxtoolError(
            f"The disk of '{folder}' has {free / _MEGABYTE:,.1f} MB of free space, and {what} take "
            f"{needed / _MEGABYTE:,.1f} MB.",
            hint="Make space, or write to another disk.",
        )


def measure_files(folder: Path) -> int:
    """Return the bytes of the files in a folder; 0 if there is none."""
    try:
        return sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file())
    except OSError:
        return 0
