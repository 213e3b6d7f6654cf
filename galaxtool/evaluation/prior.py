"""Shares of the classes: those of a training, and probabilities corrected for other shares (Saerens et al. 2002)."""

from __future__ import annotations

import numpy as np

TRAINING, UNIFORM, INVERSE = "training", "uniform", "inverse"
"""Class frequencies that scores can assume: those of the training, equal ones, or the inverse of the first."""

_LEAST = 1e-30  # a softmax in float32 can be exactly 0, which no factor would raise


def measure_prior(
    targets: np.ndarray, n_classes: int, weights: np.ndarray | None = None, shares: np.ndarray | None = None
) -> np.ndarray:
    """Return the share of each class among labelled items.

    Parameters
    ----------
    targets : ndarray of int, shape (N,)
        Class indices, or with `shares` labels. Items whose number is neither, such as -1, are skipped.
    n_classes : int
        Number of classes, K.
    weights : ndarray of float, shape (N,), optional
        How often each item is seen; 1 by default.
    shares : ndarray of float64, shape (L, K), optional
        Shares of the classes in each label, which divide an item among them; by default, every label is a class.

    Returns
    -------
    ndarray of float64, shape (K,)
        Shares that sum to 1. A class with less than one item counts as one item, because a share of 0 would rule it
        out.
    """
    n_labels = n_classes if shares is None else len(shares)
    is_label = (targets >= 0) & (targets < n_labels)
    counts = np.bincount(
        targets[is_label], None if weights is None else weights[is_label], minlength=n_labels
    )  # fmt: skip
    if shares is not None:
        counts = counts @ shares
    counts = np.maximum(counts.astype(np.float64), 1.0)
    prior: np.ndarray = counts / counts.sum()
    return prior


def find_scores_shares(prior: np.ndarray, scores_prior: str) -> np.ndarray:
    """Return the shares of the classes, (K,), that scores assume: one of those above, of a training prior."""
    least = prior[prior > 0].min(initial=1.0)
    known = np.maximum(prior, least)  # a class that was never seen counts as the rarest one
    shares = {TRAINING: known, UNIFORM: np.ones(len(prior)), INVERSE: 1 / known}[scores_prior]
    normalized: np.ndarray = shares / shares.sum()
    return normalized


def find_factors(wanted: np.ndarray, scored: np.ndarray) -> np.ndarray:
    """Return the factors, (K,), that turn probabilities for the shares `scored` into those for the shares `wanted`."""
    factors: np.ndarray = wanted / scored
    return factors


def apply_factors(probabilities: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Multiply probabilities by a factor for each class, and scale each row to a sum of 1.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
        NaN throughout a row without a prediction, which stays so.
    factors : ndarray, shape (K,)
        At least 0, and one of them above.

    Returns
    -------
    ndarray of float32, shape (N, K)
    """
    products = np.maximum(probabilities.astype(np.float64), _LEAST) * factors
    scaled: np.ndarray = (products / products.sum(axis=1, keepdims=True)).astype(np.float32)
    return scaled
