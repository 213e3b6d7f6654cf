"""Adapt image towers to channels other than red, green and blue."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.abilities import get_name
from galaxtool.errors import ConfigError

_N_COLORS = 3


def adapt_channels(backbone: Any, n: int) -> None:
    """Let the image tower of a backbone take images of `n` channels, in place.

    The weights of its first convolution, or patch embedding, are replaced by those that `adapt_weight` returns. Nothing
    else changes.

    Raises
    ------
    ConfigError
        If `n` is below 1, or the tower does not begin with a convolution of three channels.
    """
    if n < 1:
        raise ConfigError(f"A backbone takes one channel or more, not {n}.")
    if n == _N_COLORS:
        return
    convolution = next((m for m in backbone.image_tower.modules() if _is_rgb_convolution(m)), None)
    if convolution is None:
        raise _make_channels_error(backbone, n)
    weight = convolution.weight
    convolution.weight = nn.Parameter(adapt_weight(weight.detach(), n), requires_grad=weight.requires_grad)
    convolution.in_channels = n
    if not _accepts_channels(backbone, n):  # e.g. if two convolutions take the image
        raise _make_channels_error(backbone, n)


def adapt_weight(weight: torch.Tensor, n: int) -> torch.Tensor:
    """Convert the weight of a convolution from (out, 3, ky, kx) to (out, n, ky, kx).

    One channel gets the sum of the three, so that a gray picture gives the same output as in colours. More channels get
    the three in turn, times 3 / n, so that the sum over the channels keeps its scale. The values are those of
    `timm.models.adapt_input_conv`, without the seconds that importing timm takes.
    """
    values = weight.float()
    if n == 1:
        values = values.sum(dim=1, keepdim=True)
    else:
        values = values.repeat(1, math.ceil(n / _N_COLORS), 1, 1)[:, :n] * (_N_COLORS / n)
    return values.to(weight.dtype).contiguous()


def _is_rgb_convolution(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.in_channels == _N_COLORS and module.groups == 1


def _accepts_channels(backbone: Any, n: int) -> bool:
    """Test whether the image tower runs on an image of `n` channels."""
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


def _make_channels_error(backbone: Any, n: int) -> ConfigError:
    return ConfigError(
        f"The backbone '{get_name(backbone)}' takes red, green and blue only, not {n} channels.",
        hint="Leave --channels out, or choose a backbone that begins with one convolution, e.g. mini or clip-vit-16.",
    )
