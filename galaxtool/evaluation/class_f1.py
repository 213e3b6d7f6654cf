"""F1 of each class, with intervals from a confusion matrix."""

from __future__ import annotations

import numpy as np

RESAMPLES = 1000


def measure_class_f1(counts: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return the F1 of each class with its 95 % interval.

    Parameters
    ----------
    counts : ndarray of int, shape (K, K)
        Confusion matrix: rows are true classes, columns predicted ones.
    seed : int
        Random seed of the resamples.

    Returns
    -------
    ndarray of float64, shape (K, 3)
        Value, low and high; NaN for a class that neither occurs nor is predicted. The interval is that of 1,000
        bootstrap resamples of the images, stratified by class: those of a true class are drawn among themselves.
    """
    value = _f1(counts[None])[0]
    rng = np.random.default_rng(seed)
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    draws = np.stack(
        [
            rng.multinomial(total, share, RESAMPLES) if total else np.zeros((RESAMPLES, len(counts)), int)
            for total, share in zip(totals, shares, strict=True)
        ],
        axis=1,
    )
    scores = np.nan_to_num(_f1(draws))  # a resample without predictions of a class has no hit
    low, high = np.percentile(scores, [2.5, 97.5], axis=0)
    is_known = np.isfinite(value)
    low, high = (np.where(is_known, bound, np.nan) for bound in (np.minimum(low, value), np.maximum(high, value)))
    return np.stack([value, low, high], axis=1)


def _f1(counts: np.ndarray) -> np.ndarray:
    """Return the F1 of each class, (N, K), of confusion matrices (N, K, K); NaN where a class has no image at all."""
    hits = np.diagonal(counts, axis1=1, axis2=2)
    total = counts.sum(axis=1) + counts.sum(axis=2)
    scores: np.ndarray = np.divide(2.0 * hits, total, out=np.full(hits.shape, np.nan), where=total > 0)
    return scores
