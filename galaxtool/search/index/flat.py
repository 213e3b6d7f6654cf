"""Exhaustive indexes: a query is compared with every vector."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np


def prepare_flat(sample: np.ndarray, count: int) -> Any:
    """Return an empty index of vectors as they are; searches are exact.

    Parameters
    ----------
    sample : ndarray of float32, shape (n, dim)
        Some of the vectors, of unit length; n at least 1.
    count : int
        Number of vectors that are to be added.

    Returns
    -------
    faiss.IndexFlatIP
        Index by inner product, which is the cosine of unit vectors.
    """
    return faiss.IndexFlatIP(sample.shape[1])


def prepare_sq8(sample: np.ndarray, count: int) -> Any:
    """Return an empty index of vectors rounded to 256 levels between the extremes of each dimension.

    Parameters
    ----------
    sample, count
        See `prepare_flat`.

    Returns
    -------
    faiss.IndexScalarQuantizer
        Index by inner product; similarities have errors of about 2e-3.
    """
    index = faiss.IndexScalarQuantizer(sample.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    index.train(sample)
    return index


def build_flat(vectors: np.ndarray) -> Any:
    """Build an exact index of unit vectors, float32 (N, dim)."""
    index = prepare_flat(vectors, len(vectors))
    index.add(vectors)
    return index


def build_sq8(vectors: np.ndarray) -> Any:
    """Build an index of unit vectors, float32 (N, dim), that are rounded to 256 levels."""
    index = prepare_sq8(vectors, len(vectors))
    index.add(vectors)
    return index
