"""The head ``zoobot-fraction``: numbers between 0 and 1 with error bars, as a regressor of Zoobot with a sigmoid."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool import Taxonomy

OUTPUTS = 3
"""Outputs for each quantity: distance to the lower quantile, median, distance to the upper quantile."""


class FractionHead(nn.Linear):
    """A linear layer, and a sigmoid for the medians.

    Parameters
    ----------
    dim : int
        Length of the features.
    n_classes : int
        Number of outputs, three for each of T quantities.

    Attributes
    ----------
    center, scale : Tensor, shape (T,)
        Units in which the outputs are, as the objective of numbers has them: 0 and 1 until `set_taxonomy` is called.
    """

    center: torch.Tensor
    scale: torch.Tensor

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__(dim, n_classes)
        n = max(1, n_classes // OUTPUTS)
        self.register_buffer("center", torch.zeros(n))
        self.register_buffer("scale", torch.ones(n))

    def set_taxonomy(self, taxonomy: Taxonomy) -> None:
        """Store the units of each quantity."""
        self.center.copy_(torch.tensor([quantity.center for quantity in taxonomy.quantities]))
        self.scale.copy_(torch.tensor([quantity.scale for quantity in taxonomy.quantities]))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, dim) to outputs (N, 3 T)."""
        low, middle, high = super().forward(features).reshape(features.shape[0], -1, OUTPUTS).unbind(dim=2)
        middle = (torch.sigmoid(middle) - self.center) / self.scale
        return torch.stack([low, middle, high], dim=2).flatten(1)

    def probabilities(self, logits: torch.Tensor, temperature: float | torch.Tensor) -> torch.Tensor:
        """Return the quantiles of each quantity, (N, 3 T), between 0 and 1, from the outputs (N, 3 T)."""
        low, middle, high = logits.reshape(logits.shape[0], -1, OUTPUTS).unbind(dim=2)
        ends = [middle - temperature * F.softplus(low), middle, middle + temperature * F.softplus(high)]
        values = self.center[:, None] + self.scale[:, None] * torch.stack(ends, dim=2)
        return values.clamp(0, 1).flatten(1)


def build(*, dim: int, n_classes: int) -> FractionHead:
    """Create the head."""
    return FractionHead(dim, n_classes)
