"""Index of the members of an archive: 16 bytes per name and 8 per number, so a million take some tens of megabytes.

The index of a large or compressed archive is stored in the folder ``archives`` of galaxtool's cache, so that worker
processes and later commands need not scan the archive again. It is found by the path, size and time of the archive and
by the suffixes of images, to which a plugin may add, and contains no names and no pixels.
"""

from __future__ import annotations

import os
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import numpy as np

from galaxtool.containers.protocols import Member
from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.reading import list_image_suffixes
from galaxtool.utils.config import cache_dir
from galaxtool.utils.files.atomic_write import atomic_write

_MANY = 10_000
_LARGE = 2**24
_MOST_MEMBERS = 4_000_000
_MOST_FILES = 32
_lock = threading.RLock()
_kept: OrderedDict[tuple[str, int, int, int], MemberIndex] = OrderedDict()


class MemberIndex:
    """Numbers of each member, such as its offset and size, by key.

    Parameters
    ----------
    table : ndarray of int64, shape (2 + k, N)
        The two halves of the digest of each key, ascending, and k numbers.
    problem : str
        Problem with the archive after the last member, in one sentence; empty if there is none.
    """

    def __init__(self, table: np.ndarray, problem: str = "") -> None:
        self.table, self.problem = table, problem

    def __len__(self) -> int:
        count: int = self.table.shape[1]
        return count

    def find(self, key: str) -> tuple[int, ...] | None:
        """Return the numbers of a key, or None."""
        first, second = np.frombuffer(_digest(key), dtype=np.int64).tolist()
        row = int(np.searchsorted(self.table[0], first))
        while row < len(self) and self.table[0, row] == first:
            if self.table[1, row] == second:
                return tuple(self.table[2:, row].tolist())
            row += 1
        return None


class Archive(Protocol):
    """A container that stores an index while it lists its members."""

    problem: str

    def members(self, path: Path) -> Iterator[Member]:
        """Yield the members; the problem is known after the last one."""


class IndexBuilder:
    """Collects the members of an archive for an index.

    Parameters
    ----------
    numbers : int
        Number of values for each key.
    """

    def __init__(self, numbers: int) -> None:
        self._numbers = numbers
        self._digests, self._rows = bytearray(), array("q")

    def add(self, key: str, *numbers: int) -> None:
        """Add a member."""
        self._digests += _digest(key)
        self._rows.extend(numbers)

    def build(self, problem: str = "") -> MemberIndex:
        """Return the index of all members added."""
        digests = np.frombuffer(bytes(self._digests), dtype=np.int64).reshape(-1, 2)
        rows = np.array(self._rows, dtype=np.int64).reshape(-1, self._numbers)
        order = np.lexsort((digests[:, 1], digests[:, 0]))
        return MemberIndex(np.ascontiguousarray(np.hstack([digests, rows])[order].T), problem)


def identify_file(path: Path) -> tuple[str, int, int, int]:
    """Return a key that differs between files, and changes when the file changes.

    Raises
    ------
    OSError
        If the file does not exist.
    """
    status = path.stat()
    absolute = os.path.abspath(path)  # noqa: PTH100  Path.resolve would follow links, and ask the disk for each part
    return absolute, status.st_ino, status.st_size, status.st_mtime_ns


def get_index(path: Path, build: Callable[[], MemberIndex]) -> MemberIndex:
    """Return the index of an archive: from memory, from an earlier process, or built now."""
    with _lock:  # other threads wait for the index instead of building it too
        key = identify_file(path)
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
        index = _read(_cache_path(key)) or build()
        store_index(path, index)
        return index


def scan_archive(container: Archive, path: Path, numbers: int) -> MemberIndex:
    """Return the index that listing the members of an archive stores, as far as the archive is readable.

    Parameters
    ----------
    container : Archive
        Container that was not used before.
    path : Path
        Path of the archive.
    numbers : int
        Number of values for each key.

    Raises
    ------
    UnreadableImage
        If no part of the archive is readable.
    """
    try:
        for _ in container.members(path):
            pass
    except UnreadableImage:
        if not container.problem:
            raise
    return get_index(path, IndexBuilder(numbers).build)


def store_index(path: Path, index: MemberIndex) -> None:
    """Keep the index of an archive in memory, and on disk if it was slow to build."""
    with _lock:
        key = identify_file(path)
        _kept[key] = index
        _kept.move_to_end(key)
        while len(_kept) > 1 and sum(map(len, _kept.values())) > _MOST_MEMBERS:
            _kept.popitem(last=False)
    if not index.problem and (len(index) >= _MANY or key[2] >= _LARGE):
        _write(_cache_path(key), index)


def _digest(key: str) -> bytes:
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _cache_path(key: tuple[str, int, int, int]) -> Path:
    name = "\0".join((*map(str, key), *list_image_suffixes())).encode("utf-8", "surrogateescape")
    return cache_dir() / "archives" / f"{blake2b(name, digest_size=16).hexdigest()}.npy"


def _read(place: Path) -> MemberIndex | None:
    with suppress(OSError, ValueError, EOFError):
        table = np.load(place, mmap_mode="r", allow_pickle=False)
        if table.dtype == np.int64 and table.ndim == 2:
            return MemberIndex(table)
    return None


def _write(place: Path, index: MemberIndex) -> None:
    """Store an index on disk, if possible, and delete the oldest ones if there are many."""
    if place.exists():
        return
    with suppress(GalaxtoolError, OSError):
        with atomic_write(place) as temporary, temporary.open("wb") as stream:
            np.save(stream, index.table)
        files = sorted(place.parent.glob("*.npy"), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in files[_MOST_FILES:]:
            old.unlink(missing_ok=True)
