"""Scores of predicted probabilities as functions of the weights of the items, for fast bootstraps.

Each function takes probabilities (N, K) and class indices (N,), does the sorting once, and returns a function of
weights, float64 (N,): how often each item occurs. That function returns the score, or for scores of single classes an
array (K,) with NaN for classes that the score does not have. The list of classes is that of all items, so that a class
which a resample lacks does not leave the mean.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Weighted = Callable[[np.ndarray], float]
WeightedClasses = Callable[[np.ndarray], np.ndarray]

_LEAST = float(np.finfo(np.float64).eps)  # the probability of a true class in the logarithm, as in scikit-learn


def weigh_accuracy(probabilities: np.ndarray, targets: np.ndarray) -> Weighted:
    """Return the share of items whose most probable class is the true one."""
    return _weigh_mean((probabilities.argmax(axis=1) == targets).astype(np.float64))


def weigh_top_2(probabilities: np.ndarray, targets: np.ndarray) -> Weighted:
    """Return the share of items whose true class is among the two most probable ones."""
    return _weigh_top(probabilities, targets, 2)


def weigh_top_3(probabilities: np.ndarray, targets: np.ndarray) -> Weighted:
    """Return the share of items whose true class is among the three most probable ones."""
    return _weigh_top(probabilities, targets, 3)


def weigh_top_5(probabilities: np.ndarray, targets: np.ndarray) -> Weighted:
    """Return the share of items whose true class is among the five most probable ones."""
    return _weigh_top(probabilities, targets, 5)


def weigh_brier(probabilities: np.ndarray, targets: np.ndarray) -> Weighted:
    """Return the Brier score: squared differences summed over the classes, between 0 and 2."""
    exact = probabilities.astype(np.float64)
    hit = exact[np.arange(len(targets)), targets]
    return _weigh_mean((exact**2).sum(axis=1) - 2 * hit + 1)


def weigh_cross_entropy(probabilities: np.ndarray, targets: np.ndarray) -> Weighted:
    """Return the mean negative logarithm of the probability of the true class, which counts as at least 2.2e-16."""
    exact = probabilities.astype(np.float64)
    return _weigh_mean(-np.log(np.maximum(exact[np.arange(len(targets)), targets], _LEAST)))


def weigh_recall(probabilities: np.ndarray, targets: np.ndarray) -> WeightedClasses:
    """Return the share of the items of each class that were found; NaN for a class that does not occur."""
    confusion = weigh_confusion(probabilities, targets)
    occurs = np.bincount(targets, minlength=probabilities.shape[1]) > 0

    def score(weights: np.ndarray) -> np.ndarray:
        counts = confusion(weights)
        return np.where(occurs, _divide(np.diagonal(counts), counts.sum(axis=1)), np.nan)

    return score


def weigh_precision(probabilities: np.ndarray, targets: np.ndarray) -> WeightedClasses:
    """Return the share of right answers among those of each class, 0 for one that is never the answer.

    NaN for a class that neither occurs nor is an answer.
    """
    confusion = weigh_confusion(probabilities, targets)
    listed = _list_classes(probabilities, targets)

    def score(weights: np.ndarray) -> np.ndarray:
        counts = confusion(weights)
        return np.where(listed, _divide(np.diagonal(counts), counts.sum(axis=0)), np.nan)

    return score


def weigh_f1(probabilities: np.ndarray, targets: np.ndarray) -> WeightedClasses:
    """Return the F1 of each class; NaN for a class that neither occurs nor is an answer."""
    confusion = weigh_confusion(probabilities, targets)
    listed = _list_classes(probabilities, targets)

    def score(weights: np.ndarray) -> np.ndarray:
        counts = confusion(weights)
        total = counts.sum(axis=0) + counts.sum(axis=1)
        return np.where(listed, _divide(2 * np.diagonal(counts), total), np.nan)

    return score


def weigh_confusion(probabilities: np.ndarray, targets: np.ndarray) -> WeightedClasses:
    """Return the confusion matrix, (K, K), with the true class along the first axis."""
    k = probabilities.shape[1]
    cell = targets * k + probabilities.argmax(axis=1)
    return lambda weights: np.bincount(cell, weights, minlength=k * k).reshape(k, k)


def weigh_roc_auc(probabilities: np.ndarray, targets: np.ndarray) -> WeightedClasses:
    """Return the area under the ROC curve of each class against the rest; NaN where there is only one of the two."""
    classes = _rank_classes(probabilities, targets)

    def score(weights: np.ndarray) -> np.ndarray:
        values = np.full(len(classes), np.nan)
        for k, ranked in enumerate(classes):
            if ranked is not None:
                values[k] = ranked.area(weights)
        return values

    return score


def weigh_average_precision(probabilities: np.ndarray, targets: np.ndarray) -> WeightedClasses:
    """Return the average precision of each class against the rest; NaN where there is only one of the two."""
    classes = _rank_classes(probabilities, targets)

    def score(weights: np.ndarray) -> np.ndarray:
        values = np.full(len(classes), np.nan)
        for k, ranked in enumerate(classes):
            if ranked is not None:
                values[k] = ranked.average_precision(weights)
        return values

    return score


class _RankedClass:
    """The items of a class, and the others, in ascending order of the probability of the class."""

    def __init__(self, probability: np.ndarray, is_class: np.ndarray) -> None:
        order = np.argsort(probability, kind="stable")
        self.own, self.others = order[is_class[order]], order[~is_class[order]]
        values, own = probability[self.others], probability[self.own]
        self.below = np.searchsorted(values, own, side="left")
        self.up_to = np.searchsorted(values, own, side="right")
        self.own_below = np.searchsorted(own, own, side="left")

    def area(self, weights: np.ndarray) -> float:
        """Return the weighted Mann-Whitney statistic; NaN if either side has no weight."""
        own, sums = weights[self.own], _sum_up(weights[self.others])
        total = own.sum() * sums[-1]
        ranks = sums[self.below] + sums[self.up_to]
        return sum_products(own, ranks) / (2 * float(total)) if total else np.nan

    def average_precision(self, weights: np.ndarray) -> float:
        """Return the mean over the items of the class of the precision at their probability; NaN without any."""
        own, sums = weights[self.own], _sum_up(weights[self.others])
        own_sums = _sum_up(own)
        if not own_sums[-1]:
            return np.nan
        found = own_sums[-1] - own_sums[self.own_below]
        taken = found + sums[-1] - sums[self.below]
        return sum_products(own, _divide(found, taken)) / float(own_sums[-1])


def _rank_classes(probabilities: np.ndarray, targets: np.ndarray) -> list[_RankedClass | None]:
    """Return the items by the probability of each class; None where all items are of the class, or none is."""
    n = np.bincount(targets, minlength=probabilities.shape[1])
    return [_RankedClass(probabilities[:, k], targets == k) if 0 < n[k] < len(targets) else None for k in range(len(n))]


def _weigh_top(probabilities: np.ndarray, targets: np.ndarray, k: int) -> Weighted:
    """Return the share of items with fewer than k classes above the true one; NaN where there are only k classes."""
    if probabilities.shape[1] <= k:
        return lambda weights: np.nan
    own = probabilities[np.arange(len(targets)), targets][:, None]
    # of equal probabilities, the class that comes first is above, as in argmax
    first = np.arange(probabilities.shape[1]) < targets[:, None]
    above = (probabilities > own) | ((probabilities == own) & first)
    return _weigh_mean((above.sum(axis=1) < k).astype(np.float64))


def _weigh_mean(values: np.ndarray) -> Weighted:
    return lambda weights: sum_products(weights, values) / float(weights.sum())


def _list_classes(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return whether each class occurs or is an answer."""
    k = probabilities.shape[1]
    counts = np.bincount(targets, minlength=k) + np.bincount(probabilities.argmax(axis=1), minlength=k)
    occurs: np.ndarray = counts > 0
    return occurs


def sum_products(first: np.ndarray, second: np.ndarray) -> float:
    """Return the sum of the products of two arrays (N,), computed in this thread alone.

    For long arrays ``first @ second`` starts threads, which take the cores from those that score other resamples.
    """
    return float(np.einsum("i,i->", first, second))


def _sum_up(values: np.ndarray) -> np.ndarray:
    """Return the sum of the values before each position, and that of all at the end."""
    sums = np.zeros(len(values) + 1)
    np.cumsum(values, out=sums[1:])
    return sums


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return a quotient, 0 where the divisor is 0."""
    quotient: np.ndarray = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return quotient
