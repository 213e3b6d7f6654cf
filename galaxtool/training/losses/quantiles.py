"""From the outputs of a network to quantiles that never cross."""

from __future__ import annotations

import torch
import torch.nn.functional as F

OUTPUTS = 3
"""Number of outputs for each quantity: the median, and the distances to the quantiles below and above."""


def compute_quantiles(logits: torch.Tensor, temperature: float | torch.Tensor = 1.0) -> torch.Tensor:
    """Return the three quantiles of each quantity in units of its scale, (N, T, 3), from outputs (N, 3 T).

    The distances to the median are made positive, so that quantiles never cross. `temperature` is a factor for all of
    them, or one for those of each quantity, (T,).
    """
    parts = logits.reshape(logits.shape[0], -1, OUTPUTS)
    middle = parts[..., 1]
    low, high = (temperature * F.softplus(parts[..., end]) for end in (0, 2))
    return torch.stack([middle - low, middle, middle + high], dim=-1)
