"""Features that file systems of clusters may lack and galaxtool can do without: locks, file modes and fsync."""

from __future__ import annotations

import errno
import logging
import os
from functools import cache
from pathlib import Path

_UNSUPPORTED = frozenset(
    getattr(errno, name)
    for name in ("ENOSYS", "ENOLCK", "EOPNOTSUPP", "ENOTSUP", "EINVAL", "ENOTTY", "EPERM", "EACCES", "EROFS")
    if hasattr(errno, name)
)
_LOGGER = logging.getLogger("galaxtool")


def set_mode(path: Path, mode: int) -> None:
    """Set the mode of a file, where the file system has modes."""
    try:
        path.chmod(mode)
    except OSError as error:
        _tolerate(error, "does not let galaxtool set the permissions of files, so they keep those that it gives them")


def sync_file(path: Path) -> None:
    """Wait until the content of a file is on the disk, where the file system can do that."""
    with path.open("rb") as stream:
        try:
            os.fsync(stream.fileno())
        except OSError as error:
            _tolerate(error, "does not confirm writing (fsync), so a power failure could lose the newest files")


def lacks_locks(error: OSError) -> bool:
    """Tell whether locking failed because the file system has no locks; warn once if so."""
    if error.errno not in _UNSUPPORTED - {errno.EACCES}:
        return False
    _tolerate(error, "has no locks, so make sure that no other command writes to the same output at the same time")
    return True


def _tolerate(error: OSError, what: str) -> None:
    if error.errno not in _UNSUPPORTED:
        raise error
    _warn_once(f"Warning: The file system {what} ({error.strerror}).")


@cache
def _warn_once(message: str) -> None:
    _LOGGER.warning(message)
