"""Scores of each data set in the terms of its own labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.metrics import f1_score

from galaxtool.evaluation.class_scores import compute_class_scores
from galaxtool.evaluation.metrics import compute_metric

_SCORES = ("accuracy", "f1_macro", "ece")


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelTerms:
    """The terms in which a data set is labelled, and what the classes of the model are in these terms.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    column : str
        Name of the data set in the columns of ``history.csv``.
    taxonomy : str
        Name of the taxonomy of the terms.
    slugs : tuple of M str
        Slugs of the terms that contain a class.
    membership : ndarray of float64, shape (K, M)
        1 where a term contains a class; a row of zeros for a class without a counterpart.
    of_label : ndarray of int64, shape (L,)
        Term of each label; -1 for a label that has none.
    """

    dataset: str
    column: str
    taxonomy: str
    slugs: tuple[str, ...]
    membership: np.ndarray
    of_label: np.ndarray

    def convert(self, probabilities: np.ndarray) -> np.ndarray:
        """Return probabilities (N, K) of classes in these terms, (N, M).

        Those of the classes of a term are summed, classes without a counterpart are dropped, and the rest is
        renormalized.
        """
        summed = probabilities.astype(np.float64) @ self.membership
        total = summed.sum(axis=1, keepdims=True)
        uniform = np.full_like(summed, 1 / len(self.slugs))
        shares: np.ndarray = np.divide(summed, total, out=uniform, where=total > 0)
        return shares

    def find_terms(self, targets: np.ndarray) -> np.ndarray:
        """Return the term of each target, -1 where it has none."""
        terms: np.ndarray = np.where(targets >= 0, self.of_label[targets], -1)
        return terms


def validate_datasets(
    terms: Sequence[LabelTerms], logits: torch.Tensor, targets: np.ndarray, sources: np.ndarray
) -> dict[str, float]:
    """Score each data set by itself, as columns of ``history.csv``.

    Parameters
    ----------
    terms : sequence of LabelTerms
        The terms of each data set.
    logits : Tensor, shape (N, K)
        Outputs for the classes, on the CPU.
    targets, sources : ndarray of int64, shape (N,)
        Label and number of the data set of each item.

    Returns
    -------
    dict
        ``valid_accuracy_DATASET`` and ``valid_f1_DATASET`` for each data set with items, and ``valid_f1_mean``, the
        mean of the latter.
    """
    probabilities = torch.softmax(logits.double(), dim=1).numpy()
    row = {}
    for number, own in enumerate(terms):
        truth = np.where(sources == number, own.find_terms(targets), -1)
        items = truth >= 0
        if items.any():
            predicted = own.convert(probabilities[items]).argmax(axis=1)
            row[f"valid_accuracy_{own.column}"] = float((predicted == truth[items]).mean())
            row[f"valid_f1_{own.column}"] = float(f1_score(truth[items], predicted, average="macro", zero_division=0))
    scores = [value for name, value in row.items() if name.startswith("valid_f1_")]
    return {**row, "valid_f1_mean": float(np.mean(scores))} if scores else row


def score_datasets(
    terms: Sequence[LabelTerms], probabilities: np.ndarray, targets: np.ndarray, sources: np.ndarray, *, seed: int
) -> dict[str, Any]:
    """Score each data set by itself, as the entry ``datasets`` of ``metrics.json``.

    Parameters
    ----------
    terms, targets, sources
        Same as in `validate_datasets`.
    probabilities : ndarray, shape (N, K)
        Probabilities of the classes.
    seed : int
        Random seed of the intervals.

    Returns
    -------
    dict
        For each data set with items: the ``taxonomy`` of its terms, their number ``n``, ``accuracy``, ``f1_macro`` and
        ``ece`` with their intervals, and the scores of each term under ``classes``.
    """
    entries = {}
    for number, own in enumerate(terms):
        truth = np.where(sources == number, own.find_terms(targets), -1)
        items = truth >= 0
        if items.any():
            converted, true = own.convert(probabilities[items]), truth[items]
            entries[own.dataset] = {
                "taxonomy": own.taxonomy,
                "n": int(items.sum()),
                **{name: compute_metric(name, converted, true, seed=seed) for name in _SCORES},
                "classes": compute_class_scores(converted.argmax(axis=1), true, own.slugs),
            }
    return entries
