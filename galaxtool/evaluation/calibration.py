"""Temperature scaling of a classifier's probabilities."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

_LOG_BOUNDS = (np.log(0.05), np.log(20.0))


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """Find the temperature that maximizes the likelihood of the labels (Guo et al. 2017, arXiv:1706.04599).

    Parameters
    ----------
    logits : ndarray, shape (N, K)
        Outputs of the classifier.
    targets : ndarray of int, shape (N,)
        Indices of the true classes.

    Returns
    -------
    float
        Temperature between 0.05 and 20; the logits divided by it have the least cross-entropy.
    """
    exact, rows = logits.astype(np.float64), np.arange(len(targets))

    def cross_entropy(log_temperature: float) -> float:
        return -float(log_softmax(exact / np.exp(log_temperature), axis=1)[rows, targets].mean())

    return round(float(np.exp(minimize_scalar(cross_entropy, bounds=_LOG_BOUNDS, method="bounded").x)), 6)
