"""Search a FAISS index, all of it or some of its rows.

A filter is applied inside the search, so that k results come back whatever it keeps. Where it keeps few rows, these are
compared with the query one by one, which is exact and faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np

ReadVectors = Callable[[np.ndarray], np.ndarray]
"""A function from row numbers, int (n,), to unit vectors, float32 (n, dim)."""

MAX_EXACT = 2000
"""Number of rows up to which a filtered search compares all of them."""

_BLOCK = 8192


def search_rows(
    index: Any, vectors: np.ndarray, k: int, keep: np.ndarray | None, read_vectors: ReadVectors
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest vectors.

    Parameters
    ----------
    index : faiss.Index
        Index by inner product of N unit vectors.
    vectors : ndarray of float32, shape (Q, dim)
        Queries, of unit length.
    k : int
        Number of results for each query.
    keep : ndarray of bool, shape (N,), optional
        Rows to search; by default all.
    read_vectors : callable
        Returns the vectors of rows.

    Returns
    -------
    similarities : ndarray of float32, shape (Q, n)
        Cosines, the largest first; n is `k`, or the number of rows to search if that is less.
    rows : ndarray of int64, same shape
        Their rows.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if keep is not None and keep.all():
        keep = None
    count = index.ntotal if keep is None else int(np.count_nonzero(keep))
    k = min(k, count)
    if k == 0 or not len(vectors):
        return np.empty((len(vectors), k), np.float32), np.empty((len(vectors), k), np.int64)
    if keep is not None and count <= MAX_EXACT:
        return search_exactly(vectors, k, np.flatnonzero(keep), read_vectors)
    similarities, rows = _search_selected(index, vectors, k, keep, count / index.ntotal)
    short = (rows < 0).any(axis=1)
    if short.any():  # the part of the index that was visited has fewer than k
        chosen = np.arange(index.ntotal) if keep is None else np.flatnonzero(keep)
        similarities[short], rows[short] = search_exactly(vectors[short], k, chosen, read_vectors)
    return similarities, rows


def search_exactly(
    vectors: np.ndarray, k: int, chosen: np.ndarray, read_vectors: ReadVectors
) -> tuple[np.ndarray, np.ndarray]:
    """Compare queries with all chosen rows; see `search_rows`."""
    similarities = np.empty((len(vectors), 0), np.float32)
    rows = np.empty((len(vectors), 0), np.int64)
    for start in range(0, len(chosen), _BLOCK):
        block = chosen[start : start + _BLOCK]
        similarities = np.concatenate([similarities, vectors @ read_vectors(block).T], axis=1)
        rows = np.concatenate([rows, np.broadcast_to(block, (len(vectors), len(block)))], axis=1)
        if similarities.shape[1] > k:
            best = np.argpartition(-similarities, k - 1, axis=1)[:, :k]
            similarities, rows = np.take_along_axis(similarities, best, 1), np.take_along_axis(rows, best, 1)
    order = np.lexsort((rows, -similarities), axis=1)
    return np.take_along_axis(similarities, order, 1), np.take_along_axis(rows, order, 1)


def _search_selected(
    index: Any, vectors: np.ndarray, k: int, keep: np.ndarray | None, fraction: float
) -> tuple[np.ndarray, np.ndarray]:
    """Search with FAISS; rows are -1 where it found fewer than k."""
    if keep is None:
        similarities, rows = index.search(vectors, k)
        return similarities, rows
    bits = np.packbits(keep, bitorder="little")  # the selector refers to it
    selector = faiss.IDSelectorBitmap(bits)
    inner = index if isinstance(index, faiss.IndexIVF) else faiss.try_extract_index_ivf(index)
    if inner is not None:
        # as many of the rows to search are visited as of all rows without a filter
        probes = min(inner.nlist, math.ceil(inner.nprobe / fraction))
        params = faiss.SearchParametersIVF(sel=selector, nprobe=probes)
        if isinstance(index, faiss.IndexPreTransform):
            params = faiss.SearchParametersPreTransform(index_params=params)
    elif isinstance(index, faiss.IndexHNSW):
        params = faiss.SearchParametersHNSW(sel=selector, efSearch=math.ceil(max(index.hnsw.efSearch, k) / fraction))
    else:
        params = faiss.SearchParameters(sel=selector)
    try:
        similarities, rows = index.search(vectors, k, params=params)
    except RuntimeError:  # a kind of a plugin that cannot filter
        return np.empty((len(vectors), k), np.float32), np.full((len(vectors), k), -1, np.int64)
    return similarities, rows
