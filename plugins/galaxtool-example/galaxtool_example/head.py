"""A head: the cosine between the features and one learned direction per class."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn


class CosineHead(nn.Module):
    """Cosines times one learned scale; without biases."""

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.randn(n_classes, dim))
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, dim) to logits (N, n_classes)."""
        return self.log_scale.exp() * F.normalize(features, dim=1) @ F.normalize(self.directions, dim=1).T


def build(*, dim: int, n_classes: int) -> CosineHead:
    """Create a head with random directions."""
    return CosineHead(dim, n_classes)
