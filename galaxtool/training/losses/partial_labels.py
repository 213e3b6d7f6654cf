r"""Labels of different depths: a class, or a set of classes of which an item is one.

A target is the index of a row of the *label sets*, a matrix (L, K) whose entry (l, k) is the probability of the label l
for an item of class k, up to a factor of the row. The first K rows are the identity: labels that are classes. The
likelihood of a label is the sum of the probabilities of its classes,

.. math:: p(l) = \sum_k S_{lk} \, p_k,

and its negative logarithm is the loss of an item (Jin & Ghahramani 2002). For a label that is a class, this is the
cross-entropy.
"""

from __future__ import annotations

import numpy as np
import torch


def gather_labels(values: torch.Tensor, targets: torch.Tensor, log_sets: torch.Tensor | None = None) -> torch.Tensor:
    """Return the value of each row's own label: of its class, or the logarithm of the sum over its classes.

    Parameters
    ----------
    values : Tensor, shape (N, K)
        Logarithms of probabilities, up to a constant of each row: logits, or similarities divided by tau.
    targets : Tensor of int64, shape (N,)
        Labels, 0 to L - 1.
    log_sets : Tensor, shape (L, K), or None
        Logarithm of the label sets, minus infinity for 0; None if every label is a class.

    Returns
    -------
    Tensor, shape (N,)
    """
    if log_sets is None:
        return values.gather(1, targets[:, None])[:, 0]
    return torch.logsumexp(values + log_sets.to(values)[targets], dim=1)


def normalize_sets(label_sets: np.ndarray) -> np.ndarray:
    """Return the shares of the classes in each label, float64 (L, K): rows of sum 1."""
    exact = label_sets.astype(np.float64)
    shares: np.ndarray = exact / exact.sum(axis=1, keepdims=True)
    return shares


def count_classes(
    targets: np.ndarray, n_classes: int, label_sets: np.ndarray | None, item_weights: np.ndarray | None = None
) -> np.ndarray:
    """Return the number of items of each class, float64 (K,).

    Parameters
    ----------
    targets : ndarray of int64, shape (N,)
        Labels; those below 0 are not counted.
    n_classes : int
        Number K of classes.
    label_sets : ndarray, shape (L, K), or None
        The label sets, which divide an item among the classes of its label.
    item_weights : ndarray of float, shape (N,), optional
        How often each item is counted; by default once.
    """
    is_known = targets >= 0
    known, weights = targets[is_known], None if item_weights is None else item_weights[is_known]
    if label_sets is None:
        return np.bincount(known, weights, minlength=n_classes).astype(np.float64)
    shares: np.ndarray = np.bincount(known, weights, minlength=len(label_sets)) @ normalize_sets(label_sets)
    return shares
