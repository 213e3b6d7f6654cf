"""The files that a job keeps in its folder, known by their names; what else is there is not galaxtool's."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from galaxtool.jobs.record import FILE_NAME

LOCK = ".lock"
"""Lock file in the folder of a job: exclusive for a process that does the whole job, shared among shards."""

READING = ".reading"
"""Note in the folder of a job while images are read: who finds it knows that the process before died."""

_WORK = re.compile(r"part-\d{6,}\.parquet|batches(-\d+)?\.log")
_REST = re.compile(
    rf"{re.escape(FILE_NAME)}|{re.escape(LOCK)}(-\d+-of-\d+)?|{re.escape(READING)}(-\d+)?|\.unfinished-.*"
)


def list_work(folder: Path) -> list[Path]:
    """Return the finished parts and batches in the folder of a job."""
    return [path for path in folder.iterdir() if _WORK.fullmatch(path.name)]


def remove_job(folder: Path) -> None:
    """Remove the files of a job, and its folder unless somebody put something else there."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for path in list(folder.iterdir()):
        if _WORK.fullmatch(path.name) or _REST.fullmatch(path.name):
            with suppress(OSError):
                path.unlink()
    with suppress(OSError):
        folder.rmdir()
