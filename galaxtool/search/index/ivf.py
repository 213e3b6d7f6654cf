"""Inverted-file indexes: vectors are grouped in clusters, and a query is compared with those in the nearest clusters.

The number of clusters visited (``nprobe``) starts low here; `galaxtool.search.index.tuning` raises it until the
measured recall is good.
"""

from __future__ import annotations

import math
from typing import Any

import faiss
import numpy as np

_TRAIN_PER_CLUSTER = 39  # the least that FAISS recommends for k-means
NPROBE = 8
"""Number of clusters that a new index visits."""


def prepare_ivf_flat(sample: np.ndarray, count: int, *, nlist: int | None = None) -> Any:
    """Return an empty index of vectors as they are, in clusters.

    Parameters
    ----------
    sample : ndarray of float32, shape (n, dim)
        Some of the vectors, of unit length; the centres of the clusters are found among them.
    count : int
        Number of vectors that are to be added.
    nlist : int, optional
        Number of clusters; by default that of `choose_cluster_count`.

    Returns
    -------
    faiss.IndexIVFFlat
        Index by inner product.
    """
    dim, nlist = sample.shape[1], nlist or choose_cluster_count(count, len(sample))
    # a local variable keeps the coarse quantizer alive until the index has taken it over
    coarse = faiss.IndexFlatIP(dim)
    return train_clusters(faiss.IndexIVFFlat(coarse, dim, nlist, faiss.METRIC_INNER_PRODUCT), sample)


def prepare_ivf_sq8(sample: np.ndarray, count: int, *, nlist: int | None = None) -> Any:
    """Return an empty index in clusters, of offsets from the cluster's centre rounded to 256 levels in each dimension.

    Parameters
    ----------
    sample, count, nlist
        See `prepare_ivf_flat`.

    Returns
    -------
    faiss.IndexIVFScalarQuantizer
        Index by inner product; similarities have errors of about 2e-3.
    """
    dim, nlist = sample.shape[1], nlist or choose_cluster_count(count, len(sample))
    coarse = faiss.IndexFlatIP(dim)
    kind = faiss.ScalarQuantizer.QT_8bit
    return train_clusters(faiss.IndexIVFScalarQuantizer(coarse, dim, nlist, kind, faiss.METRIC_INNER_PRODUCT), sample)


def build_ivf_flat(vectors: np.ndarray, *, nlist: int | None = None) -> Any:
    """Build an index in clusters of unit vectors, float32 (N, dim), as they are."""
    index = prepare_ivf_flat(vectors, len(vectors), nlist=nlist)
    index.add(vectors)
    return index


def build_ivf_sq8(vectors: np.ndarray, *, nlist: int | None = None) -> Any:
    """Build an index in clusters of unit vectors, float32 (N, dim), rounded to 256 levels."""
    index = prepare_ivf_sq8(vectors, len(vectors), nlist=nlist)
    index.add(vectors)
    return index


def choose_cluster_count(n: int, trained_on: int | None = None) -> int:
    """Return the number of clusters for `n` vectors: 4 times the square root, but at least 39 vectors each.

    Parameters
    ----------
    n : int
        Number of vectors.
    trained_on : int, optional
        Number of vectors that the clusters are found among; by default all.

    Examples
    --------
    >>> [choose_cluster_count(n) for n in (5, 1000, 1_000_000)]
    [1, 25, 4000]
    """
    return max(1, min(int(4 * math.sqrt(n)), (n if trained_on is None else trained_on) // _TRAIN_PER_CLUSTER))


def train_clusters(index: Any, sample: np.ndarray) -> Any:
    """Train an inverted-file index, and return it."""
    index.cp.min_points_per_centroid = 1  # FAISS warns on stderr below 39, also of a handful of vectors
    index.train(sample)
    index.nprobe = min(NPROBE, index.nlist)
    return index
