"""Images of another size for a backbone: position embeddings of vision transformers are resampled."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.backbones.abilities import get_name
from galaxtool.errors import ConfigError


def set_image_size(backbone: Any, size: int) -> None:
    """Let a backbone take square images of another size, in place.

    A convolutional network takes images of any size. A vision transformer has an embedding for the position of each
    patch, which is resampled.

    Parameters
    ----------
    backbone : galaxtool.backbones.protocols.Backbone
        Backbone to change. If it has a method ``set_image_size(size)``, this does the work.
    size : int
        Side of the images in pixels.

    Raises
    ------
    ConfigError
        If it is a vision transformer of a kind whose embeddings are not known, or the size is not a multiple of its
        patch.
    """
    if size == backbone.image_size:
        return
    patch = getattr(backbone, "patch", None)
    if patch and size % patch:
        raise ConfigError(
            f"Images of {size} pixels do not divide into the patches of '{get_name(backbone)}', which have {patch}.",
            hint=f"Take {round(size / patch) * patch} pixels, or another multiple of {patch}.",
        )
    if callable(method := getattr(backbone, "set_image_size", None)):
        method(size)
    elif patch:
        raise ConfigError(
            f"The vision transformer '{get_name(backbone)}' takes images of {backbone.image_size} pixels only.",
            hint="Choose a backbone of timm or torchvision, e.g. vit-16 or timm:vit_small_patch16_224.",
        )
    backbone.image_size = size


def resample_positions(positions: torch.Tensor, prefix: int, side: int) -> nn.Parameter:
    """Resample the position embeddings (1, prefix + n * n, width) of a square of patches to side * side of them.

    Those of the first `prefix` tokens stay as they are. Interpolation is bicubic, as in Touvron et al. 2021.
    """
    kept, grid = positions[:, :prefix], positions[:, prefix:]
    old = round(grid.shape[1] ** 0.5)
    square = grid.transpose(1, 2).reshape(1, -1, old, old)
    resized = F.interpolate(square, size=(side, side), mode="bicubic", align_corners=False)
    joined = torch.cat([kept, resized.flatten(2).transpose(1, 2)], dim=1)
    return nn.Parameter(joined.detach(), requires_grad=positions.requires_grad)
