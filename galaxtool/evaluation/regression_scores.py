"""Scores of predicted numbers and their error bars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from galaxtool.evaluation.intervals import make_bootstrap_entry, make_entry, make_wilson_entry

REDSHIFTS = frozenset(
    ("z", "redshift", "z_spec", "zspec", "specz", "spec_z", "z_phot", "photo_z", "photoz", "z_best", "zbest")
)
"""Names of columns with redshifts, whose errors are divided by 1 + z."""

REDSHIFT_LIMIT = 0.15
"""Error of a redshift, divided by 1 + z, beyond which it counts as an outlier."""

OUTLIER_SIGMAS = 5.0
"""Error of any other quantity beyond which it counts as an outlier, in units of the NMAD."""

TO_SIGMA = 1.4826
"""Standard deviation of a Gaussian in units of its median absolute deviation."""


def measure_quantity(
    predicted: np.ndarray, low: np.ndarray, high: np.ndarray, truth: np.ndarray, *, slug: str, seed: int
) -> dict[str, Any]:
    """Score the predictions of one quantity.

    Parameters
    ----------
    predicted, low, high, truth : ndarray, shape (N,)
        Predictions, ends of their error bars, and true values. Rows in which any is NaN are left out.
    slug : str
        Name of the quantity. The errors of a redshift, a name in `REDSHIFTS`, are divided by 1 + z.
    seed : int
        Random seed of the bootstrap.

    Returns
    -------
    dict
        ``n``, and as ``{"value", "low", "high"}`` with 95 % intervals: ``rmse``, ``mae``, ``bias`` (mean error,
        predicted minus true), ``nmad`` (1.4826 times the median of the absolute deviation of the errors from their
        median), ``outlier_fraction`` (error of more than 5 NMAD from the median error; of a redshift more than 0.15),
        ``coverage`` (share of the true values within the error bars) and ``r2``. ``error`` says what the errors are.
    """
    known = np.isfinite(np.stack([predicted, low, high, truth])).all(axis=0)
    predicted, low, high, truth = (values[known].astype(np.float64) for values in (predicted, low, high, truth))
    is_redshift = slug.lower() in REDSHIFTS
    error = (predicted - truth) / (1 + truth if is_redshift else 1)
    n = len(error)

    def resample(score: Callable[[np.ndarray], float]) -> dict[str, Any]:
        return dict(make_bootstrap_entry(lambda items: score(items) if len(items) else float("nan"), n, seed))

    outlier = find_outliers(error, is_redshift=is_redshift)
    inside = (low <= truth) & (truth <= high)
    return {
        "n": n,
        "error": "(predicted - true) / (1 + true)" if is_redshift else "predicted - true",
        "rmse": resample(lambda i: float(np.sqrt(np.mean(error[i] ** 2)))),
        "mae": resample(lambda i: float(np.abs(error[i]).mean())),
        "bias": resample(lambda i: float(error[i].mean())),
        "nmad": resample(lambda i: compute_nmad(error[i])),
        "outlier_fraction": _score_share(outlier),
        "coverage": _score_share(inside),
        "r2": resample(lambda i: _compute_r2(predicted[i], truth[i])),
    }


def compute_nmad(error: np.ndarray) -> float:
    """Return the normalized median absolute deviation of errors from their median."""
    return float(TO_SIGMA * np.median(np.abs(error - np.median(error))))


def find_outliers(error: np.ndarray, *, is_redshift: bool) -> np.ndarray:
    """Tell which errors are those of outliers; bool, the shape of `error`."""
    if is_redshift:
        return np.asarray(np.abs(error) > REDSHIFT_LIMIT)
    if not len(error):
        return np.zeros(0, dtype=bool)
    return np.asarray(np.abs(error - np.median(error)) > OUTLIER_SIGMAS * compute_nmad(error))


def _score_share(chosen: np.ndarray) -> dict[str, Any]:
    """Return the share of the rows that are chosen, with its interval; None without rows."""
    if not len(chosen):
        return dict(make_entry(np.nan, np.nan, np.nan))
    return dict(make_wilson_entry(float(chosen.mean()), len(chosen)))


def _compute_r2(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of the variance that is explained; NaN where there is none."""
    total = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((predicted - truth) ** 2).sum()) / total if total else float("nan")
