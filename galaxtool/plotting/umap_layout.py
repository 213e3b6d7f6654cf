"""The layout of UMAP, by umap-learn, with its machine code kept between runs.

numba compiles the loops of umap-learn in every process again, which takes several times as long as running them on a
few thousand images. Here, they are compiled once per installation.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from types import ModuleType

import numpy as np

from galaxtool.utils.optional_imports import import_attribute, require

MIN_DIST = 0.1
"""Least distance of points in the plane: the default of umap-learn."""

_MODULES = ("layouts", "spectral", "utils")
_FEW, _MANY_EPOCHS, _FEW_EPOCHS = 10_000, 500, 200  # as umap-learn chooses


def lay_out_neighbors(
    vectors: np.ndarray, rows: np.ndarray, distances: np.ndarray, *, min_dist: float = MIN_DIST, seed: int = 0
) -> np.ndarray:
    """Lay out vectors in a plane so that their neighbours stay neighbours.

    Parameters
    ----------
    vectors : ndarray of float, shape (N, D)
        The vectors.
    rows : ndarray of int32, shape (N, k)
        Nearest vectors of each vector, itself first.
    distances : ndarray of float32, shape (N, k)
        Their distances.
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
    """
    umap = require_umap()
    limit_threads = import_attribute("threadpoolctl:threadpool_limits")
    _keep_machine_code(umap)
    random = np.random.RandomState(seed)
    a, b = umap.find_ab_params(1.0, min_dist)
    # numba starts its threads by setting the number of threads of OpenMP, which is that of PyTorch too
    with limit_threads(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of images without neighbours, and of the eigenvectors' precision
        graph, _, _ = umap.fuzzy_simplicial_set(
            vectors, rows.shape[1], random, "euclidean", knn_indices=rows, knn_dists=distances
        )
        points, _ = umap.simplicial_set_embedding(
            vectors,
            graph,
            n_components=2,
            initial_alpha=1.0,
            a=a,
            b=b,
            gamma=1.0,
            negative_sample_rate=5,
            n_epochs=_MANY_EPOCHS if len(vectors) <= _FEW else _FEW_EPOCHS,
            init="spectral",
            random_state=random,
            metric="euclidean",
            metric_kwds={},
            densmap=False,
            densmap_kwds={},
            output_dens=False,
        )
    return np.asarray(points, dtype=np.float32)


def require_umap() -> ModuleType:
    """Import umap-learn, or tell the user how to install it."""
    require("umap", why="A UMAP", install="galaxtool[figures]")
    return import_module("umap.umap_")


def _keep_machine_code(umap: ModuleType) -> None:
    """Have numba keep the machine code of umap-learn beside it, or else in the user's cache folder."""
    dispatcher = import_attribute("numba.core.dispatcher:Dispatcher")
    for module in (umap, *(import_module(f"umap.{name}") for name in _MODULES)):
        for value in vars(module).values():
            if isinstance(value, dispatcher) and not value.stats.cache_path:
                value.enable_caching()
