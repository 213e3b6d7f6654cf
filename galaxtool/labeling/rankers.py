"""Models of few labels, and the scores of all objects by them.

With fewer than five labels of a kind, objects are compared with the centroid of each kind. From five on, a logistic
regression with a Gaussian prior (L2) and with equal weight for each kind takes over. Grades of interest are learned by
a Gaussian process, from 2,000 of them at most, because its memory grows with their square.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, solve_triangular
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import LogisticRegression

from galaxtool.labeling.space import LabelSpace

CENTROIDS, LOGISTIC, GAUSSIAN_PROCESS = "centroids", "logistic regression", "Gaussian process"

FEWEST = 5
"""Number of labels of each kind from which a logistic regression is used."""

STRENGTH = 0.1
"""Inverse strength of the prior of the logistic regression, as scikit-learn's ``C``."""

_MOST_GRADES = 2000  # labels that a Gaussian process learns from
_MOST_TUNED = 400  # labels from which the kernel of a Gaussian process is tuned
_TOGETHER = 1024  # labelled objects that are compared with a block of objects at a time


@dataclass(frozen=True, eq=False)
class Ranking:
    """The scores of N objects by a model.

    Parameters
    ----------
    model : str
        `CENTROIDS`, `LOGISTIC` or `GAUSSIAN_PROCESS`.
    scores : ndarray of float32, shape (N, C)
        Score of each object for each kind, higher for what resembles it more; one column for grades: the mean.
    doubt : ndarray of float32, shape (N,)
        How uncertain the model is, higher for less certain; of grades, the standard deviation.
    promise : ndarray of float32, shape (N,) or None
        Expected improvement over the best grade so far; None unless for grades.
    is_known : ndarray of bool, shape (C,) or None
        Which kinds have labels; scores for the others only say what is unlike the labels. None if all have.
    """

    model: str
    scores: np.ndarray
    doubt: np.ndarray
    promise: np.ndarray | None = None
    is_known: np.ndarray | None = None


def rank_kinds(space: LabelSpace, rows: np.ndarray, kinds: np.ndarray, count: int) -> Ranking:
    """Score all objects for each kind.

    Parameters
    ----------
    space : LabelSpace
        The N objects.
    rows : ndarray of int, shape (n,)
        Labelled objects, at least one.
    kinds : ndarray of int, shape (n,)
        Their kinds, from 0 to `count` - 1.
    count : int
        Number C of kinds.
    """
    known = np.bincount(kinds, minlength=count)
    if (known >= FEWEST).all() and count > 1:
        return _fit_logistic(space, rows, kinds, count)
    return _compare_centroids(space, rows, kinds, count)


def _compare_centroids(space: LabelSpace, rows: np.ndarray, kinds: np.ndarray, count: int) -> Ranking:
    """Score objects by the cosine to the centroid of a kind, less half of that to the nearest other centroid.

    All of the latter would lead away from what resembles the few labels, into regions that are merely unlike the rest.
    """
    units = space.points[rows] / space.lengths[rows, None]
    centroids = np.zeros((space.points.shape[1], count), dtype=np.float32)
    for kind in np.unique(kinds):
        mean = units[kinds == kind].mean(axis=0)
        centroids[:, kind] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    cosines = space.project(centroids) / space.lengths[:, None]
    is_known = np.bincount(kinds, minlength=count) > 0
    scores = _subtract_rivals(cosines, is_known, 0.5)
    # with a few labels there is no border to speak of; objects in the middle of the labelled ones are uncertain
    (asked,) = np.nonzero(is_known[:1] if count == 2 and is_known[0] else is_known)
    borders = np.median(scores[rows], axis=0)
    margin = np.abs(scores[:, asked] - borders[asked]).min(axis=1)
    return Ranking(CENTROIDS, scores, -margin, is_known=is_known)


def _subtract_rivals(values: np.ndarray, is_known: np.ndarray, weight: float) -> np.ndarray:
    """Return the values of each kind less a part of the highest of the other known kinds, (N, C)."""
    result = values.copy()
    for kind in range(values.shape[1]):
        others = is_known.copy()
        others[kind] = False
        if others.any():
            result[:, kind] -= np.float32(weight) * values[:, others].max(axis=1)
    return result


def _fit_logistic(space: LabelSpace, rows: np.ndarray, kinds: np.ndarray, count: int) -> Ranking:
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=300)
    model.fit(space.points[rows].astype(np.float64), kinds)
    values = space.project(model.coef_.T) + model.intercept_.astype(np.float32)
    if count == 2:
        return Ranking(LOGISTIC, np.hstack([-values, values]), -np.abs(values[:, 0]))
    scores = _subtract_rivals(values, np.ones(count, dtype=bool), 1.0)
    return Ranking(LOGISTIC, scores, -scores.max(axis=1))


