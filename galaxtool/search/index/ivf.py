"""Indexes by inverted file: vectors lie in clusters, and a query is compared with those in the nearest clusters.

How many clusters are visited (``nprobe``) is left at the least sensible number here;
`galaxtool.search.index.recall.tune` raises it until the measured recall is good.
"""

from __future__ import annotations

import math
from typing import Any

import faiss
import numpy as np

_TRAIN_PER_CLUSTER = 39  # what FAISS wants at least for a k-means worth its name
NPROBE = 8


def build_ivf_flat(vectors: np.ndarray, *, nlist: int | None = None) -> Any:
    """Index vectors as they are, in clusters.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        Unit length, C order, N at least 1.
    nlist : int, optional
        Number of clusters; see `clusters_for`.

    Returns
    -------
    faiss.IndexIVFFlat
        By inner product.
    """
    dim, nlist = vectors.shape[1], nlist or clusters_for(len(vectors))
    # the coarse quantiser goes with the index only where Python does not own it
    coarse = faiss.IndexFlatIP(dim)
    return _filled(faiss.IndexIVFFlat(coarse, dim, nlist, faiss.METRIC_INNER_PRODUCT), vectors)


def build_ivf_sq8(vectors: np.ndarray, *, nlist: int | None = None) -> Any:
    """Index vectors in clusters, their distance from the cluster's centre rounded to 256 levels in each dimension.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        Unit length, C order, N at least 1.
    nlist : int, optional
        Number of clusters; see `clusters_for`.

    Returns
    -------
    faiss.IndexIVFScalarQuantizer
        By inner product; a similarity is off by about 2e-3.
    """
    dim, nlist = vectors.shape[1], nlist or clusters_for(len(vectors))
    coarse = faiss.IndexFlatIP(dim)
    kind = faiss.ScalarQuantizer.QT_8bit
    return _filled(faiss.IndexIVFScalarQuantizer(coarse, dim, nlist, kind, faiss.METRIC_INNER_PRODUCT), vectors)


def clusters_for(n: int) -> int:
    """Return the number of clusters for `n` vectors: 4 times the root, but enough vectors to find each.

    Examples
    --------
    >>> clusters_for(5), clusters_for(1000), clusters_for(1_000_000)
    (1, 25, 4000)
    """
    return max(1, min(int(4 * math.sqrt(n)), n // _TRAIN_PER_CLUSTER))


def _filled(index: Any, vectors: np.ndarray) -> Any:
    index.cp.min_points_per_centroid = 1  # FAISS warns on stderr below 39, which only a handful of vectors are
    index.train(vectors)
    index.add(vectors)
    index.nprobe = min(NPROBE, index.nlist)
    return index
