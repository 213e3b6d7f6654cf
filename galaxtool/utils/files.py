"""Files written so that a reader never sees half of one, and their digests."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from galaxtool.errors import GalaxtoolError


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON-able value in its canonical form."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and put it in place only when the block ends well.

    Raises
    ------
    GalaxtoolError
        If the disk is full or the folder cannot be written; what stood at `path` stays.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".unfinished-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise GalaxtoolError(f"Nothing can be written to '{path.parent}': {error.strerror}.") from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise GalaxtoolError(
            f"'{path}' could not be written: {error.strerror or error}.", hint="What stood there before is unchanged."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically, indented, keys in the given order."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def lock_file(path: Path, *, shared: bool = False) -> Any:
    """Lock a file for this process; return the open file, or None when another process holds it.

    The lock goes with the process, however it ends. Where the platform has no `fcntl`, nothing is locked. The file says
    who holds it, see `lock_owner`; unless it is `shared` with others that say so too.
    """
    stream = path.open("a+", encoding="utf-8")
    try:
        import fcntl

        fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except ImportError:
        return stream
    except OSError:
        stream.close()
        return None
    if shared:
        return stream
    stream.truncate(0)
    stream.write(f"process {os.getpid()} on {platform.node()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
    stream.flush()
    return stream


def lock_owner(path: Path) -> str:
    """Return who holds a lock: ``process 123 on host, since ...``; empty where it does not say."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
