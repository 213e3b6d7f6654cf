"""Scores of embeddings as a means of retrieval: every item is a query among the others."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score


def average_precision(embeddings: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the average precision of each query among all other items; see `retrieval_precision`."""
    return retrieval_precision(embeddings, targets, None)


def average_precision_at_5(embeddings: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the average precision of each query among its 5 nearest items; see `retrieval_precision`."""
    return retrieval_precision(embeddings, targets, 5)


def retrieval_precision(embeddings: np.ndarray, targets: np.ndarray, top: int | None) -> np.ndarray:
    """Return the average precision of each query among the other items.

    Parameters
    ----------
    embeddings : ndarray, shape (N, D)
        Embeddings of unit length.
    targets : ndarray of int, shape (N,)
        Class indices.
    top : int or None
        Number of nearest items to consider; None for all.

    Returns
    -------
    ndarray of float64, shape (N,)
        NaN for an item alone in its class.
    """
    similarity = embeddings @ embeddings.T
    precision = np.full(len(targets), np.nan)
    for i, row in enumerate(similarity):
        others = np.delete(np.arange(len(targets)), i)
        if not (targets[others] == targets[i]).any():
            continue
        order = others[np.argsort(-row[others], kind="stable")][:top]
        relevant = targets[order] == targets[i]
        precision[i] = average_precision_score(relevant, -np.arange(len(order))) if relevant.any() else 0.0
    return precision
