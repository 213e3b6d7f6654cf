"""Scores of clusters against labels, all from the table of counts of clusters and classes.

A table has shape (..., K + 1, C): row k counts the items of each class in cluster k, and the last row those in no
cluster, which is matched with no class. Leading axes hold several tables.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import xlogy
from scipy.stats import random_table

from galaxtool.evaluation.intervals import Entry, make_entry, make_wilson_entry

RESAMPLES = 1000
RANDOM = 200
SCORES = ("accuracy", "roc_auc", "ari", "nmi", "purity")
"""Scores of `score_clusters`."""


def count_clusters(clusters: np.ndarray, targets: np.ndarray, n_clusters: int, n_classes: int) -> np.ndarray:
    """Count the items of each cluster and class.

    Parameters
    ----------
    clusters : ndarray of int, shape (N,)
        Cluster of each item, -1 for none.
    targets : ndarray of int, shape (N,)
        Class of each item.
    n_clusters, n_classes : int
        Numbers of clusters and classes.

    Returns
    -------
    ndarray of int64, shape (n_clusters + 1, n_classes)
        The last row counts the items in no cluster.
    """
    rows = np.where(clusters < 0, n_clusters, clusters)
    counts = np.bincount(rows * n_classes + targets, minlength=(n_clusters + 1) * n_classes)
    return counts.reshape(n_clusters + 1, n_classes)


def match_clusters(table: np.ndarray) -> np.ndarray:
    """Match clusters with classes, each at most once, so that most items are in the cluster of their class.

    Parameters
    ----------
    table : ndarray, shape (K + 1, C)
        Counts, as `count_clusters` returns them.

    Returns
    -------
    ndarray of int, shape (K,)
        Class of each cluster, by the Hungarian method (Kuhn 1955); -1 for a cluster that is left over, or would be
        matched with a class of which it has no item.
    """
    rows, columns = linear_sum_assignment(table[:-1], maximize=True)
    matches = np.full(len(table) - 1, -1)
    matches[rows] = np.where(table[rows, columns] > 0, columns, -1)
    return matches


def score_clusters(table: np.ndarray, matches: np.ndarray) -> dict[str, np.ndarray]:
    """Return the `SCORES` of one or several tables.

    Parameters
    ----------
    table : ndarray, shape (..., K + 1, C)
        Counts, with a last row of items in no cluster.
    matches : ndarray of int, shape (K,) or (..., K)
        Class of each cluster, -1 for none.

    Returns
    -------
    dict of ndarray, shape (...)
        ``accuracy``: share of the items in the cluster of their class. ``roc_auc``: mean over classes of the area under
        the curve of "is in the cluster of this class"; NaN if there is one class only. ``ari``: adjusted Rand index
        (Hubert & Arabie 1985). ``nmi``: mutual information divided by the mean entropy. ``purity``: share of the items
        that have the most frequent class of their cluster. Items in no cluster count as wrong, and as a cluster of
        their own in `ari` and `nmi`.
    """
    table = np.asarray(table, dtype=np.float64)
    total = table.sum(axis=(-2, -1))
    classes = np.arange(table.shape[-1])
    matched = np.broadcast_to(matches, (*table.shape[:-2], table.shape[-2] - 1))[..., None] == classes
    inside = np.where(matched, table[..., :-1, :], 0).sum(axis=-2)
    sizes = np.where(matched, table[..., :-1, :].sum(axis=-1, keepdims=True), 0).sum(axis=-2)
    return {
        "accuracy": inside.sum(axis=-1) / total,
        "roc_auc": _score_matched(inside, sizes, table.sum(axis=-2), total),
        "ari": _score_pairs(table, total),
        "nmi": _score_information(table, total),
        "purity": table[..., :-1, :].max(axis=-1).sum(axis=-1) / total,
    }


def _score_matched(inside: np.ndarray, sizes: np.ndarray, of_class: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return the mean area under the curve of matched clusters; a score of 0 and 1 has one step."""
    others = total[..., None] - of_class
    with np.errstate(invalid="ignore", divide="ignore"):
        area = (1 + inside / of_class - (sizes - inside) / others) / 2
    defined = (of_class > 0) & (others > 0)
    count = defined.sum(axis=-1)
    return np.where(count > 0, np.where(defined, area, 0).sum(axis=-1) / np.maximum(count, 1), np.nan)


