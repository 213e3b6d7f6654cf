"""Locks on files, held by one process at a time."""

from __future__ import annotations

import contextlib
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

with contextlib.suppress(ImportError):  # absent on Windows
    import fcntl

from galaxtool.utils.disk_abilities import lacks_locks


def lock_file(path: Path, *, shared: bool = False) -> TextIO | None:
    """Lock a file for this process.

    Parameters
    ----------
    path : Path
        The file; it is created where it does not exist.
    shared : bool
        Share the lock with other processes that ask for a shared one. Otherwise the file is overwritten with the
        owner of the lock; see `lock_owner`.

    Returns
    -------
    file object or None
        The open file, or None when another process holds the lock. Closing the file releases the lock, and so does the
        end of the process, however it ends. Where the platform has no `fcntl`, or the file system no locks, nothing is
        locked.
    """
    stream = path.open("a+", encoding="utf-8")
    if "fcntl" not in globals():
        return stream
    try:
        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if not lacks_locks(error):
            stream.close()
            return None
    if not shared:
        stream.truncate(0)
        stream.write(f"process {os.getpid()} on {platform.node()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        stream.flush()
    return stream


def lock_owner(path: Path) -> str:
    """Return the owner of a lock, ``process 123 on host, since ...``; empty where the file does not say."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
