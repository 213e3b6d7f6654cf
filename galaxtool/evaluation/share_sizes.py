"""How many items a score is a share of, for an interval where resamples give none."""

from __future__ import annotations

import numpy as np

from galaxtool.plugins.registration import Registration
from galaxtool.plugins.specs import MetricSpec

OF_CALIBRATION = ("ece", "brier", "cross_entropy")
"""Scores of the probabilities themselves: no shares, and flattered by a temperature fitted to the same images."""


def find_share_size(metric: Registration[MetricSpec], targets: np.ndarray) -> int | None:
    """Return the number of items of which a score of classes is a share.

    Parameters
    ----------
    metric : Registration of MetricSpec
        The score; one of a plugin may have another range than 0 to 1.
    targets : ndarray of int, shape (N,)
        Indices of the true classes.

    Returns
    -------
    int or None
        All of them for an accuracy, and those of the smallest class for the others, which it limits; None if the score
        is no share, or there are no items.
    """
    name = metric.spec.name
    if metric.origin != "built-in" or name in OF_CALIBRATION or not len(targets):
        return None
    if name == "accuracy" or name.startswith("top_"):
        return len(targets)
    counts = np.bincount(targets)
    return int(counts[counts > 0].min())
