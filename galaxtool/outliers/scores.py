"""Measures of how odd a vector is among others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import IsolationForest

from galaxtool.errors import PluginError
from galaxtool.outliers.neighbors import Neighbors, find_neighbors
from galaxtool.plugins.registry import get_registry
from galaxtool.types import Progress
from galaxtool.utils.cores import count_cores

_TREES = 100
_TINY = 1e-10


@dataclass(frozen=True, eq=False)
class AnomalyScores:
    """How odd each of N vectors is.

    Parameters
    ----------
    values : ndarray of float64, shape (N,)
        Scores, higher for odder vectors.
    recall : float or None
        Fraction of the true neighbours that were found; None if all were, or none were needed.
    """

    values: np.ndarray
    recall: float | None = None

    def order(self) -> np.ndarray:
        """Return the rows from the oddest to the most ordinary, those of equal scores in their order."""
        return np.argsort(-self.values, kind="stable")

    def percentiles(self) -> np.ndarray:
        """Return the percentage of vectors with a lower score, for each vector."""
        lower = np.searchsorted(np.sort(self.values), self.values, side="left")
        return 100.0 * lower / len(self.values)


def score_anomalies(
    vectors: np.ndarray, method: str, progress: Progress, *, neighbors: int = 20, seed: int = 0
) -> AnomalyScores:
    """Score how odd vectors are among all of them.

    Parameters
    ----------
    vectors : ndarray of float32, shape (N, dim)
        Finite vectors, C order.
    method : str
        Registered measure of oddness.
    progress : Progress
        Receives the progress.
    neighbors : int
        Number k of neighbours, below N.
    seed : int
        Random seed.

    Raises
    ------
    PluginError
        If a measure of a plugin does not return a number for each vector.
    """
    registration = get_registry().anomaly_methods.find(method)
    found = registration.create(vectors, neighbors=neighbors, seed=seed, progress=progress)
    if isinstance(found, AnomalyScores):
        return found
    values = np.asarray(found)
    if values.shape != (len(vectors),) or values.dtype.kind not in "fiu" or np.isnan(values).any():
        raise PluginError(
            f"The method '{method}' of the plugin '{registration.plugin}' returned {values.dtype} of shape "
            f"{values.shape} for {len(vectors)} vectors; it must return one number for each, without NaN.",
            hint="Choose another --method, or update the plugin.",
        )
    return AnomalyScores(values.astype(float))


def score_by_forest(vectors: np.ndarray, *, neighbors: int, seed: int, progress: Progress) -> AnomalyScores:
    """Score between 0 and 1, high where few random cuts isolate a vector (Liu et al. 2008)."""
    progress.start("Growing an isolation forest")
    forest = IsolationForest(n_estimators=_TREES, random_state=seed, n_jobs=count_cores()).fit(vectors)
    return AnomalyScores(-forest.score_samples(vectors))


def score_by_distance(vectors: np.ndarray, *, neighbors: int, seed: int, progress: Progress) -> AnomalyScores:
    """Score by the Euclidean distance to the k-th neighbour (Ramaswamy et al. 2000)."""
    found = find_neighbors(vectors, neighbors, progress)
    return AnomalyScores(found.distances[:, -1].astype(float), found.recall)


def score_by_density(vectors: np.ndarray, *, neighbors: int, seed: int, progress: Progress) -> AnomalyScores:
    """Score by the local outlier factor, about 1 for an ordinary vector (Breunig et al. 2000)."""
    found = find_neighbors(vectors, neighbors, progress)
    return AnomalyScores(compute_outlier_factors(found), found.recall)


def compute_outlier_factors(found: Neighbors) -> np.ndarray:
    """Return the local outlier factor of each vector from its neighbours, float64 (N,)."""
    reach = np.maximum(found.distances, found.distances[found.rows, -1]).astype(float)
    density = 1 / (reach.mean(axis=1) + _TINY)
    factors: np.ndarray = density[found.rows].mean(axis=1) / density
    return factors
