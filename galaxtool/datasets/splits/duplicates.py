"""Files with the same content."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256

from galaxtool.inputs.probe import END_BYTES, FileProber, find_member
from galaxtool.types import ImageRef
from galaxtool.utils.digests import hash_file


def find_identical_files(refs: Sequence[ImageRef | None], *, prober: FileProber | None = None) -> list[tuple[int, int]]:
    """Return pairs that link all files with the same content.

    Parameters
    ----------
    refs : sequence of ImageRef or None
        N images; of an image with one file per band, the first file is compared. An image that is not a file, or
        cannot be read, has no copies.
    prober : FileProber, optional
        Opens the files; by default a new one.

    Returns
    -------
    list of (int, int)
        Indices into `refs`. Together the pairs connect every two files with the same name or the same content.

    Notes
    -----
    The cutouts of a survey often all have the same size. So of files of equal size only both ends are compared, and
    the whole content only if the ends are equal and do not cover all of it.
    """
    prober = prober or FileProber()
    by_ref: dict[ImageRef, list[int]] = defaultdict(list)
    for i, ref in enumerate(refs):
        if ref is not None:
            by_ref[replace(ref, bands=())].append(i)
    pairs = [(indices[0], i) for indices in by_ref.values() for i in indices[1:]]
    groups = [list(by_ref)]
    groups = _divide(groups, prober.sizes(_flatten(groups)))
    groups = _divide(groups, [probe.digest for probe in prober.probe(_flatten(groups), positions=False)])
    groups = _divide(groups, _full_digests(_flatten(groups), prober))
    return pairs + [(by_ref[group[0]][0], by_ref[ref][0]) for group in groups for ref in group[1:]]


def _flatten(groups: Sequence[Sequence[ImageRef]]) -> list[ImageRef]:
    return [ref for group in groups for ref in group]


def _divide(groups: Sequence[Sequence[ImageRef]], keys: Sequence[Hashable]) -> list[list[ImageRef]]:
    """Divide groups by a key of each image; keep the groups of two or more images whose key is not None."""
    remaining = iter(keys)
    divided = []
    for group in groups:
        by_key: dict[Hashable, list[ImageRef]] = defaultdict(list)
        for ref in group:
            if (key := next(remaining)) is not None:
                by_key[key].append(ref)
        divided += [alike for alike in by_key.values() if len(alike) > 1]
    return divided


def _full_digests(refs: Sequence[ImageRef], prober: FileProber) -> list[Hashable]:
    """Return a digest of the whole content of each file; None for a file that cannot be read."""
    probes = prober.probe(refs, positions=False)
    is_covered = [probe.size is not None and probe.size <= 2 * END_BYTES for probe in probes]
    with ThreadPoolExecutor(min(16, 4 + (os.cpu_count() or 1))) as pool:
        digests = pool.map(_digest, [ref for ref, covered in zip(refs, is_covered, strict=True) if not covered])
        return [probe.digest if covered else next(digests) for probe, covered in zip(probes, is_covered, strict=True)]


def _digest(ref: ImageRef) -> str | None:
    if ref.container:
        return None if (member := find_member(ref)) is None else sha256(member.content()).hexdigest()
    try:
        return hash_file(ref.path)
    except OSError:
        return None
