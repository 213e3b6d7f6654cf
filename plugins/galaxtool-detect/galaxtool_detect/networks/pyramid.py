"""Pyramids: maps of strides 4, 8, 16 and 32 with the same number of channels, from the maps of a backbone."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import nn
from torchvision.ops import FeaturePyramidNetwork

from galaxtool import ConfigError
from galaxtool_detect.networks.config import STRIDES


class MapNorm(nn.Module):
    """Layer normalization over the channels of a map (N, C, ny, nx)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the normalized map."""
        normed: torch.Tensor = self.norm(x.permute(0, 2, 3, 1))
        return normed.permute(0, 3, 1, 2).contiguous()


class TransposedPyramid(nn.Module):
    """The simple pyramid of ViTDet: every map comes from the last map of a vision transformer (Li et al. 2022).

    Finer maps are made by transposed convolutions, coarser ones by pooling. See arXiv:2203.16527, section 3.

    Parameters
    ----------
    width : int
        Channels of the transformer's map.
    patch : int
        Side of a patch in pixels: the stride of that map.
    channels : int
        Channels of the pyramid's maps.

    Raises
    ------
    ConfigError
        If no power of two leads from the patch to the strides of the pyramid.
    """

    def __init__(self, width: int, patch: int, channels: int) -> None:
        super().__init__()
        if patch not in STRIDES:
            raise ConfigError(
                f"Patches of {patch} pixels do not lead to maps of strides 4, 8, 16 and 32.",
                hint="Choose a vision transformer with patches of 8, 16 or 32 pixels, e.g. dinov1 in place of dinov2.",
            )
        self.levels = nn.ModuleList(self._make_level(width, patch / stride, channels) for stride in STRIDES)

    def _make_level(self, width: int, scale: float, channels: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        while scale > 1:
            layers.append(nn.ConvTranspose2d(width, width // 2, 2, 2))
            width, scale = width // 2, scale / 2
            if scale > 1:
                layers += [MapNorm(width), nn.GELU()]
        while scale < 1:
            layers.append(nn.MaxPool2d(2, 2))
            scale *= 2
        layers += [nn.Conv2d(width, channels, 1, bias=False), MapNorm(channels)]
        layers += [nn.Conv2d(channels, channels, 3, padding=1, bias=False), MapNorm(channels)]
        return nn.Sequential(*layers)

    def forward(self, maps: list[torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
        """Return the pyramid of the last of the maps."""
        return OrderedDict((str(i), level(maps[-1])) for i, level in enumerate(self.levels))


class LateralPyramid(nn.Module):
    """The feature pyramid network of Lin et al. 2017 (arXiv:1612.03144), on the maps of a convolutional network.

    Parameters
    ----------
    widths : list of int
        Channels of the backbone's maps, one for each stride it has, from the finest to the coarsest.
    channels : int
        Channels of the pyramid's maps.
    """

    def __init__(self, widths: list[int], channels: int) -> None:
        super().__init__()
        self.network = FeaturePyramidNetwork(widths, channels)

    def forward(self, maps: list[torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
        """Return the pyramid; strides that the backbone lacks are pooled from the coarsest map."""
        levels = self.network(OrderedDict((str(i), one) for i, one in enumerate(maps)))
        for i in range(len(levels), len(STRIDES)):
            levels[str(i)] = nn.functional.max_pool2d(levels[str(i - 1)], 2)
        return OrderedDict(levels)


class PyramidBackbone(nn.Module):
    """A backbone and its pyramid: images (N, 3, size, size) to an ordered dict of maps.

    Parameters
    ----------
    backbone : galaxtool.Backbone
        Backbone with ``features(images)``. The class token of a vision transformer is left out.
    image_size : int
        Side of the images in pixels.
    channels : int
        Channels of the pyramid's maps.

    Attributes
    ----------
    out_channels : int
        Channels of the maps, as torchvision wants to know them.
    patch : int or None
        Side of a patch in pixels; None if the backbone is not a vision transformer.
    is_frozen : bool
        Whether the backbone does not learn, so that no gradient passes through it.

    Raises
    ------
    ConfigError
        If the backbone has no feature maps, or none that a pyramid can use.
    """

    def __init__(self, backbone: Any, image_size: int, channels: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.out_channels = channels
        self.is_frozen = False
        self.patch: int | None = getattr(backbone, "patch", None)
        maps = self._probe(image_size)
        if self.patch:
            self.pyramid: nn.Module = TransposedPyramid(maps[-1][0].shape[1], self.patch, channels)
            return
        self.strides = choose_strides([stride for _, stride in maps], name=str(backbone.registered_name))
        self.pyramid = LateralPyramid([one.shape[1] for one in self.select(maps)], channels)

    @torch.no_grad()
    def _probe(self, image_size: int) -> list[tuple[torch.Tensor, int]]:
        features = getattr(self.backbone, "features", None)
        if not callable(features):
            raise ConfigError(
                f"The backbone '{self.backbone.registered_name}' has no feature maps.",
                hint="Choose another backbone, e.g. mini or resnet18.",
            )
        was_training = self.backbone.training
        self.backbone.eval()
        maps: list[tuple[torch.Tensor, int]] = features(torch.zeros(1, 3, image_size, image_size))
        self.backbone.train(was_training)
        return maps

    def select(self, maps: list[tuple[torch.Tensor, int]]) -> list[torch.Tensor]:
        """Return the last map of each stride of the pyramid."""
        by_stride = {stride: one for one, stride in maps}
        return [by_stride[stride] for stride in self.strides]

    def forward(self, images: torch.Tensor) -> OrderedDict[str, torch.Tensor]:
        """Return the maps of strides 4, 8, 16 and 32 under the names 0 to 3."""
        if self.is_frozen:
            with torch.no_grad():
                maps = self.backbone.features(images)
        else:
            maps = self.backbone.features(images)
        chosen = [maps[-1][0]] if self.patch else self.select(maps)
        levels: OrderedDict[str, torch.Tensor] = self.pyramid(chosen)
        return levels


def choose_strides(strides: list[int], *, name: str) -> list[int]:
    """Return the strides that a pyramid takes from a backbone, from 4 on without a gap.

    Raises
    ------
    ConfigError
        If the backbone has no map of stride 4.
    """
    found = []
    for stride in STRIDES:
        if stride not in strides:
            break
        found.append(stride)
    if not found:
        raise ConfigError(
            f"The backbone '{name}' has maps of strides {', '.join(map(str, sorted(set(strides))))}, none of stride 4.",
            hint="Choose another backbone, e.g. mini or resnet18.",
        )
    return found
