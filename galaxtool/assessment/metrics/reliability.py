"""Compare the confidence of a model with its accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np

from galaxtool.evaluation.intervals import make_wilson_entry

BINS = 15
"""Most bins of the table."""

_LEAST_IN_BIN = 10


def tabulate_reliability(probabilities: np.ndarray, targets: np.ndarray) -> list[dict[str, Any]]:
    """Return the share of right answers by the confidence, in bins of about equal numbers of images.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
        Probabilities of the classes.
    targets : ndarray of int, shape (N,)
        Indices of the true classes.

    Returns
    -------
    list of dict
        For each bin: ``n`` images, their least and greatest ``confidence_low`` and ``confidence_high`` and their mean
        ``confidence``, the ``accuracy`` and its Wilson interval ``low`` to ``high``. Images of equal confidence are in
        the same bin.
    """
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    bins = max(1, min(BINS, len(targets) // _LEAST_IN_BIN))
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, bins + 1)))
    number = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, max(len(edges) - 2, 0))
    rows = []
    for one in np.unique(number):
        own = number == one
        share = make_wilson_entry(float(correct[own].mean()), int(own.sum()))
        rows.append({
            "n": int(own.sum()),
            "confidence_low": round(float(confidence[own].min()), 6),
            "confidence_high": round(float(confidence[own].max()), 6),
            "confidence": round(float(confidence[own].mean()), 6),
            "accuracy": share["value"],
            "low": share["low"],
            "high": share["high"],
        })  # fmt: skip
    return rows
