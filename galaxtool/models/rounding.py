"""Round the weights of a network to eight bits, so that they take less room; they are computed with in float32."""

from __future__ import annotations

import torch
from torch import nn

LEVELS = 127
"""Largest whole number that a weight is a multiple of its scale."""


@torch.no_grad()
def round_weights(network: nn.Module) -> None:
    """Round the weights of convolutions and linear layers in place, each output with a scale of its own."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            rows = layer.weight.flatten(1)
            scale = (rows.abs().amax(dim=1, keepdim=True) / LEVELS).clamp_min(torch.finfo(torch.float32).tiny)
            layer.weight.copy_((torch.round(rows / scale) * scale).view_as(layer.weight))
