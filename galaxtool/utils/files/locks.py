"""Locks on files, held by one process at a time."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

with contextlib.suppress(ImportError):  # absent on Windows
    import fcntl

from galaxtool.utils.files.disk_abilities import lacks_locks
from galaxtool.utils.files.regular_files import read_regular_text

_MOST_BYTES = 1024


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

    Raises
    ------
    OSError
        If the file cannot be opened, or is a link, a pipe or a device.
    """
    stream = _open(path)
    if "fcntl" not in globals():
        return stream
    try:
        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if not lacks_locks(error):
            stream.close()
            return None
    if not shared and os.fstat(stream.fileno()).st_nlink <= 1:  # under another name it is a file of others
        stream.truncate(0)
        stream.write(f"process {os.getpid()} on {platform.node()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        stream.flush()
    return stream


def _open(path: Path) -> TextIO:
    """Open a lock file, which may be neither a link nor a pipe: what a link points to belongs to others."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, f"its lock '{path.name}' is a link", str(path))
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    number = os.open(path, flags, 0o666)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, f"its lock '{path.name}' is not a regular file", str(path))
    return os.fdopen(number, "a+", encoding="utf-8")


def lock_owner(path: Path) -> str:
    """Return the owner of a lock, ``process 123 on host, since ...``; empty where the file does not say."""
    try:
        return read_regular_text(path, _MOST_BYTES)
    except (OSError, UnicodeDecodeError):
        return ""
