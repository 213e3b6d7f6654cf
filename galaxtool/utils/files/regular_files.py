"""Open files only if they are regular: reading a pipe may never end, and opening a device may have effects."""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from pathlib import Path
from typing import BinaryIO

TEXT_LIMIT = 64 << 20
"""Bytes of a record; larger ones are not read."""

NOT_REGULAR = "it is a pipe, a socket or a device, not a file"
"""Why such a thing is neither read nor written, as the end of a sentence."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading in binary.

    Raises
    ------
    OSError
        If there is no such file, or it is a folder, a pipe, a socket or a device.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, NOT_REGULAR, str(path))
    return path.open("rb")


def open_to_append(path: Path, *, follow: bool = False) -> FileIO:
    """Open a regular file to append to, and create it if it does not exist.

    Parameters
    ----------
    path : Path
        The file.
    follow : bool
        Whether it may be a link to another file.

    Raises
    ------
    OSError
        If it cannot be opened, or is a link, a pipe, a socket or a device.
    """
    if path.is_symlink() and not follow:
        raise OSError(errno.ELOOP, "it is a link to another file", str(path))
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NONBLOCK", 0)
    number = os.open(path, flags | (0 if follow else getattr(os, "O_NOFOLLOW", 0)), 0o666)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, NOT_REGULAR, str(path))
    return FileIO(number, "ab")


def is_special(path: Path) -> bool:
    """Tell whether something is at a path that is neither a file nor a folder: a pipe, a socket or a device."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def is_below(path: Path, folder: Path) -> bool:
    """Tell whether a path leads to something in a folder or its folders, links followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def read_regular_text(path: Path, limit: int = TEXT_LIMIT) -> str:
    """Read a regular file of UTF-8 text.

    Parameters
    ----------
    path : Path
        The file.
    limit : int
        Bytes that it may have.

    Raises
    ------
    OSError
        If it cannot be opened, is not a regular file, or is larger.
    UnicodeDecodeError
        If it is not UTF-8.
    """
    with open_regular(path) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit >> 20} MB", str(path))
    return content.decode("utf-8")