def _score_pairs(table: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return the adjusted Rand index: pairs that are together in both, above chance."""
    together = _count_pairs(table).sum(axis=(-2, -1))
    of_clusters = _count_pairs(table.sum(axis=-1)).sum(axis=-1)
    of_classes = _count_pairs(table.sum(axis=-2)).sum(axis=-1)
    expected = of_clusters * of_classes / np.maximum(_count_pairs(total), 1)
    most = (of_clusters + of_classes) / 2
    return np.where(most == expected, 1.0, (together - expected) / np.where(most == expected, 1, most - expected))


def _count_pairs(counts: np.ndarray) -> np.ndarray:
    pairs: np.ndarray = counts * (counts - 1) / 2
    return pairs


def _score_information(table: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return the mutual information divided by the mean of both entropies."""
    shares = table / total[..., None, None]
    of_clusters, of_classes = shares.sum(axis=-1), shares.sum(axis=-2)
    entropies = [-xlogy(p, p).sum(axis=-1) for p in (of_clusters, of_classes)]
    joint = -xlogy(shares, shares).sum(axis=(-2, -1))
    mean = (entropies[0] + entropies[1]) / 2
    return np.where(mean > 1e-12, (entropies[0] + entropies[1] - joint) / np.where(mean > 1e-12, mean, 1), 1.0)


def score_with_intervals(table: np.ndarray, matches: np.ndarray, *, seed: int = 0) -> dict[str, Entry]:
    """Return the scores of a table with 95 % intervals.

    The intervals are percentiles of 1,000 bootstrap resamples of the items; clusters and matches stay as they are. The
    accuracy has the Wilson interval.
    """
    total = int(table.sum())
    values = score_clusters(table, matches)
    # resampling the items is drawing the counts of the cells
    draws = np.random.default_rng(seed).multinomial(total, table.ravel() / total, RESAMPLES)
    resampled = score_clusters(draws.reshape(RESAMPLES, *table.shape), matches)
    entries = {}
    for name, value in values.items():
        if name == "accuracy":
            entries[name] = make_wilson_entry(float(value), total)
            continue
        finite = resampled[name][np.isfinite(resampled[name])]
        low, high = np.percentile(finite, [2.5, 97.5]) if np.isfinite(value) else (np.nan, np.nan)
        entries[name] = make_entry(float(value), min(low, float(value)), max(high, float(value)))
    return entries


def score_majority(table: np.ndarray) -> dict[str, float]:
    """Return the scores of calling all items by the most frequent class."""
    of_class = table.sum(axis=0)
    whole = np.zeros_like(table)
    whole[0] = of_class
    matches = np.full(len(table) - 1, -1)
    matches[0] = int(of_class.argmax())
    return _round(lambda name: score_clusters(whole, matches)[name])


def score_random(table: np.ndarray, *, seed: int = 0) -> dict[str, float]:
    """Return the mean scores of 200 random clusterings of the same sizes, each matched with the classes again."""
    draws = random_table(table.sum(axis=1), table.sum(axis=0), seed=np.random.default_rng(seed)).rvs(RANDOM)
    scores = score_clusters(draws, np.stack([match_clusters(draw) for draw in draws]))
    return _round(lambda name: np.mean(scores[name]))


def _round(get: Callable[[str], np.ndarray | np.floating]) -> dict[str, float]:
    return {name: round(float(get(name)), 6) + 0.0 for name in SCORES}  # never -0
