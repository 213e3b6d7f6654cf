"""Precision, recall and counts of each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from galaxtool.evaluation.intervals import make_entry, make_wilson_entry
from galaxtool.evaluation.limits import MIN_OF_CLASS

_MAX_LISTED = 10


def compute_class_scores(predicted: np.ndarray, targets: np.ndarray, slugs: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Score each class by itself.

    Parameters
    ----------
    predicted, targets : ndarray of int, shape (N,)
        Indices of the predicted and of the true classes.
    slugs : sequence of str
        Slugs of the classes, in the order of the indices.

    Returns
    -------
    dict
        For each slug: ``n`` images of the class, ``n_predicted`` images that were taken for it, ``precision``, the
        share of these that are of the class, and ``recall``, the share of its images that were found; both with the
        Wilson interval, None where there is no such image.
    """
    scores = {}
    for k, slug in enumerate(slugs):
        right = int(((predicted == k) & (targets == k)).sum())
        n, taken = int((targets == k).sum()), int((predicted == k).sum())
        scores[slug] = {
            "n": n,
            "n_predicted": taken,
            "precision": _make_share(right, taken),
            "recall": _make_share(right, n),
        }
    return scores


def list_small_classes(counts: Mapping[str, int]) -> str:
    """Return the classes with fewer than 10 images as text, such as ``bar (3), ring (8)``; empty if there are none."""
    small = [f"{slug} ({n})" for slug, n in counts.items() if n < MIN_OF_CLASS]
    more = f" and {len(small) - _MAX_LISTED} more classes" if len(small) > _MAX_LISTED else ""
    return ", ".join(small[:_MAX_LISTED]) + more


def describe_small_classes(slugs: Sequence[str], splits: Sequence[str] | np.ndarray, order: Sequence[str]) -> list[str]:
    """Return a sentence on the classes with fewer than 10 images in ``valid`` and ``test``, if there are any.

    Parameters
    ----------
    slugs : sequence of str
        Class of each of N items; empty where it has none.
    splits : sequence of str
        Split of each item.
    order : sequence of str
        All classes, in the order in which they are named.
    """
    parts = []
    for split, name in (("valid", "validation"), ("test", "test")):
        counts = Counter(slug for slug, own in zip(slugs, splits, strict=True) if slug and own == split)
        if small := list_small_classes({slug: counts[slug] for slug in order if counts[slug]}):
            parts.append(f"fewer than {MIN_OF_CLASS} {name} images of {small}")
    if not parts:
        return []
    text = " and ".join(parts)
    return [f"{text[0].upper()}{text[1:]}: the scores of these classes say little."]


def _make_share(part: int, whole: int) -> dict[str, float | None]:
    return make_wilson_entry(part / whole, whole) if whole else make_entry(np.nan, np.nan, np.nan)
