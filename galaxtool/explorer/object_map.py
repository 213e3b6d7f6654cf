"""A map of objects: their places on a plane, and their clusters."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

KINDS = ("pca", "umap")
"""Projections of a map, the first of which needs no further package."""


@dataclass(frozen=True, eq=False)
class ObjectMap:
    """N objects on a plane.

    Parameters
    ----------
    points : ndarray of float32, shape (N, 2)
        Places, within -1 and 1 for nearly all.
    clusters : ndarray of uint8, shape (N,)
        Cluster of each object.
    names : list of str
        Name of each cluster; empty where the model has none for it.
    centers : ndarray of float32, shape (K, 2)
        Median place of each cluster.
    sizes : ndarray of int, shape (K,)
        Number of objects of each cluster.
    """

    points: np.ndarray
    clusters: np.ndarray
    names: list[str] = field(default_factory=list)
    centers: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.float32))
    sizes: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
