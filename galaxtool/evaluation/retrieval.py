"""Scores of embeddings as a means of retrieval: every query is compared with all items of a gallery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

DEPTHS = (1, 5, 10)
"""Numbers of nearest items for which precision is reported."""

_BLOCK_BYTES = 64 * 2**20
_AT = 5


@dataclass(frozen=True, eq=False)
class RetrievalScores:
    """The scores of N queries; NaN for a query whose class is not in the gallery.

    Parameters
    ----------
    average_precision : ndarray of float64, shape (N,)
        Mean of the precision at every relevant item of the whole gallery.
    at_5_by_hits, at_5_by_possible : ndarray of float64, shape (N,)
        Sum of the precision at every relevant item among the 5 nearest, divided by the number of these (0 if there is
        none), and by the number that there can be: 5, or that in the gallery.
    precision : dict of int to ndarray
        Share of relevant items among the k nearest, for each k of `DEPTHS`.
    """

    average_precision: np.ndarray
    at_5_by_hits: np.ndarray
    at_5_by_possible: np.ndarray
    precision: dict[int, np.ndarray]

    def list_scores(self) -> dict[str, np.ndarray]:
        """Return all scores by the name that reports use."""
        named = {f"precision_at_{k}": values for k, values in self.precision.items()}
        return {
            "map_at_5": self.at_5_by_hits,
            "map_at_5_possible": self.at_5_by_possible,
            "map": self.average_precision,
            **named,
        }


def average_precision(
    embeddings: np.ndarray,
    targets: np.ndarray,
    gallery: np.ndarray | None = None,
    gallery_targets: np.ndarray | None = None,
    own_rows: np.ndarray | None = None,
) -> np.ndarray:
    """Return the average precision of each query in the whole gallery.

    Parameters
    ----------
    embeddings : ndarray, shape (N, D)
        Embeddings of the queries, of unit length.
    targets : ndarray of int, shape (N,)
        Their classes.
    gallery, gallery_targets, own_rows : ndarray, optional
        As for `measure_retrieval`; by default the gallery of each query are the other queries.

    Returns
    -------
    ndarray of float64, shape (N,)
        NaN for a query whose class is not in the gallery. Of equally near items, the first comes first.
    """
    return measure_retrieval(embeddings, targets, gallery, gallery_targets, own_rows=own_rows)[0].average_precision


def average_precision_at_5(
    embeddings: np.ndarray,
    targets: np.ndarray,
    gallery: np.ndarray | None = None,
    gallery_targets: np.ndarray | None = None,
    own_rows: np.ndarray | None = None,
) -> np.ndarray:
    """Return the average precision of each query among its 5 nearest items; see `average_precision`."""
    return measure_retrieval(embeddings, targets, gallery, gallery_targets, own_rows=own_rows)[0].at_5_by_hits


def measure_retrieval(
    queries: np.ndarray,
    targets: np.ndarray,
    gallery: np.ndarray | None = None,
    gallery_targets: np.ndarray | None = None,
    *,
    own_rows: np.ndarray | None = None,
    permuted: np.ndarray | None = None,
    workers: int = 1,
    advance: Callable[[int], None] | None = None,
) -> list[RetrievalScores]:
    """Score the order in which queries find the items of a gallery, by the dot product.

    Parameters
    ----------
    queries : ndarray of float32, shape (N, D)
        Embeddings; of unit length for the cosine.
    targets : ndarray of int, shape (N,)
        Class of each query.
    gallery, gallery_targets : ndarray, optional
        Embeddings (M, D) and classes (M,) of the gallery. By default the queries: each is compared with the others.
    own_rows : ndarray of int, shape (N,), optional
        Row of each query in a gallery of its own, where it is left out for this query; -1 for a query that is not
        there. By default no query is.
    permuted : ndarray of int, shape (M,), optional
        Other classes of the gallery, such as a random permutation, for which the scores are computed as well; without
        a gallery of its own, they are those of the queries too.
    workers : int
        Number of threads.
    advance : callable, optional
        Called with the number of queries that are done.

    Returns
    -------
    list of RetrievalScores
        The scores, and those for `permuted` if it is given. Of equally near items, the first comes first.
    """
    alone = gallery is None
    items = queries if gallery is None else gallery
    left_out = _list_own_rows(len(queries), own_rows, alone=alone)
    labels = [targets if gallery_targets is None else gallery_targets]
    asked = [targets]
    if permuted is not None:
        labels.append(permuted)
        asked.append(permuted if alone else targets)
    results = [_make_empty(len(queries)) for _ in labels]

    def score(rows: range) -> None:
        similarity = queries[rows.start : rows.stop] @ items.T
        for row, near in zip(rows, similarity, strict=True):
            order = _sort_by_similarity(near)
            if left_out[row] >= 0:
                order = order[order != left_out[row]]
            for result, classes, wanted in zip(results, labels, asked, strict=True):
                _score_query(result, row, classes[order] == wanted[row])
        if advance is not None:
            advance(len(rows))

    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(score, _list_blocks(len(queries), len(items), workers)):
            pass
    return results


def compute_chance(
    targets: np.ndarray, gallery_targets: np.ndarray | None = None, own_rows: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Return the expected scores of each query if the gallery is in random order.

    Parameters
    ----------
    targets : ndarray of int, shape (N,)
        Class of each query.
    gallery_targets : ndarray of int, shape (M,), optional
        Classes of the gallery; by default the gallery of each query are the other queries.
    own_rows : ndarray of int, shape (N,), optional
        As for `measure_retrieval`.

    Returns
    -------
    dict of ndarray
        By the names of `RetrievalScores.list_scores`, float64 (N,); NaN for a query whose class is not in the gallery.
    """
    gallery = targets if gallery_targets is None else gallery_targets
    is_there = _list_own_rows(len(targets), own_rows, alone=gallery_targets is None) >= 0
    expected: dict[str, np.ndarray] = {}
    for one in np.unique(targets):
        relevant = int((gallery == one).sum())
        for own in (False, True):
            rows = (targets == one) & (is_there == own)
            if not rows.any():
                continue
            for name, value in _expect(relevant - own, len(gallery) - own).items():
                expected.setdefault(name, np.full(len(targets), np.nan))[rows] = value
    return expected


