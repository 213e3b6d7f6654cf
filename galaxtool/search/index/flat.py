"""Exhaustive indexes: a query is compared with every vector."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np


def build_flat(vectors: np.ndarray) -> Any:
    """Build an index of the vectors as they are; searches are exact.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        Vectors of unit length, C order, N at least 1.

    Returns
    -------
    faiss.IndexFlatIP
        Index by inner product, which is the cosine of unit vectors.
    """
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def build_sq8(vectors: np.ndarray) -> Any:
    """Build an index of vectors rounded to 256 levels between the extremes of each dimension.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        Vectors of unit length, C order, N at least 1.

    Returns
    -------
    faiss.IndexScalarQuantizer
        Index by inner product; similarities have errors of about 2e-3.
    """
    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    return index
