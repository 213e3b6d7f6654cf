"""Files of the same content."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import blake2b, sha256

from galaxtool.containers.reading import get_image_file
from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.types import ImageRef
from galaxtool.utils.digests import hash_file

_END = 16384


def same_content(refs: Sequence[ImageRef | None]) -> list[tuple[int, int]]:
    """Return pairs that link all the files of one content.

    Parameters
    ----------
    refs : sequence of ImageRef or None
        N of them; of an image with one file per band, the first file is compared. An image that is not a file, or
        cannot be read, has no copies.

    Returns
    -------
    list of (int, int)
        Places in `refs`; together they connect every two files that are the same, be it in name or content.

    Notes
    -----
    Cutouts of a survey are often all of one size. So of files of equal size only both ends are read, and the whole of
    those whose ends are equal.
    """
    by_ref: dict[ImageRef, list[int]] = defaultdict(list)
    for i, ref in enumerate(refs):
        if ref is not None:
            by_ref[replace(ref, bands=())].append(i)
    pairs = [(places[0], i) for places in by_ref.values() for i in places[1:]]
    first = {ref: places[0] for ref, places in by_ref.items()}
    groups = [list(by_ref)]
    with ThreadPoolExecutor(min(16, 4 + (os.cpu_count() or 1))) as pool:
        for digest in (_size, _ends, _whole):
            groups = [group for alike in groups for group in _alike(alike, digest, pool)]
    return pairs + [(first[group[0]], first[ref]) for group in groups for ref in group[1:]]


def _alike(
    refs: Sequence[ImageRef], digest: Callable[[ImageRef], Hashable], pool: ThreadPoolExecutor
) -> Iterable[list[ImageRef]]:
    """Return the groups of two or more with an equal digest."""
    by_digest: dict[Hashable, list[ImageRef]] = defaultdict(list)
    for ref, value in zip(refs, pool.map(digest, refs), strict=True):
        if value is not None:
            by_digest[value].append(ref)
    return [group for group in by_digest.values() if len(group) > 1]


def _size(ref: ImageRef) -> int | None:
    if ref.container:
        return None if (member := _member(ref)) is None else member.size
    try:
        status = ref.path.stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _ends(ref: ImageRef) -> bytes | None:
    """Return a digest of how a file begins and ends."""
    if ref.container:
        return None if (member := _member(ref)) is None else _ends_of(member.content())
    try:
        with ref.path.open("rb") as stream:
            head = stream.read(_END)
            stream.seek(max(len(head), stream.seek(0, os.SEEK_END) - _END))
            return blake2b(head + stream.read()).digest()
    except OSError:
        return None


def _whole(ref: ImageRef) -> str | None:
    if ref.container:
        return None if (member := _member(ref)) is None else sha256(member.content()).hexdigest()
    try:
        return hash_file(ref.path)
    except OSError:
        return None


def _member(ref: ImageRef) -> ImageFile | None:
    """Return a file in an archive; None for a row of a stack, and for a file that cannot be read."""
    try:
        return get_image_file(ref)
    except UnreadableImage:
        return None


def _ends_of(content: bytes) -> bytes:
    return blake2b(content[:_END] + content[max(min(_END, len(content)), len(content) - _END) :]).digest()
