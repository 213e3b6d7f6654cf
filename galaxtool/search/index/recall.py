"""How many of the true neighbours an index finds, measured rather than promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

K = 10
QUERIES = 1000
TARGET = 0.98
_TIE = 1e-6  # similarities closer than float32 sums agree are a tie
_WORTH = 0.002  # recall that twice the work must gain


@dataclass(frozen=True)
class Exact:
    """The true neighbours of some of the indexed vectors, by exhaustive search.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        All that was indexed, unit length.
    rows : ndarray of int, shape (Q,)
        Those that are asked for.
    k : int
        Neighbours of each, itself not counted.
    least : ndarray of float32, shape (Q,)
        Similarity of the k-th.
    """

    vectors: np.ndarray
    rows: np.ndarray
    k: int
    least: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray, *, k: int = K, queries: int = QUERIES, seed: int = 0) -> Exact:
        """Search exhaustively for the neighbours of at most `queries` vectors drawn at random."""
        n = len(vectors)
        rows = np.sort(np.random.default_rng(seed).permutation(n)[:queries])
        k = min(k, n - 1)
        similarities, found = faiss.knn(vectors[rows], vectors, k + 1, metric=faiss.METRIC_INNER_PRODUCT)
        # of exact duplicates the vector itself may be missing; then the last is one too many
        others = np.where(found == rows[:, None], np.inf, similarities)
        return cls(vectors, rows, k, np.sort(others, axis=1)[:, 0] if k else np.zeros(len(rows), np.float32))

    def recall(self, index: Any) -> float:
        """Return the fraction of the true neighbours that an index finds.

        A neighbour that is as near as the k-th counts, whichever of several equally near ones it is. With a single
        vector there is nothing to find, and the fraction is 1.
        """
        if self.k == 0:
            return 1.0
        queries = self.vectors[self.rows]
        _, found = index.search(queries, self.k + 1)
        true = np.einsum("qd,qkd->qk", queries, self.vectors[found])
        hit = (found >= 0) & (found != self.rows[:, None]) & (true >= self.least[:, None] - _TIE)
        return float(np.minimum(hit.sum(axis=1), self.k).mean() / self.k)


def tune(index: Any, exact: Exact, target: float = TARGET) -> float:
    """Let an inverted file visit more clusters until it finds enough, and return the recall.

    The number is doubled until the recall reaches the target or twice the work gains next to nothing (what is then
    missing is lost to rounding). Other kinds of index stay as they are.
    """
    recall = exact.recall(index)
    while isinstance(index, faiss.IndexIVF) and recall < target and index.nprobe < index.nlist:
        before, visited = recall, index.nprobe
        index.nprobe = min(2 * visited, index.nlist)
        recall = exact.recall(index)
        if recall - before < _WORTH:
            index.nprobe = visited
            return before
    return recall
