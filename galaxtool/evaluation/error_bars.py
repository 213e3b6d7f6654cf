"""The lengths of the error bars of predicted numbers: a factor for each quantity, fitted to true values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from galaxtool.evaluation.calibration import draw_folds
from galaxtool.taxonomy.quantity import COVERAGE

_FACTORS = np.geomspace(0.1, 10, 401)
_LEAST = 50
"""Least number of true values of a quantity that the length of its error bars is fitted to."""


def has_enough_values(truth: np.ndarray) -> np.ndarray:
    """Tell which quantities have enough true values to fit the length of their error bars to, bool (T,).

    Parameters
    ----------
    truth : ndarray, shape (N, T)
        True values, NaN where there is none.
    """
    return np.asarray(np.isfinite(truth).sum(axis=0) >= _LEAST)


def fit_error_bars(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the factor for the error bars of each quantity with which 68 % of its values are within, float64 (T,).

    Parameters
    ----------
    predicted : ndarray, shape (N, T, 3)
        Lower end, median and upper end of each of T quantities.
    truth : ndarray, shape (N, T)
        True values, NaN where there is none.

    Returns
    -------
    ndarray
        Factors from 0.1 to 10; 1 for a quantity without a value.
    """
    return np.array([_fit_one(predicted[:, t].astype(np.float64), truth[:, t]) for t in range(truth.shape[1])])


def _fit_one(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Return the factor for the error bars (N, 3) of one quantity."""
    known = np.isfinite(truth) & np.isfinite(predicted[:, 1])
    if not known.any():
        return 1.0
    (low, middle, high), truth = predicted[known].T, truth[known]
    length = np.where(truth < middle, middle - low, high - middle)
    # the length of an error bar that would just reach the value, in units of its own
    reach = np.abs(truth - middle) / np.maximum(length, np.finfo(np.float64).tiny)
    shares = (reach[None] <= _FACTORS[:, None]).mean(axis=1)
    return float(_FACTORS[int(np.argmin(np.abs(shares - COVERAGE)))])


def stretch_error_bars(predicted: np.ndarray, factors: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return predictions (N, T, 3) with error bars of other lengths, by a factor for each quantity."""
    middle = predicted[..., 1:2]
    stretched: np.ndarray = middle + np.asarray(factors, dtype=np.float64)[:, None] * (predicted - middle)
    return stretched


def cross_fit_error_bars(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return predictions (N, T, 3) in which each of 5 folds has error bars of the lengths fitted to the other four.

    Quantities with too few values keep the lengths that they have.

    Parameters
    ----------
    predicted, truth
        As for `fit_error_bars`.
    """
    fitted = has_enough_values(truth)
    rows = np.flatnonzero((np.isfinite(truth) & np.isfinite(predicted[..., 1]))[:, fitted].any(axis=1))
    stretched = predicted.astype(np.float64)
    folds = draw_folds(np.zeros(len(rows), dtype=int))
    for number in np.unique(folds) if len(rows) > 1 else ():
        held, others = rows[folds == number], rows[folds != number]
        factors = np.where(fitted, fit_error_bars(predicted[others], truth[others]), 1.0)
        stretched[held] = stretch_error_bars(stretched[held], factors)
    return stretched
