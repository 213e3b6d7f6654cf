"""Inverted files of product-quantized vectors: an eighth of a byte for each dimension."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from galaxtool.errors import ConfigError
from galaxtool.search.index.ivf import choose_cluster_count, train_clusters

MIN_COUNT = 1000
"""Least number of vectors; fewer do not suffice to learn 256 codes."""

_ROUNDS = 10  # of the rotation; each trains a quantizer
_MAX_FOR_ROTATION = 32_768


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

    Raises
    ------
    ConfigError
        If there are fewer than 1000 vectors.
    """
    if len(sample) < MIN_COUNT:
        raise ConfigError(
            f"An index of the kind opq-ivf-pq needs at least {MIN_COUNT} images; these are {len(sample)}.",
            hint="Use --kind flat, which is exact and fast for so few.",
        )
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
