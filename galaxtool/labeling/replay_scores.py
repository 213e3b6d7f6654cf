"""Scores of a ranking of objects of which it is known which are wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

SHARES = {"0.1pct": 0.001, "1pct": 0.01, "5pct": 0.05, "10pct": 0.1}
"""Name of a top share of a ranking -> the share."""

NAMES = (*(f"recall_top_{name}" for name in SHARES), "precision_top_1pct", "auroc", "average_precision")
"""Names of the scores."""


def order_by_score(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return rows by descending score, those of equal scores in random order."""
    order: np.ndarray = np.lexsort((rng.random(len(scores)), -scores))
    return order


def count_top(share: float, count: int) -> int:
    """Return the number of objects in a top share of `count`, at least 1.

    Examples
    --------
    >>> count_top(0.05, 1208), count_top(0.001, 200)
    (60, 1)
    """
    return max(1, round(share * count))


def measure_ranking(scores: np.ndarray, is_wanted: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """Measure a ranking.

    Parameters
    ----------
    scores : ndarray of float, shape (N,)
        Scores, higher for objects earlier in the ranking.
    is_wanted : ndarray of bool, shape (N,)
        Which objects are wanted.
    rng : Generator
        Puts objects of equal scores in order.

    Returns
    -------
    dict
        The scores `NAMES`; NaN if no object, or all, are wanted.
    """
    if not 0 < is_wanted.sum() < len(is_wanted):
        return dict.fromkeys(NAMES, float("nan"))
    ranked = is_wanted[order_by_score(scores, rng)]
    found = {name: float(ranked[: count_top(share, len(ranked))].sum()) for name, share in SHARES.items()}
    return {
        **{f"recall_top_{name}": hits / is_wanted.sum() for name, hits in found.items()},
        "precision_top_1pct": found["1pct"] / count_top(SHARES["1pct"], len(ranked)),
        "auroc": float(roc_auc_score(is_wanted, scores)),
        "average_precision": float(average_precision_score(is_wanted, scores)),
    }


def summarize(values: Sequence[float]) -> dict[str, float | None]:
    """Return the mean of the finite values with the lowest and the highest; None if there is none."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return {"value": None, "low": None, "high": None}
    numbers = {"value": finite.mean(), "low": finite.min(), "high": finite.max()}
    return {name: round(float(number), 6) for name, number in numbers.items()}


def summarize_all(runs: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """Return the summary of each score over runs."""
    return {name: summarize([run[name] for run in runs]) for name in NAMES}
