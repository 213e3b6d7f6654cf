"""Images of the same object with different labels: copies, the same position, and nearly the same picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import faiss
import numpy as np
from scipy.ndimage import gaussian_filter

from galaxtool.datasets.splits.leaks import Leaks
from galaxtool.datasets.splits.neighbors import connect, link_neighbors
from galaxtool.types import Progress
from galaxtool.utils.cores import count_cores

SIDE = 64
"""Side in pixels of the pictures that are compared."""

ALIKE = 0.45
"""Correlation of fine structure from which two pictures show the same; unrelated galaxies stay below 0.25."""

SAME_ARCSEC = 1.0
"""Separation up to which two positions are the same."""

MAX_TURNED = 30_000
"""Number of images up to which turned and mirrored copies are looked for too."""

_SMOOTHING = 2.0  # pixels; coarser structure is that of the galaxy, and alike in unrelated ones
_DIMS = 128
_CANDIDATES = 4
_BRIGHT = 0.15  # brightness, between that of the sky and the maximum, from which pixels are those of the galaxy
_CENTER = 16  # pixels around the centre, where galaxies look alike and radio sources have the shape of the beam
_MIN_PIXELS = 20  # effective number of pixels with structure, below which too little is left to compare
_LEAST = 0.3  # correlation after a random projection from which a pair is compared
_BATCH = 256
_MOST_IN_PAIRS = 100  # rows of a group of which all pairs are listed


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two images of the same object.

    Parameters
    ----------
    first, second : int
        Their rows.
    kind : str
        How they were found, as in "``kind`` of the other".
    """

    first: int
    second: int
    kind: str


def find_duplicates(leaks: Leaks, targets: np.ndarray, pictures: np.ndarray) -> list[Duplicate]:
    """Find images of the same object with different labels, each pair once.

    Parameters
    ----------
    leaks : Leaks
        Neighbours and copies among the N images.
    targets : ndarray of int, shape (N,)
        Label of each image.
    pictures : ndarray of uint8, shape (N, SIDE, SIDE)
        Gray pictures; one of a single value is not compared.
    """
    copies = _list_pairs(leaks.groups_of_copies(), targets)
    close = link_neighbors(leaks.ra, leaks.dec, min(SAME_ARCSEC, leaks.separation_arcsec))
    near = _list_pairs(connect(leaks.n, close), targets)
    near = near[_measure_separations(leaks, near) <= SAME_ARCSEC]
    found: dict[tuple[int, int], str] = {}
    for kind, pairs in (
        ("copy of the file", copies),
        ("at the position", near),
        ("near-duplicate", find_alike(pictures)),
    ):
        for first, second in np.sort(pairs, axis=1).tolist():
            if targets[first] != targets[second]:
                found.setdefault((first, second), kind)
    return [Duplicate(first, second, kind) for (first, second), kind in sorted(found.items())]


def _measure_separations(leaks: Leaks, pairs: np.ndarray) -> np.ndarray:
    """Return the separation of the two items of each pair, in arcsec; the pairs are close to each other."""
    ra, dec = np.deg2rad(leaks.ra[pairs]), np.deg2rad(leaks.dec[pairs])
    across = (ra[:, 0] - ra[:, 1] + np.pi) % (2 * np.pi) - np.pi
    apart: np.ndarray = np.rad2deg(np.hypot(across * np.cos(dec.mean(axis=1)), dec[:, 0] - dec[:, 1])) * 3600
    return apart