def _list_own_rows(count: int, own_rows: np.ndarray | None, *, alone: bool) -> np.ndarray:
    """Return the row of the gallery that is left out for each query; -1 for none."""
    if alone:
        return np.arange(count)
    return np.full(count, -1) if own_rows is None else own_rows


def _expect(relevant: int, size: int) -> dict[str, float]:
    """Return the expected scores of a query with a number of relevant items in a gallery in random order."""
    names = ("map_at_5", "map_at_5_possible", "map", *(f"precision_at_{k}" for k in DEPTHS))
    if relevant < 1:
        return dict.fromkeys(names, np.nan)
    by_hits = by_possible = 0.0
    top = min(_AT, size)
    for pattern in product((False, True), repeat=top):
        chance, left = 1.0, relevant
        for rank, hit in enumerate(pattern):
            chance *= (left if hit else size - rank - left) / (size - rank)
            left -= hit
        if chance > 0 and any(pattern):
            total = _sum_precision(np.array(pattern))
            by_hits += chance * total / sum(pattern)
            by_possible += chance * total / min(_AT, relevant)
    ranks = np.arange(1, size + 1)
    others = (relevant - 1) * (ranks - 1) / max(size - 1, 1)
    share = relevant / size
    values = (by_hits, by_possible, float(((others + 1) / ranks).mean()), *(share * min(k, size) / k for k in DEPTHS))
    return dict(zip(names, values, strict=True))


def _make_empty(n: int) -> RetrievalScores:
    whole, by_hits, by_possible = (np.full(n, np.nan) for _ in range(3))
    return RetrievalScores(whole, by_hits, by_possible, {k: np.full(n, np.nan) for k in DEPTHS})


def _sort_by_similarity(similarity: np.ndarray) -> np.ndarray:
    """Return the items from the most similar to the least; of equal ones, the first comes first."""
    # one integer for each item, the similarity in its upper and the number in its lower half, sorts faster than argsort
    exact = similarity.astype(np.float32) + np.float32(0)  # no negative zero
    bits = exact.view(np.int32)
    keys = np.where(bits < 0, bits & 0x7FFFFFFF, ~bits).astype(np.int64)
    keys <<= 32
    keys |= np.arange(len(keys))
    keys.sort()
    keys &= 0xFFFFFFFF
    return keys


def _score_query(result: RetrievalScores, row: int, relevant: np.ndarray) -> None:
    """Fill in the scores of a query, given whether each item in order is relevant."""
    ranks = np.flatnonzero(relevant) + 1
    possible = len(ranks)
    if not possible:
        return
    result.average_precision[row] = (np.arange(1, possible + 1) / ranks).mean()
    near = relevant[:_AT]
    total, hits = _sum_precision(near), int(near.sum())
    result.at_5_by_hits[row] = total / hits if hits else 0.0
    result.at_5_by_possible[row] = total / min(_AT, possible)
    for k, values in result.precision.items():
        values[row] = relevant[:k].sum() / k


def _sum_precision(relevant: np.ndarray) -> float:
    """Return the sum of the precision at every relevant item."""
    ranks = np.flatnonzero(relevant) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).sum())


def _list_blocks(queries: int, items: int, workers: int) -> Iterator[range]:
    """Yield ranges of queries whose similarities to all items fit into a block of memory."""
    size = max(1, min(_BLOCK_BYTES // (4 * max(1, items)), -(-queries // max(1, workers))))
    return (range(start, min(start + size, queries)) for start in range(0, queries, size))
