"""The recall of an index, measured: the fraction of the true nearest neighbours that it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import faiss
import numpy as np

from galaxtool.search.index.search import ReadVectors

K = 10
"""Number of neighbours of each query."""

QUERIES = 1000
"""Largest number of objects that the recall is measured on."""

_TIE = 1e-6  # similarities closer than this are equal within the rounding of float32 sums

Search = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]
"""A function from queries, float32 (Q, dim), and k to similarities and rows, (Q, n)."""


@dataclass(frozen=True, eq=False)
class QuerySet:
    """Queries that a recall is measured on.

    Parameters
    ----------
    vectors : ndarray of float32, shape (Q, dim)
        Queries of unit length.
    rows : ndarray of int, shape (Q,), optional
        Rows of the queries in the index, if they are indexed objects.
    """

    vectors: np.ndarray
    rows: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class ExactNeighbors:
    """The true neighbours of queries, from an exhaustive search.

    Parameters
    ----------
    queries : QuerySet
        The queries.
    neighbors : ndarray of int, shape (Q, k)
        Rows of their nearest vectors, the nearest first, without the query itself.
    """

    queries: QuerySet
    neighbors: np.ndarray

    @classmethod
    def find(cls, vectors: np.ndarray, *, k: int = K, queries: int = QUERIES, seed: int = 0) -> ExactNeighbors:
        """Find the neighbours of at most `queries` vectors drawn at random from unit vectors, float32 (N, dim)."""
        rows = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:queries])
        search = ExactSearch([QuerySet(vectors[rows], rows)], k=k)
        search.add(vectors)
        return search.finish()[0]

    def recall(self, search: Search, read_vectors: ReadVectors) -> float:
        """Return the fraction of the true neighbours that a search finds.

        A vector that is as near as the k-th neighbour counts, whichever of several equally near ones it is. With a
        single vector there is nothing to find, and the fraction is 1.
        """
        k = self.neighbors.shape[1]
        if k == 0 or not len(self.neighbors):
            return 1.0
        vectors, own = self.queries.vectors, self.queries.rows
        _, found = search(vectors, k if own is None else k + 1)
        hit = np.zeros(found.shape, dtype=bool)
        for query, (near, true) in enumerate(zip(found, self.neighbors, strict=True)):
            hit[query] = np.isin(near, true)
        least = np.einsum("qd,qd->q", vectors, read_vectors(self.neighbors[:, -1]))
        similarity = np.einsum("qd,qkd->qk", vectors, read_vectors(found.ravel()).reshape(*found.shape, -1))
        hit |= np.abs(similarity - least[:, None]) <= _TIE
        if own is not None:
            hit &= found != own[:, None]
        return float(np.minimum(hit.sum(axis=1), k).mean() / k)


class ExactSearch:
    """An exhaustive search of vectors that come in blocks.

    Parameters
    ----------
    sets : sequence of QuerySet
        Queries.
    k : int
        Number of neighbours of each query.

    Attributes
    ----------
    count : int
        Number of vectors so far.
    """

    def __init__(self, sets: Sequence[QuerySet], *, k: int = K) -> None:
        self._sets, self._k = list(sets), k
        self._queries = np.ascontiguousarray(np.concatenate([one.vectors for one in sets]), dtype=np.float32)
        self._similarities = np.empty((len(self._queries), 0), np.float32)
        self._rows = np.empty((len(self._queries), 0), np.int64)
        self.count = 0

    def add(self, vectors: np.ndarray) -> None:
        """Compare the queries with the next vectors, float32 (n, dim)."""
        if not len(vectors):
            return
        wanted = min(self._k + 1, len(vectors))
        near, rows = faiss.knn(self._queries, vectors, wanted, metric=faiss.METRIC_INNER_PRODUCT)
        similarities = np.concatenate([self._similarities, near], axis=1)
        rows = np.concatenate([self._rows, rows + self.count], axis=1)
        order = np.argsort(-similarities, axis=1, kind="stable")[:, : self._k + 1]
        self._similarities, self._rows = np.take_along_axis(similarities, order, 1), np.take_along_axis(rows, order, 1)
        self.count += len(vectors)

    def finish(self) -> list[ExactNeighbors]:
        """Return the neighbours of the queries of each set."""
        result, start = [], 0
        for one in self._sets:
            rows = self._rows[start : start + len(one.vectors)]
            start += len(one.vectors)
            if one.rows is None:
                result.append(ExactNeighbors(one, rows[:, : self._k]))
                continue
            # where there are exact duplicates, the query itself may be missing; then the last one is one too many
            order = np.argsort(rows == one.rows[:, None], axis=1, kind="stable")
            others = np.take_along_axis(rows, order, 1)[:, : min(self._k, self.count - 1)]
            result.append(ExactNeighbors(one, others))
        return result
