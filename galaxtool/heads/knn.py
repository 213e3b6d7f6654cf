"""The k-nearest-neighbours head, which stores the training images instead of learning weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.heads.labeled_features import select_labeled

NEIGHBORS = 20
TEMPERATURE = 0.07
FLOOR = 1e-6
"""Lower limit of a class's share of the votes, so that its logarithm is finite."""


class KnnHead(nn.Module):
    """A weighted vote of the nearest training images (Wu et al. 2018, arXiv:1805.01978, section 3.4).

    Each of the 20 nearest images by cosine similarity s votes for its class with the weight exp(s / 0.07); the numbers
    are those of DINO (Caron et al. 2021, arXiv:2104.14294). If fewer images are stored, all of them vote.

    Parameters
    ----------
    dim : int
        Length of the features.
    n_classes : int
        Number of classes.

    Attributes
    ----------
    memory : Tensor, shape (M, dim)
        Features of the training images, of unit length; M is 0 before `fit`.
    targets : Tensor of int64, shape (M,)
        Classes of these images.
    """

    memory: torch.Tensor
    targets: torch.Tensor

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.register_buffer("memory", torch.zeros(0, dim))
        self.register_buffer("targets", torch.zeros(0, dtype=torch.int64))

    def fit(self, features: torch.Tensor, targets: torch.Tensor | np.ndarray) -> KnnHead:
        """Store the features of images with a class, in place of those stored before.

        Parameters
        ----------
        features : Tensor, shape (N, dim)
            Features, which are scaled to unit length.
        targets : Tensor or ndarray of int, shape (N,)
            Class of each image. Images with a negative number have no class and are skipped.

        Raises
        ------
        TrainingError
            If no image has a class.
        """
        stored, classes = select_labeled(features, targets, "there are no neighbours to vote")
        self.memory = F.normalize(stored.float(), dim=1).to(self.memory.device)
        self.targets = classes.to(self.targets.device)
        return self

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the logarithm of each class's share of the votes, (N, n_classes), for features (N, dim)."""
        similarity = F.normalize(features, dim=1) @ self.memory.T
        nearest, indices = similarity.topk(min(NEIGHBORS, len(self.memory)), dim=1)
        # relative to the nearest, so that at least one weight does not vanish in half precision
        weights = torch.exp((nearest - nearest[:, :1]) / TEMPERATURE)
        classes = torch.arange(self.n_classes, device=indices.device)
        votes_for = (self.targets[indices][:, :, None] == classes).to(weights.dtype)
        votes = (weights[:, :, None] * votes_for).sum(dim=1)
        # without stored images there are no weights, and every class gets the same share
        shares = votes / weights.sum(dim=1, keepdim=True).clamp_min(FLOOR)
        return shares.clamp_min(FLOOR).log()

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        # accept a state with any number of images
        for name in ("memory", "targets"):
            stored = state_dict.get(prefix + name)
            if stored is not None:
                own = getattr(self, name)
                setattr(self, name, own.new_empty((len(stored), *own.shape[1:])))
        super()._load_from_state_dict(state_dict, prefix, *args)


def build(*, dim: int, n_classes: int) -> KnnHead:
    """Create an empty head, to be fitted or loaded."""
    return KnnHead(dim, n_classes)
