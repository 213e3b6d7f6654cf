"""Scores of a classifier, each with a 95 % confidence interval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from astropy.stats import binom_conf_interval
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

RESAMPLES = 200


def classification_metrics(
    probabilities: np.ndarray, targets: np.ndarray, embeddings: np.ndarray | None = None, *, seed: int = 0
) -> dict[str, Any]:
    """Score predictions against true classes.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
    targets : ndarray of int, shape (N,)
    embeddings : ndarray, shape (N, D), optional
        Unit length; needed for the retrieval scores.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        ``n`` and, each as ``{"value", "low", "high"}``: ``accuracy`` (Wilson interval), ``f1_macro`` (over the classes
        that occur or are predicted), ``roc_auc`` (one against the rest, macro), ``ece`` (15 equal bins, Guo et al.
        2017), ``map_at_5`` and ``map`` (retrieval as in Wang et al. 2024, each item a query). The intervals
        of all but accuracy are percentiles of 200 bootstrap resamples, without those that lack what the score needs. A
        score that is undefined (one class only) has None.
    """
    predicted = probabilities.argmax(axis=1)
    correct = predicted == targets
    low, high = binom_conf_interval(int(correct.sum()), len(correct), interval="wilson", confidence_level=0.95)
    found: dict[str, Any] = {
        "n": len(targets),
        "accuracy": _entry(float(correct.mean()), float(low), float(high)),
        "f1_macro": resampled(lambda i: _f1_macro(predicted[i], targets[i]), len(targets), seed),
        "roc_auc": resampled(lambda i: _roc_auc(probabilities[i], targets[i]), len(targets), seed),
        "ece": resampled(lambda i: _ece(probabilities[i], targets[i]), len(targets), seed),
    }
    if embeddings is not None:
        for name, top in (("map_at_5", 5), ("map", None)):
            per_query = retrieval_precision(embeddings, targets, top)
            per_query = per_query[np.isfinite(per_query)]
            found[name] = resampled(lambda i, p=per_query: float(p[i].mean()), len(per_query), seed)  # type: ignore[misc]
    return found


def retrieval_precision(embeddings: np.ndarray, targets: np.ndarray, top: int | None) -> np.ndarray:
    """Return each query's average precision among the other items.

    Parameters
    ----------
    embeddings : ndarray, shape (N, D)
        Unit length.
    targets : ndarray of int, shape (N,)
    top : int or None
        Of how many neighbours; None for all.

    Returns
    -------
    ndarray of float64, shape (N,)
        NaN for an item alone in its class.
    """
    similarity = embeddings @ embeddings.T
    result = np.full(len(targets), np.nan)
    for i, row in enumerate(similarity):
        others = np.delete(np.arange(len(targets)), i)
        if not (targets[others] == targets[i]).any():
            continue
        order = others[np.argsort(-row[others], kind="stable")][:top]
        relevant = targets[order] == targets[i]
        result[i] = average_precision_score(relevant, -np.arange(len(order))) if relevant.any() else 0.0
    return result


def _f1_macro(predicted: np.ndarray, targets: np.ndarray) -> float:
    """Return scikit-learn's macro F1, in a fraction of its time: it is called for every resample."""
    k = int(max(predicted.max(), targets.max())) + 1
    right = np.bincount(targets[predicted == targets], minlength=k)
    either = np.bincount(targets, minlength=k) + np.bincount(predicted, minlength=k)
    return float((2 * right[either > 0] / either[either > 0]).mean())


def _roc_auc(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean over classes of the Mann-Whitney statistic, NaN where no class has a counterpart."""
    positive = targets[:, None] == np.arange(probabilities.shape[1])
    n = positive.sum(axis=0)
    both = (n > 0) & (n < len(targets))
    if not both.any():
        return np.nan
    ranks = (rankdata(probabilities[:, both], axis=0) * positive[:, both]).sum(axis=0)
    n = n[both]
    return float(((ranks - n * (n + 1) / 2) / (n * (len(targets) - n))).mean())


def _ece(probabilities: np.ndarray, targets: np.ndarray, bins: int = 15) -> float:
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == targets
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(correct[which == b].sum() - confidence[which == b].sum()) for b in range(bins)]
    return float(np.sum(gaps) / len(targets))


def resampled(statistic: Callable[[np.ndarray], float], n: int, seed: int) -> dict[str, float | None]:
    """Return a score of n items with its 95 % interval, from 200 bootstrap resamples.

    Parameters
    ----------
    statistic : callable
        Items, as an ndarray of int, to their score; NaN where they lack what it needs.
    n : int
    seed : int

    Returns
    -------
    dict
        ``value``, ``low`` and ``high``, rounded to six digits; None where undefined.
    """
    every = np.arange(n)
    value = statistic(every) if n else np.nan
    if n < 2 or not np.isfinite(value):
        return _entry(value, np.nan, np.nan)
    draws = np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))
    # a resample may lack what the score needs, such as a second class
    low, high = np.nanpercentile([statistic(draw) for draw in draws], [2.5, 97.5])
    return _entry(value, float(low), float(high))


def _entry(value: float, low: float, high: float) -> dict[str, float | None]:
    return {
        name: round(float(x), 6) if np.isfinite(x) else None
        for name, x in (("value", value), ("low", low), ("high", high))
    }
