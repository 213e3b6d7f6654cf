"""Inverted-file indexes: vectors are grouped in clusters, and a query is compared with those in the nearest clusters.

The number of clusters visited (``nprobe``) starts low here; `galaxtool.search.index.recall.tune_probes` raises it until
the measured recall is good.
"""

from __future__ import annotations

import math
from typing import Any

import faiss
import numpy as np

_TRAIN_PER_CLUSTER = 39  # the least that FAISS recommends for k-means
NPROBE = 8
"""Number of clusters that a new index visits."""


def build_ivf_flat(vectors: np.ndarray, *, nlist: int | None = None) -> Any:
    """Build an index of the vectors as they are, in clusters.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        Vectors of unit length, C order, N at least 1.
    nlist : int, optional
        Number of clusters; by default that of `choose_cluster_count`.

    Returns
    -------
    faiss.IndexIVFFlat
        Index by inner product.
    """
    dim, nlist = vectors.shape[1], nlist or choose_cluster_count(len(vectors))
    # a local variable keeps the coarse quantizer alive until the index has taken it over
    coarse = faiss.IndexFlatIP(dim)
    return _fill_index(faiss.IndexIVFFlat(coarse, dim, nlist, faiss.METRIC_INNER_PRODUCT), vectors)


def build_ivf_sq8(vectors: np.ndarray, *, nlist: int | None = None) -> Any:
    """Build an index in clusters, of offsets from the cluster's center rounded to 256 levels in each dimension.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        Vectors of unit length, C order, N at least 1.
    nlist : int, optional
        Number of clusters; by default that of `choose_cluster_count`.

    Returns
    -------
    faiss.IndexIVFScalarQuantizer
        Index by inner product; similarities have errors of about 2e-3.
    """
    dim, nlist = vectors.shape[1], nlist or choose_cluster_count(len(vectors))
    coarse = faiss.IndexFlatIP(dim)
    kind = faiss.ScalarQuantizer.QT_8bit
    return _fill_index(faiss.IndexIVFScalarQuantizer(coarse, dim, nlist, kind, faiss.METRIC_INNER_PRODUCT), vectors)


def choose_cluster_count(n: int) -> int:
    """Return the number of clusters for `n` vectors: 4 times the square root, but at least 39 vectors each.

    Examples
    --------
    >>> [choose_cluster_count(n) for n in (5, 1000, 1_000_000)]
    [1, 25, 4000]
    """
    return max(1, min(int(4 * math.sqrt(n)), n // _TRAIN_PER_CLUSTER))


def _fill_index(index: Any, vectors: np.ndarray) -> Any:
    """Train an index on vectors, and add them."""
    index.cp.min_points_per_centroid = 1  # FAISS warns on stderr below 39, also of a handful of vectors
    index.train(vectors)
    index.add(vectors)
    index.nprobe = min(NPROBE, index.nlist)
    return index