def _list_pairs(groups: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the pairs of rows in the same group that have different labels, int (P, 2).

    In a group of more than `_MOST_IN_PAIRS`, each row is paired with a single one of another label.
    """
    order = np.argsort(groups, kind="stable")
    pairs = [np.zeros((0, 2), dtype=int)]
    for part in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        labels = targets[part]
        if (labels == labels[0]).all():
            continue
        if len(part) <= _MOST_IN_PAIRS:
            first, second = np.triu_indices(len(part), k=1)
        else:
            is_other = labels != labels[0]
            first, second = np.arange(len(part)), np.where(is_other, 0, is_other.argmax())
        differ = labels[first] != labels[second]
        pairs.append(np.stack([part[first[differ]], part[second[differ]]], axis=1))
    return np.concatenate(pairs)


def find_alike(pictures: np.ndarray) -> np.ndarray:
    """Find pairs of pictures that show the same, perhaps turned, mirrored, brighter, blurred or compressed.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (N, SIDE, SIDE)
        Gray pictures.

    Returns
    -------
    ndarray of int, shape (P, 2)
        Pairs whose fine structure, noise and small sources, correlates by `ALIKE` or more. Candidates are the nearest
        in a random projection, so few pairs are missed in a large set, and none of two in a small one.
    """
    if len(pictures) < 2:
        return np.zeros((0, 2), dtype=int)
    rng = np.random.default_rng(0)
    projection = rng.normal(size=(SIDE * SIDE, _DIMS)).astype(np.float32)
    short = _project(pictures, projection)
    index = faiss.IndexFlatIP(_DIMS)
    index.add(short)
    views = 8 if len(pictures) <= MAX_TURNED else 1
    candidates: set[tuple[int, int, int]] = set()
    for view in range(views):
        queries = short if view == 0 else _project(_turn(pictures, view), projection)
        similarities, rows = index.search(queries, min(_CANDIDATES, len(pictures)))
        found, place = np.nonzero((similarities >= _LEAST) & (rows != np.arange(len(pictures))[:, None]))
        candidates.update((int(a), int(b), view) for a, b in zip(found, rows[found, place], strict=True))
    alike = set()
    for one, other, view in candidates:
        turned = _sharpen(_turn(pictures[one : one + 1], view))
        if float((turned @ _sharpen(pictures[other : other + 1]).T)[0, 0]) >= ALIKE:
            alike.add((min(one, other), max(one, other)))
    return np.array(sorted(alike), dtype=int).reshape(-1, 2)


def _turn(pictures: np.ndarray, view: int) -> np.ndarray:
    """Return pictures (N, side, side) turned by quarter turns, and mirrored from the fifth view on."""
    turned = np.rot90(pictures, view % 4, axes=(1, 2))
    return turned if view < 4 else turned.transpose(0, 2, 1)


def _sharpen(pictures: np.ndarray) -> np.ndarray:
    """Return the fine structure of pictures as unit vectors, float32 (N, SIDE * SIDE); 0 where there is none.

    Bright pixels and the centre are left out, because the galaxies themselves may look alike, such as those seen
    edge-on.
    """
    values = pictures.astype(np.float32)
    smooth = gaussian_filter(values, (0, _SMOOTHING, _SMOOTHING))
    sky = np.median(smooth, axis=(1, 2), keepdims=True)
    is_faint = smooth <= sky + _BRIGHT * (smooth.max(axis=(1, 2), keepdims=True) - sky)
    offset = np.arange(SIDE) - (SIDE - 1) / 2
    is_outside = np.hypot(offset[:, None], offset) > _CENTER
    fine = _normalize(np.where(is_faint & is_outside, values - smooth, 0).reshape(len(values), -1))
    fine[(fine**4).sum(axis=1) > 1 / _MIN_PIXELS] = 0
    return fine


def _project(pictures: np.ndarray, projection: np.ndarray) -> np.ndarray:
    parts = [_sharpen(pictures[at : at + _BATCH]) @ projection for at in range(0, len(pictures), _BATCH)]
    return _normalize(np.concatenate(parts))


def _normalize(values: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.ascontiguousarray(np.where(length > 1e-6, values / np.maximum(length, 1e-6), 0), dtype=np.float32)


def make_gray_pictures(
    rows: Sequence[int], make_picture: Callable[[int], np.ndarray | None], progress: Progress
) -> np.ndarray:
    """Return gray pictures of images, uint8 (N, SIDE, SIDE), black where one cannot be read.

    Parameters
    ----------
    rows : sequence of int
        Rows of the images.
    make_picture : callable
        Takes a row; returns a picture, uint8 (SIDE, SIDE, 3), or None.
    progress : Progress
        Receives the progress.
    """
    pictures = np.zeros((len(rows), SIDE, SIDE), dtype=np.uint8)
    progress.start("Comparing pictures", len(rows))
    with ThreadPoolExecutor(count_cores()) as pool:
        for at, picture in enumerate(pool.map(make_picture, rows)):
            if picture is not None:
                pictures[at] = picture.mean(axis=-1).round()
            progress.advance(1)
    return pictures
