"""The recall of an index, measured: the fraction of the true nearest neighbors that it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

K = 10
"""Number of neighbors of each query."""

QUERIES = 1000
"""Largest number of queries."""

TARGET = 0.98
"""Recall at which `tune_probes` stops."""

_TIE = 1e-6  # similarities closer than this are equal within the rounding of float32 sums
_MIN_GAIN = 0.002  # recall that doubling the work must gain


@dataclass(frozen=True)
class ExactNeighbors:
    """The true neighbors of some of the indexed vectors, from an exhaustive search.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        All indexed vectors, of unit length.
    rows : ndarray of int, shape (Q,)
        Rows of the query vectors.
    k : int
        Number of neighbors of each query, without the query itself.
    least : ndarray of float32, shape (Q,)
        Similarity of the k-th neighbor.
    """

    vectors: np.ndarray
    rows: np.ndarray
    k: int
    least: np.ndarray

    @classmethod
    def find(cls, vectors: np.ndarray, *, k: int = K, queries: int = QUERIES, seed: int = 0) -> ExactNeighbors:
        """Search exhaustively for the neighbors of at most `queries` vectors drawn at random."""
        n = len(vectors)
        rows = np.sort(np.random.default_rng(seed).permutation(n)[:queries])
        k = min(k, n - 1)
        similarities, found = faiss.knn(vectors[rows], vectors, k + 1, metric=faiss.METRIC_INNER_PRODUCT)
        # where there are exact duplicates, the vector itself may be missing; then the last one is one too many
        others = np.where(found == rows[:, None], np.inf, similarities)
        return cls(vectors, rows, k, np.sort(others, axis=1)[:, 0] if k else np.zeros(len(rows), np.float32))

    def recall(self, index: Any) -> float:
        """Return the fraction of the true neighbors that an index finds.

        Any neighbor that is as near as the k-th counts, whichever of several equally near ones it is. With a single
        vector there is nothing to find, and the fraction is 1.
        """
        if self.k == 0:
            return 1.0
        queries = self.vectors[self.rows]
        _, found = index.search(queries, self.k + 1)
        true = np.einsum("qd,qkd->qk", queries, self.vectors[found])
        hit = (found >= 0) & (found != self.rows[:, None]) & (true >= self.least[:, None] - _TIE)
        return float(np.minimum(hit.sum(axis=1), self.k).mean() / self.k)


def tune_probes(index: Any, exact: ExactNeighbors, target: float = TARGET) -> float:
    """Raise the number of clusters that an inverted-file index visits until it finds enough, and return the recall.

    The number is doubled until the recall reaches the target, or until doubling gains next to nothing: what is then
    missing is lost to rounding. Other kinds of index stay as they are.
    """
    recall = exact.recall(index)
    while isinstance(index, faiss.IndexIVF) and recall < target and index.nprobe < index.nlist:
        before, visited = recall, index.nprobe
        index.nprobe = min(2 * visited, index.nlist)
        recall = exact.recall(index)
        if recall - before < _MIN_GAIN:
            index.nprobe = visited
            return before
    return recall
