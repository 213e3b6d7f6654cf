"""Files of the same content."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b, sha256
from pathlib import Path

from galaxtool.inputs.read_item import member_at
from galaxtool.utils.digests import hash_file

_END = 16384


def same_content(paths: Sequence[Path | None]) -> list[tuple[int, int]]:
    """Return pairs that link all the files of one content.

    Parameters
    ----------
    paths : sequence of Path or None
        N of them; a file in an archive as ``archive.tar[name]``. What is no file, or cannot be read, has no copies.

    Returns
    -------
    list of (int, int)
        Places in `paths`; together they connect every two files that are the same, be it in name or content.

    Notes
    -----
    Cutouts of a survey are often all of one size. So of files of equal size only both ends are read, and the whole of
    those whose ends are equal.
    """
    by_path: dict[Path, list[int]] = defaultdict(list)
    for i, path in enumerate(paths):
        if path is not None:
            by_path[path].append(i)
    pairs = [(places[0], i) for places in by_path.values() for i in places[1:]]
    first = {path: places[0] for path, places in by_path.items()}
    groups = [list(by_path)]
    with ThreadPoolExecutor(min(16, 4 + (os.cpu_count() or 1))) as pool:
        for digest in (_size, _ends, _whole):
            groups = [group for alike in groups for group in _alike(alike, digest, pool)]
    return pairs + [(first[group[0]], first[path]) for group in groups for path in group[1:]]


def _alike(paths: Sequence[Path], digest: Callable[[Path], Hashable], pool: ThreadPoolExecutor) -> Iterable[list[Path]]:
    """Return the groups of two or more with an equal digest."""
    by_digest: dict[Hashable, list[Path]] = defaultdict(list)
    for path, value in zip(paths, pool.map(digest, paths), strict=True):
        if value is not None:
            by_digest[value].append(path)
    return [group for group in by_digest.values() if len(group) > 1]


def _size(path: Path) -> int | None:
    try:
        status = path.stat()
    except OSError:
        return None if (member := member_at(path)) is None else member.size
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _ends(path: Path) -> bytes | None:
    """Return a digest of how a file begins and ends."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_END)
            stream.seek(max(len(head), stream.seek(0, os.SEEK_END) - _END))
            return blake2b(head + stream.read()).digest()
    except OSError:
        return None if (member := member_at(path)) is None else _ends_of(member.content())


def _whole(path: Path) -> str | None:
    try:
        return hash_file(path)
    except OSError:
        return None if (member := member_at(path)) is None else sha256(member.content()).hexdigest()


def _ends_of(content: bytes) -> bytes:
    return blake2b(content[:_END] + content[max(min(_END, len(content)), len(content) - _END) :]).digest()
