"""Score a classifier with every registered metric, each with its 95 % confidence interval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from galaxtool.evaluation.intervals import Entry, make_bootstrap_entry, make_entry, make_wilson_entry
from galaxtool.evaluation.share_sizes import find_share_size
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import MetricSpec
from galaxtool.utils.debugging import is_debugging


def compute_classification_metrics(
    probabilities: np.ndarray, targets: np.ndarray, embeddings: np.ndarray | None = None, *, seed: int = 0
) -> dict[str, Any]:
    """Score predictions against true classes.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
        Probabilities of the classes.
    targets : ndarray of int, shape (N,)
        Indices of the true classes.
    embeddings : ndarray, shape (N, D), optional
        Embeddings of unit length; without them, the metrics of embeddings are left out.
    seed : int
        Random seed of the bootstrap.

    Returns
    -------
    dict
        ``n``, the number of items, and for every registered metric ``{"value", "low", "high"}``; None where undefined,
        as for one class only. Where two plugins use the same name, the later one has its qualified name. The interval
        is the 2.5 and 97.5 percentiles of 200 bootstrap resamples, without those that lack what the score needs, or
        the Wilson interval, also where a built-in score is the same in all resamples. A metric of a plugin that fails
        is None and has its ``error``.
    """
    scores: dict[str, Any] = {"n": len(targets)}
    for metric in get_registry().metrics:
        if metric.spec.scope == "evaluation":
            continue
        values = embeddings if metric.spec.inputs == "embeddings" else probabilities
        if values is not None:
            name = metric.qualified if metric.spec.name in scores else metric.spec.name
            scores[name] = _compute_isolated(metric, values, targets, seed)
    return scores


def compute_metric(name: str, values: np.ndarray, targets: np.ndarray, *, seed: int = 0) -> Entry:
    """Return one registered metric with its interval.

    Parameters
    ----------
    name : str
        Name of the metric, plain or as ``plugin:name``.
    values : ndarray, shape (N, K) or (N, D)
        Probabilities or embeddings, whichever the metric needs.
    targets : ndarray of int, shape (N,)
        Indices of the true classes.
    seed : int
        Random seed of the bootstrap.
    """
    return _compute(get_registry().metrics.find(name), values, targets, seed)


def _compute_isolated(metric: Registration[MetricSpec], values: np.ndarray, targets: np.ndarray, seed: int) -> Any:
    """Compute a metric; a plugin's exception becomes part of its entry, as a training must not be lost to it."""
    if metric.origin == "built-in" or is_debugging():
        return _compute(metric, values, targets, seed)
    try:
        return _compute(metric, values, targets, seed)
    except Exception as error:
        return {**make_entry(np.nan, np.nan, np.nan), "error": f"{type(error).__name__}: {error}"}


def _compute(metric: Registration[MetricSpec], values: np.ndarray, targets: np.ndarray, seed: int) -> Entry:
    score: Callable[[np.ndarray, np.ndarray], Any] = metric.load()
    if metric.spec.inputs == "embeddings":
        per_item = np.asarray(score(values, targets))
        per_item = per_item[np.isfinite(per_item)]
        n = len(per_item)
        is_share = metric.origin == "built-in"  # a plugin's score may have another range than 0 to 1
        return make_bootstrap_entry(
            lambda items: float(per_item[items].mean()), n, seed, share_of=n if is_share else None
        )
    if metric.spec.interval == "own":
        return make_entry(*metric.load()(values, targets, seed))
    if metric.spec.interval == "wilson":
        return make_wilson_entry(float(score(values, targets)), len(targets))
    return make_bootstrap_entry(
        lambda items: float(score(values[items], targets[items])),
        len(targets),
        seed,
        share_of=find_share_size(metric, targets),
    )
