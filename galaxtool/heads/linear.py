"""The linear head: one layer on the features."""

from __future__ import annotations

from torch import nn


def build(*, dim: int, n_classes: int) -> nn.Module:
    """Create a layer from features (N, dim) to logits (N, n_classes)."""
    return nn.Linear(dim, n_classes)
