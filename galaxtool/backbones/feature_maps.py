"""Feature maps of convolutional networks, recorded by hooks on their layers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import ExitStack

import torch
from torch import nn


def collect_maps(
    tower: nn.Module, layers: Iterable[nn.Module], images: torch.Tensor, *, channels_last: bool = False
) -> list[tuple[torch.Tensor, int]]:
    """Run a tower and return the last map of each stride among the outputs of some of its layers.

    Parameters
    ----------
    tower : torch.nn.Module
        Network that takes the images.
    layers : iterable of torch.nn.Module
        Layers of it; outputs other than maps are ignored.
    images : torch.Tensor
        Images (N, C, ny, nx).
    channels_last : bool
        Whether the layers return (N, ny, nx, C).

    Returns
    -------
    list of (torch.Tensor, int)
        Maps (N, C, ny, nx) and their strides in pixels of the image, from the finest to the coarsest.
    """
    outputs: list[torch.Tensor] = []
    with ExitStack() as stack:
        for layer in layers:
            stack.callback(layer.register_forward_hook(lambda _, __, output: outputs.append(output)).remove)
        tower(images)
    maps = [
        x.permute(0, 3, 1, 2) if channels_last else x for x in outputs if isinstance(x, torch.Tensor) and x.ndim == 4
    ]
    by_stride = {find_stride(images, x): x for x in maps}
    return [(by_stride[stride], stride) for stride in sorted(by_stride)]


def find_stride(images: torch.Tensor, features: torch.Tensor) -> int:
    """Return the stride of a map in pixels of the image: the power of two nearest to the ratio of their sides.

    Padding makes the ratio itself differ: a map of 4 pixels from an image of 100 has stride 32.
    """
    ratio = images.shape[-1] / features.shape[-1]
    return int(2 ** round(math.log2(ratio)))
