"""A metric: the accuracy of the class that is predicted worst."""

from __future__ import annotations

import numpy as np


def worst_recall(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Return the lowest recall of all classes that occur.

    Parameters
    ----------
    probabilities : ndarray, shape (N, n_classes)
        Probability of each class.
    targets : ndarray of int, shape (N,)
        Index of the true class.
    """
    correct = probabilities.argmax(axis=1) == targets
    return float(min((correct[targets == target].mean() for target in np.unique(targets)), default=np.nan))
