"""Open files only if they are regular: reading a pipe may never end, and opening a device may have effects."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

TEXT_LIMIT = 64 << 20
"""Bytes of a record; larger ones are not read."""


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
        raise OSError(errno.EINVAL, "it is a pipe, a socket or a device, not a file", str(path))
    return path.open("rb")


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
