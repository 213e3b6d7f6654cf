"""Classes scored by the nearest training images: nothing is learned, they are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.errors import TrainingError

NEIGHBOURS = 20
TEMPERATURE = 0.07
FLOOR = 1e-6
"""Least share of the votes that a class is given, so that its logarithm is finite."""


class KnnHead(nn.Module):
    """A vote of the nearest training images, the nearer the heavier (Wu et al. 2018, arXiv:1805.01978, section 3.4).

    Of an image's 20 nearest by cosine similarity s, each votes for its class with the weight exp(s / 0.07); with the
    numbers of DINO (Caron et al. 2021, arXiv:2104.14294). Where fewer images are kept, all of them vote.

    Parameters
    ----------
    dim : int
        Length of the features.
    n_classes : int

    Attributes
    ----------
    memory : Tensor, shape (M, dim)
        Features of the training images, of unit length; M is 0 before `fit`.
    targets : Tensor of int64, shape (M,)
        Their classes.
    """

    memory: torch.Tensor
    targets: torch.Tensor

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.register_buffer("memory", torch.zeros(0, dim))
        self.register_buffer("targets", torch.zeros(0, dtype=torch.int64))

    def fit(self, features: torch.Tensor, targets: torch.Tensor | np.ndarray) -> KnnHead:
        """Keep the features of images whose class is known, in place of those kept before.

        Parameters
        ----------
        features : Tensor, shape (N, dim)
            Of any length; they are brought to unit length.
        targets : Tensor or ndarray of int, shape (N,)
            Each one's class; below 0 where it has none, and then it is passed over.

        Raises
        ------
        TrainingError
            If no image has a class.
        """
        known = torch.as_tensor(targets, dtype=torch.int64, device=features.device)
        has_class = known >= 0
        if not bool(has_class.any()):
            raise TrainingError(
                "None of the training images has a class, so there is no neighbour to vote.",
                hint="Add labelled images, or leave --head out.",
            )
        kept = F.normalize(features.detach().float(), dim=1)[has_class]
        self.memory = kept.to(self.memory.device)
        self.targets = known[has_class].to(self.targets.device)
        return self

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, dim) to the logarithms of the classes' shares of the votes, (N, n_classes)."""
        similarity = F.normalize(features, dim=1) @ self.memory.T
        nearest, which = similarity.topk(min(NEIGHBOURS, len(self.memory)), dim=1)
        # relative to the nearest, so that even in half precision one remains
        weights = torch.exp((nearest - nearest[:, :1]) / TEMPERATURE)
        classes = torch.arange(self.n_classes, device=which.device)
        is_of = (self.targets[which][:, :, None] == classes).to(weights.dtype)
        votes = (weights[:, :, None] * is_of).sum(dim=1)
        # without any image there is no weight, and every class has the same share
        shares = votes / weights.sum(dim=1, keepdim=True).clamp_min(FLOOR)
        return shares.clamp_min(FLOOR).log()

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        # a state of any number of images fits
        for name in ("memory", "targets"):
            held = state_dict.get(prefix + name)
            if held is not None:
                own = getattr(self, name)
                setattr(self, name, own.new_empty((len(held), *own.shape[1:])))
        super()._load_from_state_dict(state_dict, prefix, *args)


def build(*, dim: int, n_classes: int) -> KnnHead:
    """Make an empty head, to be fitted or loaded."""
    return KnnHead(dim, n_classes)
