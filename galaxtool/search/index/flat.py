"""Indexes that compare a query with every vector."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np


def build_flat(vectors: np.ndarray) -> Any:
    """Index vectors as they are; searches are exact.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        Unit length, C order, N at least 1.

    Returns
    -------
    faiss.IndexFlatIP
        By inner product, which is the cosine for unit vectors.
    """
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def build_sq8(vectors: np.ndarray) -> Any:
    """Index vectors rounded to 256 levels between the extremes of each dimension.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        Unit length, C order, N at least 1.

    Returns
    -------
    faiss.IndexScalarQuantizer
        By inner product; a similarity is off by about 2e-3.
    """
    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    return index
