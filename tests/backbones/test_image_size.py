"""Backbones for images of another size than that of their weights."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from galaxtool import ConfigError, create_backbone
from galaxtool.backbones.image_size import resample_positions, set_image_size


def test_positions_are_those_of_torch_and_keep_the_class_token() -> None:
    torch.manual_seed(0)
    positions = torch.randn(1, 1 + 16, 8)
    resampled = resample_positions(positions, 1, 6)
    assert resampled.shape == (1, 1 + 36, 8)
    assert torch.equal(resampled[:, 0], positions[:, 0])
    for channel in range(8):
        wanted = F.interpolate(positions[:, 1:, channel].reshape(1, 1, 4, 4), size=6, mode="bicubic")
        torch.testing.assert_close(resampled[0, 1:, channel], wanted.flatten())


@pytest.mark.parametrize("name", ["timm:test_vit@none", "small-resnet@none"])
def test_a_backbone_takes_images_of_the_size(name: str) -> None:
    backbone = create_backbone(name, image_size=96).eval()
    maps = backbone.features(torch.zeros(1, 3, 96, 96))
    assert backbone.image_size == 96
    assert all(features.shape[-1] == -(-96 // stride) for features, stride in maps)


def test_a_size_that_the_patches_do_not_divide() -> None:
    with pytest.raises(ConfigError, match="Images of 100 pixels do not divide into the patches") as caught:
        create_backbone("timm:test_vit@none", image_size=100)
    assert "96 pixels" in caught.value.hint


def test_a_transformer_that_cannot_be_resized() -> None:
    backbone = SimpleNamespace(image_size=224, patch=16, registered_name="own-vit@none")
    with pytest.raises(ConfigError, match="'own-vit@none' takes images of 224 pixels only"):
        set_image_size(backbone, 256)


def test_the_normalization_is_that_of_the_weights() -> None:
    assert create_backbone("small-resnet@none").normalization == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
