"""Measures of how odd a vector is among others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import IsolationForest

from galaxtool.executors.cores import count_cores
from galaxtool.outliers.neighbors import Neighbors, find_neighbors
from galaxtool.types import Progress

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
        Fraction of the true neighbors that were found; None if all were, or none were needed.
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
    method : {"isolation-forest", "knn", "lof"}
        ``isolation-forest``: between 0 and 1, high where few random cuts isolate a vector (Liu et al. 2008). ``knn``:
        the Euclidean distance to the k-th neighbor (Ramaswamy et al. 2000). ``lof``: the mean density around the
        neighbors in units of that around the vector, about 1 for an ordinary one (Breunig et al. 2000).
    progress : Progress
        Receives the progress.
    neighbors : int
        Number k of neighbors, below N.
    seed : int
        Random seed of the forest.
    """
    if method == "isolation-forest":
        progress.start("Growing an isolation forest")
        forest = IsolationForest(n_estimators=_TREES, random_state=seed, n_jobs=count_cores()).fit(vectors)
        return AnomalyScores(-forest.score_samples(vectors))
    found = find_neighbors(vectors, neighbors, progress)
    values = found.distances[:, -1].astype(float) if method == "knn" else compute_outlier_factors(found)
    return AnomalyScores(values, found.recall)


def compute_outlier_factors(found: Neighbors) -> np.ndarray:
    """Return the local outlier factor of each vector from its neighbors, float64 (N,)."""
    reach = np.maximum(found.distances, found.distances[found.rows, -1]).astype(float)
    density = 1 / (reach.mean(axis=1) + _TINY)
    factors: np.ndarray = density[found.rows].mean(axis=1) / density
    return factors
