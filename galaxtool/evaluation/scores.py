"""Scores of predicted probabilities.

Each function takes probabilities (N, K) and class indices (N,), and returns NaN where the score is undefined.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import rankdata

from galaxtool.evaluation import weighted_scores as weighted


def accuracy(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Return the share of items whose most probable class is the true one."""
    return float((probabilities.argmax(axis=1) == targets).mean())


def f1_macro(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Return scikit-learn's macro F1 over the classes that occur or are predicted, much faster."""
    predicted = probabilities.argmax(axis=1)
    k = int(max(predicted.max(), targets.max())) + 1
    correct = np.bincount(targets[predicted == targets], minlength=k)
    total = np.bincount(targets, minlength=k) + np.bincount(predicted, minlength=k)
    return float((2 * correct[total > 0] / total[total > 0]).mean())


def roc_auc(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean over classes of the Mann-Whitney statistic, NaN if there is only one class."""
    positive = targets[:, None] == np.arange(probabilities.shape[1])
    n = positive.sum(axis=0)
    both = (n > 0) & (n < len(targets))
    if not both.any():
        return np.nan
    ranks = (rankdata(probabilities[:, both], axis=0) * positive[:, both]).sum(axis=0)
    n = n[both]
    return float(((ranks - n * (n + 1) / 2) / (n * (len(targets) - n))).mean())


Score = Callable[[np.ndarray, np.ndarray], float]


def _weigh_once(weigh: Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], Any]]) -> Score:
    """Return a score of `galaxtool.evaluation.weighted_scores` for items that occur once; the mean of its classes."""

    def score(probabilities: np.ndarray, targets: np.ndarray) -> float:
        values = np.atleast_1d(weigh(probabilities, targets)(np.ones(len(targets))))
        known = values[np.isfinite(values)]
        return float(known.mean()) if len(known) else np.nan

    return score


balanced_accuracy = _weigh_once(weighted.weigh_recall)
precision_macro = _weigh_once(weighted.weigh_precision)
average_precision = _weigh_once(weighted.weigh_average_precision)
top_2 = _weigh_once(weighted.weigh_top_2)
top_3 = _weigh_once(weighted.weigh_top_3)
top_5 = _weigh_once(weighted.weigh_top_5)
brier = _weigh_once(weighted.weigh_brier)
cross_entropy = _weigh_once(weighted.weigh_cross_entropy)
