"""The length of the error bars of predicted numbers: one factor for all, fitted to true values."""

from __future__ import annotations

import numpy as np

from galaxtool.evaluation.calibration import draw_folds
from galaxtool.taxonomy.quantity import COVERAGE

_FACTORS = np.geomspace(0.1, 10, 401)
_LEAST = 50
"""Least number of values that the length of the error bars is fitted to."""


def has_enough_values(truth: np.ndarray) -> bool:
    """Tell whether there are enough true values, NaN where there is none, to fit the length of error bars to."""
    return int(np.isfinite(truth).sum()) >= _LEAST


def fit_error_bars(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Return the factor for the error bars, from 0.1 to 10, with which 68 % of the values are within.

    Parameters
    ----------
    predicted : ndarray, shape (N, T, 3)
        Lower end, median and upper end of each of T quantities.
    truth : ndarray, shape (N, T)
        True values, NaN where there is none; at least one is known.
    """
    low, middle, high = np.moveaxis(predicted.astype(np.float64), -1, 0)
    known = np.isfinite(truth) & np.isfinite(middle)
    length = np.where(truth < middle, middle - low, high - middle)[known]
    # the length of an error bar that would just reach the value, in units of its own
    reach = np.abs(truth - middle)[known] / np.maximum(length, np.finfo(np.float64).tiny)
    shares = (reach[None] <= _FACTORS[:, None]).mean(axis=1)
    return float(_FACTORS[int(np.argmin(np.abs(shares - COVERAGE)))])


def stretch_error_bars(predicted: np.ndarray, factor: float) -> np.ndarray:
    """Return predictions (N, T, 3) with error bars of another length."""
    middle = predicted[..., 1:2]
    stretched: np.ndarray = middle + factor * (predicted - middle)
    return stretched


def cross_fit_error_bars(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return predictions (N, T, 3) in which each of 5 folds has error bars of the length fitted to the other four.

    Parameters
    ----------
    predicted, truth
        As for `fit_error_bars`.
    """
    rows = np.flatnonzero((np.isfinite(truth) & np.isfinite(predicted[..., 1])).any(axis=1))
    stretched = predicted.astype(np.float64)
    folds = draw_folds(np.zeros(len(rows), dtype=int))
    for number in np.unique(folds) if len(rows) > 1 else ():
        held, others = rows[folds == number], rows[folds != number]
        stretched[held] = stretch_error_bars(stretched[held], fit_error_bars(predicted[others], truth[others]))
    return stretched
