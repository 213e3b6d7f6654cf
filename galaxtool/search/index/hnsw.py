"""Graph indexes: a search walks from vector to vector towards the query."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

_untyped: Any = faiss  # its annotations lack keyword arguments

_NEIGHBORS = 32
_EFFORT = 80  # candidates while the graph is built
SEARCH_EFFORT = 64
"""Number of candidates that a new index keeps during a search."""


def prepare_hnsw(sample: np.ndarray, count: int) -> Any:
    """Return an empty graph of vectors that are rounded to 256 levels in each dimension.

    Parameters
    ----------
    sample : ndarray of float32, shape (n, dim)
        Some of the vectors, of unit length.
    count : int
        Number of vectors that are to be added.

    Returns
    -------
    faiss.IndexHNSWSQ
        Index by inner product; similarities have errors of about 2e-3.
    """
    index = _untyped.IndexHNSWSQ(sample.shape[1], faiss.ScalarQuantizer.QT_8bit, _NEIGHBORS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = _EFFORT, SEARCH_EFFORT
    index.train(sample)
    return index


def build_hnsw(vectors: np.ndarray) -> Any:
    """Build a graph of unit vectors, float32 (N, dim); see `prepare_hnsw`."""
    index = prepare_hnsw(vectors, len(vectors))
    index.add(vectors)
    return index
