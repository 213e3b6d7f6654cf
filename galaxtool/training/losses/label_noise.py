"""Noisy labels: the probability of each label for an item of each class, learned with the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

LEARNING_RATE = 3e-3
"""Peak learning rate of the logarithms of the probabilities."""

_PSEUDO_COUNT = 10.0
"""Number of images of each class, labelled as at the start, that count beside those of the training."""


@dataclass(frozen=True, eq=False)
class NoisyLabels:
    """The labels of a data set that are right only with some probability.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    rate : float
        Probability of a wrong label at the start, in (0, 1).
    labels : tuple of M str
        Names of the labels, which are rows of the label sets in this order.
    start : ndarray of float64, shape (K, M)
        Probability of each label for an item of each class at the start; rows sum to 1.
    """

    dataset: str
    rate: float
    labels: tuple[str, ...]
    start: np.ndarray


def make_start(is_right: np.ndarray, rate: float) -> np.ndarray:
    """Return the probability of each label for an item of each class, (K, M), at a rate of wrong labels.

    Parameters
    ----------
    is_right : ndarray of bool, shape (K, M)
        Which label is right for each class, at most one.
    rate : float
        Probability of a wrong label, in equal shares for the wrong ones.

    Returns
    -------
    ndarray of float64
        Rows of sum 1. Where no label is right for a class, all are equally probable.
    """
    n_labels = is_right.shape[1]
    if n_labels == 1:
        return np.ones(is_right.shape)
    known = is_right.any(axis=1, keepdims=True)
    spread: np.ndarray = np.where(is_right, 1 - rate, rate / (n_labels - 1))
    return np.where(known, spread, 1 / n_labels)


class LabelNoise(nn.Module):
    """The noise matrices of data sets, whose parameters are learned with the model.

    The probability of the labels m given the class k is a softmax over m of parameters. The matrix is held to its start
    as if 10 more images of each class had been labelled with the probabilities of the start.

    Parameters
    ----------
    noisy : sequence of NoisyLabels
        The noisy data sets, in the order of their rows in the label sets.
    n_items : float
        Number of images of an epoch, over which the loss is a mean.

    Notes
    -----
    Sukhbaatar et al. 2015, arXiv:1406.2080, and Goldberger & Ben-Reuven 2017 learn such a matrix with a network.
    """

    start: torch.Tensor

    def __init__(self, noisy: Sequence[NoisyLabels], n_items: float) -> None:
        super().__init__()
        self.noisy = tuple(noisy)
        self.n_items = n_items
        start = np.concatenate([own.start.ravel() for own in noisy])
        self.register_buffer("start", torch.from_numpy(start).float())
        # a vector, which has no weight decay
        self.logits = nn.Parameter(self.start.log())

    def log_probabilities(self) -> list[torch.Tensor]:
        """Return the logarithm of the probability of each label given each class, (K, M) for each data set."""
        parts = torch.split(self.logits.float(), [own.start.size for own in self.noisy])
        return [
            torch.log_softmax(part.view(own.start.shape), dim=1) for part, own in zip(parts, self.noisy, strict=True)
        ]

    def log_rows(self) -> torch.Tensor:
        """Return the rows of the logarithm of the label sets, one for each noisy label of all data sets, (.., K)."""
        return torch.cat([own.T for own in self.log_probabilities()])

    def penalty(self) -> torch.Tensor:
        """Return the divergence from the start, as a term of the mean loss of an image."""
        now = torch.cat([own.reshape(-1) for own in self.log_probabilities()])
        divergence = (self.start * (self.start.log() - now)).sum()
        return _PSEUDO_COUNT / self.n_items * divergence

    @torch.no_grad()
    def describe(self, slugs: Sequence[str]) -> dict[str, Any]:
        """Return the entry ``noise`` of ``metrics.json``.

        Returns
        -------
        dict
            For each data set its ``rate`` at the start and ``classes``: for each class, the probability of each label.
        """
        entries = {}
        for own, log_p in zip(self.noisy, self.log_probabilities(), strict=True):
            names = [label.rpartition("/")[2] for label in own.labels]
            values = log_p.exp().cpu().tolist()
            entries[own.dataset] = {
                "rate": own.rate,
                "classes": {
                    slug: {name: round(p, 4) for name, p in zip(names, row, strict=True)}
                    for slug, row in zip(slugs, values, strict=True)
                },
            }
        return entries
