"""Inverted files of product-quantized vectors: an eighth of a byte for each dimension.

``ivf-pq`` has 4 bits for each four dimensions. The processor looks up the similarities of 32 vectors at a time in
tables that fit its registers.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from galaxtool.search.index.ivf import choose_cluster_count, train_clusters

_ROUNDS = 10  # of the rotation; each trains a quantizer
_MAX_FOR_ROTATION = 32_768


def prepare_ivf_pq(sample: np.ndarray, count: int) -> Any:
    """Return an empty index in clusters, of offsets from the cluster's centre rounded to 16 values in four dimensions.

    Parameters
    ----------
    sample : ndarray of float32, shape (n, dim)
        Some of the vectors, of unit length.
    count : int
        Number of vectors that are to be added.

    Returns
    -------
    faiss.IndexIVFPQFastScan
        Index by inner product. Its similarities are rough: several times the results wanted must be ranked again.
    """
    dim = sample.shape[1]
    together = next(n for n in (4, 2, 1) if dim % n == 0)
    coarse = faiss.IndexFlatIP(dim)
    # half as many as other kinds have, because the vectors in a cluster are compared quickly
    nlist = max(1, choose_cluster_count(count, len(sample)) // 2)
    index = faiss.IndexIVFPQFastScan(coarse, dim, nlist, dim // together, 4, faiss.METRIC_INNER_PRODUCT)
    index.by_residual = True  # by default, FAISS rounds the vectors themselves
    return train_clusters(index, sample)


def build_ivf_pq(vectors: np.ndarray) -> Any:
    """Build an index of unit vectors, float32 (N, dim); see `prepare_ivf_pq`."""
    index = prepare_ivf_pq(vectors, len(vectors))
    index.add(vectors)
    return index


def prepare_opq_ivf_pq(sample: np.ndarray, count: int) -> Any:
    """Return an empty index in clusters, of vectors that are rotated and rounded, eight dimensions to one byte.

    Parameters
    ----------
    sample : ndarray of float32, shape (n, dim)
        Some of the vectors, of unit length.
    count : int
        Number of vectors that are to be added.

    Returns
    -------
    faiss.IndexPreTransform
        Index by inner product. Its similarities are rough: several times the results wanted must be ranked again.
    """
    dim = sample.shape[1]
    pieces = max(1, dim // 8)
    rotation = faiss.OPQMatrix(dim, pieces, pieces * (dim // pieces))
    rotation.niter, rotation.max_train_points = _ROUNDS, _MAX_FOR_ROTATION
    coarse = faiss.IndexFlatIP(rotation.d_out)
    nlist = choose_cluster_count(count, len(sample))
    inner = faiss.IndexIVFPQ(coarse, rotation.d_out, nlist, pieces, 8, faiss.METRIC_INNER_PRODUCT)
    rotation.train(sample)
    train_clusters(inner, rotation.apply(sample))
    index = faiss.IndexPreTransform(rotation, inner)
    index.is_trained = True
    return index


def build_opq_ivf_pq(vectors: np.ndarray) -> Any:
    """Build an index of unit vectors, float32 (N, dim); see `prepare_opq_ivf_pq`."""
    index = prepare_opq_ivf_pq(vectors, len(vectors))
    index.add(vectors)
    return index
