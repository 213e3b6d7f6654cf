"""The nearest neighbours of every vector among all of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from galaxtool.search.index.ivf import choose_cluster_count
from galaxtool.types import Progress
from galaxtool.utils.cores import count_cores

MAX_EXACT = 30_000
"""Number of vectors up to which every pair is compared."""

TARGET = 0.95
"""Fraction of the true neighbours from which no more clusters are searched."""

_MAX_DIMS = 64  # clusters are searched in the leading principal components
_EXTRA = 5  # candidates beyond the neighbours that are kept
_QUERIES = 100
_MIN_GAIN = 0.02  # recall that doubling the work must gain
_MOST_PROBES = 32
_BATCH = 32  # vectors of the neighbours of so many fit into the cache of a processor
_SEARCHED = 50_000


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The k nearest neighbours of each of N vectors.

    Parameters
    ----------
    rows : ndarray of int, shape (N, k)
        Rows of the neighbours, the nearest first; a vector is not its own neighbour.
    distances : ndarray of float32, shape (N, k)
        Euclidean distances.
    recall : float or None
        Fraction of the true neighbours that were found, measured on 100 vectors; None if every pair was compared.
    """

    rows: np.ndarray
    distances: np.ndarray
    recall: float | None = None


def find_neighbors(vectors: np.ndarray, k: int, progress: Progress, *, max_exact: int = MAX_EXACT) -> Neighbors:
    """Find the nearest neighbours of every vector.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        Finite vectors, C order.
    k : int
        Number of neighbours, below N.
    progress : Progress
        Receives the progress.
    max_exact : int
        Number of vectors up to which every pair is compared. Above, candidates are searched for in clusters of the
        leading principal components, and ordered by their true distance.
    """
    progress.start("Finding neighbours", len(vectors))
    if len(vectors) <= max_exact:
        index, wanted = faiss.IndexFlatL2(vectors.shape[1]), k
        index.add(vectors)
    else:
        index, wanted = _build_index(vectors), min(k + _EXTRA, len(vectors) - 1)
    rows = np.empty((len(vectors), k), dtype=np.int64)
    distances = np.empty((len(vectors), k), dtype=np.float32)
    recall = None if len(vectors) <= max_exact else _tune(index, vectors, k, wanted)
    for start in range(0, len(vectors), _SEARCHED):
        queries = np.arange(start, min(start + _SEARCHED, len(vectors)))
        rows[queries], distances[queries] = _search(index, vectors, queries, k, wanted)
        progress.advance(len(queries))
    return Neighbors(rows, distances, recall)


def _build_index(vectors: np.ndarray) -> Any:
    """Return an index of clusters of the leading principal components."""
    dim = vectors.shape[1]
    clusters = choose_cluster_count(len(vectors)) // 2
    reduced = f"PCA{_MAX_DIMS}," if dim > _MAX_DIMS else ""
    index = faiss.index_factory(dim, f"{reduced}IVF{clusters},Flat")
    inverted = faiss.extract_index_ivf(index)
    inverted.cp.min_points_per_centroid = 1
    inverted.cp.max_points_per_centroid = 40
    inverted.cp.niter = 10
    index.train(vectors)
    index.add(vectors)
    inverted.nprobe = 2
    return index


def _tune(index: Any, vectors: np.ndarray, k: int, wanted: int) -> float:
    """Search more clusters until enough of the true neighbours are found; return the fraction that is."""
    inverted = faiss.extract_index_ivf(index)
    some = np.sort(np.random.default_rng(0).permutation(len(vectors))[:_QUERIES])
    _, found = faiss.knn(vectors[some], vectors, k + 1)
    farthest = _drop_self(found, some)[:, -1]
    least = np.linalg.norm(vectors[farthest] - vectors[some], axis=1)
    recall = 0.0
    while True:
        _, distances = _search(index, vectors, some, k, wanted)
        before, recall = recall, float((distances <= least[:, None] * (1 + 1e-5) + 1e-6).mean())
        if recall >= TARGET or recall - before < _MIN_GAIN or inverted.nprobe >= min(_MOST_PROBES, inverted.nlist):
            return recall
        inverted.nprobe = min(2 * inverted.nprobe, inverted.nlist)


def _search(index: Any, vectors: np.ndarray, queries: np.ndarray, k: int, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the neighbours of some rows and their true distances, both of shape (len(queries), k)."""
    _, found = index.search(vectors[queries], wanted + 1)
    if len(short := np.flatnonzero((found < 0).any(axis=1))):  # the clusters visited hold too few vectors
        found[short] = _search_all_clusters(index, vectors[queries[short]], wanted + 1)
    candidates = _drop_self(found, queries)
    distances = np.empty(candidates.shape, dtype=np.float32)

    def measure(start: int) -> None:
        part = slice(start, start + _BATCH)
        offsets = vectors[candidates[part]]
        offsets -= vectors[queries[part], None]
        distances[part] = np.sqrt(np.einsum("qkd,qkd->qk", offsets, offsets))

    with ThreadPoolExecutor(count_cores()) as pool:
        list(pool.map(measure, range(0, len(queries), _BATCH)))
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(distances, order, axis=1)


def _search_all_clusters(index: Any, queries: np.ndarray, k: int) -> np.ndarray:
    inverted = faiss.extract_index_ivf(index)
    usual, inverted.nprobe = inverted.nprobe, inverted.nlist
    found: np.ndarray = index.search(queries, k)[1]
    inverted.nprobe = usual
    return found


def _drop_self(found: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Return found rows without the query itself, or without the last one where copies have displaced the query."""
    keep = found != queries[:, None]
    keep[keep.all(axis=1), -1] = False
    others: np.ndarray = found[keep].reshape(len(found), -1)
    return others
