"""Projections of embeddings onto a plane: PCA, t-SNE and UMAP."""

from __future__ import annotations

import faiss
import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from galaxtool.errors import InputError
from galaxtool.plotting.umap_layout import MIN_DIST, lay_out_neighbors, require_umap

PERPLEXITY = 30
"""Default of scikit-learn."""

NEIGHBORS = 15
"""Default of umap-learn."""

_FEWEST = 4
_EXACT = 20_000  # above this number, the neighbours are found with an inverted file
_PROBES = 16


def project_pca(vectors: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Project vectors onto their first principal components.

    Parameters
    ----------
    vectors : ndarray of float, shape (N, D)
        Vectors without NaN.
    n : int
        Number of components; all of them if there are fewer.

    Returns
    -------
    components : ndarray of float32, shape (N, n)
    variance : ndarray of float64, shape (n,)
        Share of the variance of each component.
    """
    n = min(n, *vectors.shape)
    pca = PCA(n, svd_solver="covariance_eigh" if vectors.shape[0] >= vectors.shape[1] else "full")
    return pca.fit_transform(vectors.astype(np.float64)).astype(np.float32), pca.explained_variance_ratio_


def project_tsne(vectors: np.ndarray, *, perplexity: float = PERPLEXITY, seed: int = 0) -> np.ndarray:
    """Project vectors onto a plane with t-SNE, beginning with the first two principal components.

    Parameters
    ----------
    vectors : ndarray of float, shape (N, D)
        Vectors without NaN; distances are Euclidean.
    perplexity : float
        Effective number of neighbours; it is lowered to a third of the images where there are few.
    seed : int
        Random seed.

    Returns
    -------
    ndarray of float32, shape (N, 2)

    Raises
    ------
    InputError
        If there are fewer than four vectors.
    """
    _check_number(vectors, "t-SNE")
    perplexity = min(perplexity, find_most_perplexity(len(vectors)))
    tsne = TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed, n_jobs=-1)
    points: np.ndarray = tsne.fit_transform(vectors)
    return points


def find_most_perplexity(n: int) -> float:
    """Return the largest perplexity for n vectors: a third of the others."""
    return (n - 1) / 3


def project_umap(
    vectors: np.ndarray, *, neighbors: int = NEIGHBORS, min_dist: float = MIN_DIST, seed: int = 0
) -> np.ndarray:
    """Project vectors onto a plane with UMAP.

    Parameters
    ----------
    vectors : ndarray of float, shape (N, D)
        Vectors without NaN; distances are Euclidean.
    neighbors : int
        Number of neighbours, counting the image itself; all images if there are fewer.
    min_dist : float
        Least distance of points in the plane.
    seed : int
        Random seed.

    Returns
    -------
    ndarray of float32, shape (N, 2)

    Raises
    ------
    DependencyMissing
        If umap-learn is not installed.
    InputError
        If there are fewer than four vectors.
    """
    require_umap()
    _check_number(vectors, "UMAP")
    rows, distances = find_neighbors(vectors, min(neighbors, len(vectors)))
    return lay_out_neighbors(vectors, rows, distances, min_dist=min_dist, seed=seed)


def find_neighbors(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest vectors of each vector, itself first.

    Parameters
    ----------
    vectors : ndarray of float, shape (N, D)
        Vectors without NaN.
    k : int
        Number of neighbours, at most N.

    Returns
    -------
    rows : ndarray of int32, shape (N, k)
        The first column is 0, 1, 2, ...
    distances : ndarray of float32, shape (N, k)
        Euclidean distances in ascending order. Exact up to 20,000 vectors; above, a few neighbours may be missed.
    """
    data = np.ascontiguousarray(vectors, dtype=np.float32)
    n = len(data)
    squared, found = _make_index(data).search(data, k)
    own = np.arange(n)
    # among equal vectors, another one may come first, or k others may hide the vector itself
    is_own = found == own[:, None]
    is_own[~is_own.any(axis=1), -1] = True
    order = np.argsort(~is_own, axis=1, kind="stable")
    rows = np.take_along_axis(found, order, axis=1)
    distances = np.sqrt(np.maximum(np.take_along_axis(squared, order, axis=1), 0))
    rows[:, 0], distances[:, 0] = own, 0
    lost = rows < 0  # the clusters that were visited held fewer than k vectors
    rows[lost], distances[lost] = np.broadcast_to(own[:, None], rows.shape)[lost], 0
    return rows.astype(np.int32), distances.astype(np.float32)


def _make_index(data: np.ndarray) -> faiss.Index:
    n, dim = data.shape
    flat = faiss.IndexFlatL2(dim)
    if n <= _EXACT:
        flat.add(data)
        return flat
    index = faiss.IndexIVFFlat(flat, dim, int(4 * n**0.5))
    index.train(data)
    index.add(data)
    faiss.ParameterSpace().set_index_parameter(index, "nprobe", _PROBES)
    return index


def _check_number(vectors: np.ndarray, what: str) -> None:
    if len(vectors) < _FEWEST:
        raise InputError(
            f"{what} of {len(vectors)} images says nothing.", hint=f"Give at least {_FEWEST} images, better hundreds."
        )
