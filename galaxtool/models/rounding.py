"""Round the weights of a network to eight bits, so that they take less room; they are computed with in float32.

A rounded kernel shifts the mean of its outputs. Images of a source on empty sky are nearly the same everywhere, so
BatchNorm divides by little and would make such a shift large. It is therefore subtracted again from the mean that
BatchNorm subtracts (the bias correction of Nagel et al. 2019, arXiv:1906.04721).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

LEVELS = 127
"""Largest whole number that a weight is a multiple of its scale."""


@torch.no_grad()
def round_weights(network: nn.Module, images: torch.Tensor) -> None:
    """Round the weights of convolutions and linear layers in place, each output with a scale of its own.

    Parameters
    ----------
    network : torch.nn.Module
        Network in evaluation mode.
    images : Tensor of float32, shape (N, C, size, size)
        Images on which the shift of each BatchNorm layer is measured.
    """
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    means = _measure_means(network, images, norms)
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            rows = layer.weight.flatten(1)
            scale = (rows.abs().amax(dim=1, keepdim=True) / LEVELS).clamp_min(torch.finfo(torch.float32).tiny)
            layer.weight.copy_((torch.round(rows / scale) * scale).view_as(layer.weight))
    for norm, mean in zip(norms, means, strict=True):  # a correction changes the inputs of the next layers
        (shifted,) = _measure_means(network, images, [norm])
        if norm.running_mean is not None:
            norm.running_mean += shifted - mean


def _measure_means(network: nn.Module, images: torch.Tensor, layers: Sequence[nn.Module]) -> list[torch.Tensor]:
    """Return the mean of each channel of the input of some layers, over images and pixels."""
    means: dict[nn.Module, torch.Tensor] = {}

    def note(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        means[layer] = inputs[0].mean(dim=(0, 2, 3))

    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return [means[layer] for layer in layers]
