"""Group features: principal components, then k-means or HDBSCAN."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score

from galaxtool.errors import InputError

_MANY = 20_000  # items from which on k-means starts from fewer random centres
_STARTS, _STARTS_OF_MANY = 10, 3
_MOST_DOUBLE = 200_000  # items up to which double precision is affordable
_SILHOUETTE = 3000  # items that the silhouette is computed on


@dataclass(frozen=True, eq=False)
class Groups:
    """Clusters of N items, the largest first.

    Parameters
    ----------
    clusters : ndarray of int, shape (N,)
        Cluster of each item, from 0; -1 for an item in none.
    count : int
        Number of clusters K.
    distances : ndarray, shape (N,)
        Distance of each item from the mean of its cluster, in the space of the components; NaN for an item in none.
    components : int
        Number of principal components.
    variance : float
        Share of the variance that they keep.
    silhouette : float
        Mean silhouette of a random sample of at most 3,000 items in clusters (Rousseeuw 1987); NaN for one cluster.
    """

    clusters: np.ndarray
    count: int
    distances: np.ndarray
    components: int
    variance: float
    silhouette: float

    @property
    def sizes(self) -> np.ndarray:
        """Number of items of each cluster, shape (K,)."""
        return np.bincount(self.clusters[self.clusters >= 0], minlength=self.count)


def reduce_features(vectors: np.ndarray, variance: float) -> tuple[np.ndarray, float]:
    """Return the principal components that keep a share of the variance, and the share that they keep.

    Parameters
    ----------
    vectors : ndarray, shape (N, dim)
        Features.
    variance : float
        Share to keep; 1 returns the features as they are.

    Returns
    -------
    reduced : ndarray, shape (N, components)
        Components, not scaled: float64, or float32 for more than 200,000 items.
    kept : float

    Raises
    ------
    InputError
        If all features are the same.
    """
    if np.ptp(vectors, axis=0).max() == 0:
        raise InputError(
            f"All {len(vectors):,} images have the same features, so they cannot be grouped.",
            hint="Check the images: blank ones look all alike to a model.",
        )
    # a million times 256 numbers in double precision would take 2 GB for each copy
    values = vectors.astype(np.float64 if len(vectors) <= _MOST_DOUBLE else np.float32, copy=False)
    if variance == 1:
        return values, 1.0
    solver = "covariance_eigh" if len(vectors) > vectors.shape[1] else "full"
    model = PCA(n_components=variance, svd_solver=solver).fit(values)
    return model.transform(values), float(model.explained_variance_ratio_.sum())


def group_by_kmeans(vectors: np.ndarray, n_clusters: int, *, variance: float = 0.95, seed: int = 0) -> Groups:
    """Group features by k-means: Lloyd's algorithm from k-means++ centres, the best of ten starts, or of three.

    Raises
    ------
    InputError
        If there are fewer items than clusters, or all features are the same.
    """
    if len(vectors) < n_clusters:
        raise InputError(
            f"{_count(vectors)} cannot be put into {n_clusters} clusters.",
            hint="Give more images" + (", or fewer clusters with --clusters." if len(vectors) > 2 else "."),
        )
    reduced, kept = reduce_features(vectors, variance)
    starts = _STARTS if len(vectors) <= _MANY else _STARTS_OF_MANY
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of fewer different items than clusters
        clusters = KMeans(n_clusters, n_init=starts, random_state=seed).fit_predict(reduced)
    return _make_groups(clusters, reduced, kept, seed)


def group_by_hdbscan(
    vectors: np.ndarray, *, min_size: int | None = None, variance: float = 0.95, seed: int = 0
) -> Groups:
    """Group features by HDBSCAN, which leaves items in sparse regions out (Campello et al. 2013).

    Raises
    ------
    InputError
        If there are fewer items than the smallest cluster may have, or no cluster is found.
    """
    smallest = min_size or max(5, len(vectors) // 100)
    if len(vectors) < max(smallest, 2):
        raise InputError(
            f"{_count(vectors)} cannot be grouped: a cluster has at least {smallest}.",
            hint="Give more images" + (", or a smaller --min-size." if len(vectors) > 2 else "."),
        )
    reduced, kept = reduce_features(vectors, variance)
    clusters = HDBSCAN(min_cluster_size=smallest, copy=True).fit_predict(reduced)
    if clusters.max() < 0:
        raise InputError(
            f"HDBSCAN finds no cluster of {smallest} or more images: all {len(vectors):,} are in sparse regions.",
            hint="Give a smaller --min-size, or use --method kmeans.",
        )
    return _make_groups(clusters, reduced, kept, seed)


def _count(vectors: np.ndarray) -> str:
    return "One image" if len(vectors) == 1 else f"{len(vectors)} images"


def _make_groups(clusters: np.ndarray, reduced: np.ndarray, kept: float, seed: int) -> Groups:
    """Return clusters numbered by size, with distances and silhouette."""
    numbers, sizes = np.unique(clusters[clusters >= 0], return_counts=True)
    order = numbers[np.lexsort((numbers, -sizes))]
    number_of = np.full(int(clusters.max()) + 2, -1)
    number_of[order] = np.arange(len(order))
    clusters = number_of[clusters]
    distances = np.full(len(clusters), np.nan)
    for cluster in range(len(order)):
        members = reduced[clusters == cluster]
        distances[clusters == cluster] = np.linalg.norm(members - members.mean(axis=0), axis=1)
    silhouette = np.nan
    inside = np.flatnonzero(clusters >= 0)
    if len(inside) > _SILHOUETTE:
        inside = np.random.default_rng(seed).choice(inside, _SILHOUETTE, replace=False)
    if 1 < len(set(clusters[inside].tolist())) < len(inside):
        silhouette = float(silhouette_score(reduced[inside], clusters[inside]))
    return Groups(clusters, len(order), distances, reduced.shape[1], kept, silhouette)