def rank_grades(space: LabelSpace, rows: np.ndarray, grades: np.ndarray, *, seed: int = 0) -> Ranking:
    """Score all objects by the grade that a Gaussian process expects.

    Parameters
    ----------
    space : LabelSpace
        The N objects.
    rows : ndarray of int, shape (n,)
        Graded objects, at least one.
    grades : ndarray of float, shape (n,)
        Their grades. Of more than 2,000, as an earlier table may have, as many are drawn at random.
    seed : int
        Random seed of the choice of labels to learn from, and of those that the kernel is tuned on.
    """
    rows, grades = _draw_grades(rows, grades, len(space), seed)
    points, mean = space.points[rows].astype(np.float64), float(grades.mean())
    targets = (grades - mean) / (grades.std() or 1.0)
    kernel = _tune_kernel(points, targets, seed)
    amplitude, radius, noise = kernel.k1.k1.constant_value, kernel.k1.k2.length_scale, kernel.k2.noise_level
    covariance = kernel(points)
    covariance[np.diag_indices_from(covariance)] += 1e-8
    lower = np.linalg.cholesky(covariance)
    coefficients = cho_solve((lower, True), targets)
    inverse = solve_triangular(lower, np.eye(len(lower)), lower=True)
    means, variances = np.empty((2, len(space)), dtype=np.float32)
    wide = np.hstack([coefficients[:, None], inverse.T]).astype(np.float32)
    near, squares = points.astype(np.float32), (points**2).sum(axis=1).astype(np.float32)
    for part, block in space.blocks():
        distances = space.lengths[part, None] ** 2 + squares - 2 * (block @ near.T)
        similar = np.float32(amplitude) * np.exp(np.maximum(distances, 0) / np.float32(-2 * radius**2))
        product = similar @ wide
        means[part] = product[:, 0]
        variances[part] = amplitude - np.einsum("ij,ij->i", product[:, 1:], product[:, 1:])
    deviations = np.sqrt(np.maximum(variances, 1e-9))
    best = float((covariance - noise * np.eye(len(rows))).dot(coefficients).max())
    scale = float(grades.std() or 1.0)
    promise = _expect_improvement(means, deviations, best) * scale
    return Ranking(GAUSSIAN_PROCESS, (means * scale + mean)[:, None], deviations * scale, promise)


def _draw_grades(rows: np.ndarray, grades: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return at most 2,000 labelled objects and their grades; most of them stay the same when others are added."""
    if len(rows) <= _MOST_GRADES:
        return rows, grades
    order = np.random.default_rng(seed).permutation(count)[rows]
    chosen = np.sort(np.argsort(order, kind="stable")[:_MOST_GRADES])
    return rows[chosen], grades[chosen]


def _tune_kernel(points: np.ndarray, targets: np.ndarray, seed: int) -> ConstantKernel:
    """Return the kernel of the highest likelihood of at most 400 labels."""
    typical = float(np.sqrt(points.shape[1]))
    kernel = ConstantKernel(1.0, (0.1, 10.0)) * RBF(typical, (typical / 5, typical * 5)) + WhiteKernel(0.3, (0.01, 2.0))
    if len(points) < FEWEST:
        return kernel
    chosen = np.random.default_rng(seed).permutation(len(points))[:_MOST_TUNED]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a bound was reached: it is there to be
        process = GaussianProcessRegressor(kernel, random_state=seed).fit(points[chosen], targets[chosen])
    return process.kernel_


def _expect_improvement(means: np.ndarray, deviations: np.ndarray, best: float) -> np.ndarray:
    """Return the expected improvement over the best value (Jones et al. 1998), float32."""
    gain = means - np.float32(best)
    z = gain / deviations
    improvement = gain * norm.cdf(z) + deviations * norm.pdf(z)
    return np.asarray(improvement, dtype=np.float32)


def find_distances(space: LabelSpace, rows: Sequence[int] | np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Return the cosine of each object to the most similar of some objects, float32 (N,).

    Parameters
    ----------
    space : LabelSpace
        The N objects.
    rows : sequence of int
        The objects to compare with.
    known : ndarray of float32, shape (N,), optional
        The same of other objects, which is updated in place.
    """
    nearest = np.full(len(space), -1, dtype=np.float32) if known is None else known
    if len(rows):
        units = space.points[rows] / space.lengths[rows, None]
        for part, block in space.blocks():
            for start in range(0, len(units), _TOGETHER):  # an earlier table may label all objects
                some = units[start : start + _TOGETHER] @ block.T  # along the short axis, max is slow
                np.maximum(nearest[part], some.max(axis=0) / space.lengths[part], out=nearest[part])
    return nearest
