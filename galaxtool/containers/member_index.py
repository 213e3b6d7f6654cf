"""Where the members of an archive lie: 16 bytes a name and 8 a number, so that a million take some tens of megabytes.

The list of a large archive, or of a packed one, is kept in the folder ``archives`` of galaxtool's cache, so that worker
processes, and the next command, need not go through the archive again. It is found by the archive's path, size and
time, and holds no name and no pixel.
"""

from __future__ import annotations

import os
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np

from galaxtool.errors import GalaxtoolError
from galaxtool.utils.atomic_write import atomic_write
from galaxtool.utils.config import cache_dir

_MANY = 10_000
_LARGE = 2**24
_MOST_MEMBERS = 4_000_000
_MOST_FILES = 32
_lock = threading.RLock()
_kept: OrderedDict[tuple[str, int, int, int], MemberIndex] = OrderedDict()


class MemberIndex:
    """Numbers by key.

    Parameters
    ----------
    table : ndarray of int64, shape (2 + k, N)
        The two halves of each key's digest, ascending, and k numbers.
    problem : str
        What is wrong with the archive behind the last member, in one sentence; else empty.
    """

    def __init__(self, table: np.ndarray, problem: str = "") -> None:
        self.table, self.problem = table, problem

    def __len__(self) -> int:
        return self.table.shape[1]

    def find(self, key: str) -> tuple[int, ...] | None:
        """Return a key's numbers, or None."""
        first, second = np.frombuffer(_digest(key), dtype=np.int64).tolist()
        row = int(np.searchsorted(self.table[0], first))
        while row < len(self) and self.table[0, row] == first:
            if self.table[1, row] == second:
                return tuple(self.table[2:, row].tolist())
            row += 1
        return None


class IndexBuilder:
    """Collects the members of an archive.

    Parameters
    ----------
    numbers : int
        How many go with each key.
    """

    def __init__(self, numbers: int) -> None:
        self._numbers = numbers
        self._digests, self._rows = bytearray(), array("q")

    def add(self, key: str, *numbers: int) -> None:
        """Add a member."""
        self._digests += _digest(key)
        self._rows.extend(numbers)

    def built(self, problem: str = "") -> MemberIndex:
        """Return the index of all that was added."""
        digests = np.frombuffer(bytes(self._digests), dtype=np.int64).reshape(-1, 2)
        rows = np.array(self._rows, dtype=np.int64).reshape(-1, self._numbers)
        order = np.lexsort((digests[:, 1], digests[:, 0]))
        return MemberIndex(np.ascontiguousarray(np.hstack([digests, rows])[order].T), problem)


def identity(path: Path) -> tuple[str, int, int, int]:
    """Return what tells a file from another, and from what it was before it changed.

    Raises
    ------
    OSError
        If it is not there.
    """
    status = path.stat()
    absolute = os.path.abspath(path)  # noqa: PTH100  Path.resolve would follow links, and ask the disk for each part
    return absolute, status.st_ino, status.st_size, status.st_mtime_ns


def index_of(path: Path, build: Callable[[], MemberIndex]) -> MemberIndex:
    """Return the index of an archive: known already, kept by an earlier process, or made now."""
    with _lock:  # the others wait for it rather than each make it
        key = identity(path)
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
        index = _read(_place(key)) or build()
        remember(path, index)
        return index


def remember(path: Path, index: MemberIndex) -> None:
    """Keep the index of an archive for this process, and for others where it took long to make."""
    with _lock:
        key = identity(path)
        _kept[key] = index
        _kept.move_to_end(key)
        while len(_kept) > 1 and sum(map(len, _kept.values())) > _MOST_MEMBERS:
            _kept.popitem(last=False)
    if not index.problem and (len(index) >= _MANY or key[2] >= _LARGE):
        _write(_place(key), index)


def _digest(key: str) -> bytes:
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _place(key: tuple[str, int, int, int]) -> Path:
    name = "\0".join(map(str, key)).encode("utf-8", "surrogateescape")
    return cache_dir() / "archives" / f"{blake2b(name, digest_size=16).hexdigest()}.npy"


def _read(place: Path) -> MemberIndex | None:
    with suppress(OSError, ValueError, EOFError):
        table = np.load(place, mmap_mode="r", allow_pickle=False)
        if table.dtype == np.int64 and table.ndim == 2:
            return MemberIndex(table)
    return None


def _write(place: Path, index: MemberIndex) -> None:
    """Keep an index on disk, if that can be done, in place of the oldest where there are many."""
    if place.exists():
        return
    with suppress(GalaxtoolError, OSError):
        with atomic_write(place) as temporary, temporary.open("wb") as stream:
            np.save(stream, index.table)
        files = sorted(place.parent.glob("*.npy"), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in files[_MOST_FILES:]:
            old.unlink(missing_ok=True)
