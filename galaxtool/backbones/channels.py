"""Image towers for other channels than red, green and blue."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.abilities import name_of
from galaxtool.errors import ConfigError
from galaxtool.vision.preprocess import to_channels

__all__ = ["adapt_channels", "adapted_weight", "to_channels"]

_COLOURS = 3


def adapt_channels(backbone: Any, n: int) -> None:
    """Let the image tower of a backbone take images of `n` channels, in place.

    The weights of its first convolution, or patch embedding, become those of `adapted_weight`; nothing else changes.

    Raises
    ------
    ConfigError
        If `n` is below 1, or the tower does not begin with a convolution of three channels.
    """
    if n < 1:
        raise ConfigError(f"A backbone takes one channel or more, not {n}.")
    if n == _COLOURS:
        return
    convolution = next((m for m in backbone.image_tower.modules() if _takes_colours(m)), None)
    if convolution is None:
        raise _unfit(backbone, n)
    weight = convolution.weight
    convolution.weight = nn.Parameter(adapted_weight(weight.detach(), n), requires_grad=weight.requires_grad)
    convolution.in_channels = n
    if not _runs(backbone, n):  # e.g. where two convolutions look at the image
        raise _unfit(backbone, n)


def adapted_weight(weight: torch.Tensor, n: int) -> torch.Tensor:
    """Turn a convolution's weight (out, 3, ky, kx) into (out, n, ky, kx).

    For one channel the sum over the three, so that a gray picture gives what it gave in colours; for more, the three
    in turn, times 3 / n, so that the sum over channels keeps its size. These are the values of
    `timm.models.adapt_input_conv`, without the seconds that importing timm takes.
    """
    values = weight.float()
    if n == 1:
        values = values.sum(dim=1, keepdim=True)
    else:
        values = values.repeat(1, math.ceil(n / _COLOURS), 1, 1)[:, :n] * (_COLOURS / n)
    return values.to(weight.dtype).contiguous()


def _takes_colours(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.in_channels == _COLOURS and module.groups == 1


def _runs(backbone: Any, n: int) -> bool:
    tower = backbone.image_tower
    modes = [(module, module.training) for module in tower.modules()]
    image = next(tower.parameters()).new_zeros(1, n, backbone.image_size, backbone.image_size)
    try:
        with torch.no_grad():
            tower.eval()(image)
    except (RuntimeError, ValueError, AssertionError):
        return False
    finally:
        for module, training in modes:
            module.training = training
    return True


def _unfit(backbone: Any, n: int) -> ConfigError:
    return ConfigError(
        f"The backbone '{name_of(backbone)}' takes red, green and blue only, not {n} channels.",
        hint="Leave --channels out, or choose a backbone that begins with one convolution, e.g. mini or clip-vit-16.",
    )
