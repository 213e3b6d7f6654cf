"""Feature maps, class tokens and attention of backbones, beside their libraries' own layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import timm
import torch
from support.small_backbones import OPEN_CLIP, register_small_backbones
from support.training_helpers import narrow_resnet
from torch import nn
from torchvision import models

from galaxtool.backbones.abilities import extract_attention, extract_cls_tokens, extract_features
from galaxtool.backbones.borrowed_text import BackboneWithText
from galaxtool.backbones.create import create_backbone, parse_name
from galaxtool.backbones.timm.models import create_model
from galaxtool.backbones.torchvision_models import TorchVision
from galaxtool.errors import ConfigError
from galaxtool.testing.inner_results import check_inner_results

TRANSFORMERS = [
    "timm:test_vit@none", "registers", "torchvision", OPEN_CLIP["vit"],
    pytest.param(OPEN_CLIP["timm-vit"], marks=pytest.mark.slow),
]  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with register_small_backbones(tmp_path_factory.mktemp("architectures")), narrow_resnet():
        yield


def make(name: str) -> Any:
    torch.manual_seed(0)
    if name == "registers":
        backbone: Any = create_model("test_vit", img_size=32, patch_size=8, reg_tokens=2)
    elif name == "torchvision":
        small = models.VisionTransformer(32, patch_size=8, num_layers=5, num_heads=2, hidden_dim=16, mlp_dim=32)
        backbone = TorchVision(small, image_size=32, pretrained=False)
    elif name == "small torchvision ResNet":
        network = models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], width_per_group=64)
        backbone = TorchVision(network, image_size=64, pretrained=False)
    else:
        backbone = create_backbone(name)
    return backbone.eval()


def images_for(backbone: Any, n: int = 2) -> torch.Tensor:
    return torch.randn(n, 3, backbone.image_size, backbone.image_size, generator=torch.Generator().manual_seed(1))


def find_blocks(backbone: Any) -> tuple[list[nn.Module], nn.Module]:
    """Return the blocks and the final norm, each by its library's name."""
    tower = backbone.image_tower
    trunk = getattr(tower, "trunk", tower)
    if hasattr(trunk, "encoder"):
        return list(trunk.encoder.layers), trunk.encoder.ln
    if hasattr(trunk, "transformer"):
        return list(trunk.transformer.resblocks), trunk.ln_post
    return list(trunk.blocks), trunk.norm


def attend(layer: Any, x: torch.Tensor) -> torch.Tensor:
    """Write out the attention of a layer without its library."""
    if isinstance(layer, nn.MultiheadAttention):
        weight, bias, n = layer.in_proj_weight, layer.in_proj_bias, layer.num_heads
    else:
        weight, bias, n = layer.qkv.weight, layer.qkv.bias, layer.num_heads
    q, k, _ = (x @ weight.T + bias).chunk(3, dim=-1)
    q, k = (t.unflatten(-1, (n, -1)).transpose(1, 2) for t in (q, k))
    return torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, dim=-1)


@pytest.mark.parametrize("name", TRANSFORMERS)
@pytest.mark.parametrize("gradients", [False, True])  # without them, PyTorch's own layers take another way
def test_attention_is_that_of_the_last_block(name: str, gradients: bool) -> None:
    backbone = make(name)
    images = images_for(backbone)
    blocks, _ = find_blocks(backbone)
    taken: list[torch.Tensor] = []
    hook = blocks[-1].register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0]))
    with torch.set_grad_enabled(gradients):
        before = backbone.embed(images)
        hook.remove()
        found = extract_attention(backbone, images)
        block: Any = blocks[-1]
        layer = getattr(block, "attn", None) or block.self_attention
        norm = getattr(block, "norm1", None) or block.ln_1
        torch.testing.assert_close(found, attend(layer, norm(taken[0])), rtol=1e-4, atol=1e-6)
        assert torch.equal(backbone.embed(images), before)
    assert found.shape[-1] == backbone.prefix_tokens + (backbone.image_size // backbone.patch) ** 2
    assert found.requires_grad == gradients
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in backbone.modules())


@pytest.mark.parametrize("name", TRANSFORMERS)
@torch.inference_mode()
def test_class_tokens_and_maps_are_those_of_the_blocks(name: str) -> None:
    backbone = make(name)
    images = images_for(backbone)
    blocks, norm = find_blocks(backbone)
    given: list[torch.Tensor] = []
    hooks = [block.register_forward_hook(lambda _, __, output: given.append(output)) for block in blocks]
    embedded = backbone.embed(images)
    for hook in hooks:
        hook.remove()
    found = extract_cls_tokens(backbone, images, 2)
    torch.testing.assert_close(found, torch.stack([norm(x)[:, 0] for x in given[-2:]], dim=1))
    if name in ("timm:test_vit@none", "registers", "torchvision"):
        torch.testing.assert_close(found[:, -1], embedded)
    maps = extract_features(backbone, images)
    assert len(maps) == len(blocks) and {stride for _, stride in maps} == {backbone.patch}
    side = backbone.image_size // backbone.patch
    # the patch in row 1 and column 0 comes after those of the first row
    assert torch.equal(maps[-1][0][:, :, 1, 0], given[-1][:, backbone.prefix_tokens + side])
    with pytest.raises(ConfigError, match=f"has {len(blocks)} blocks, not class tokens of the last 99"):
        extract_cls_tokens(backbone, images, 99)


@pytest.mark.parametrize(
    ("name", "strides"),
    [
        ("small-resnet@none", [4, 8, 16, 32]),
        pytest.param("torchvision:resnet18@none", [2, 4, 8, 16, 32], marks=pytest.mark.slow),
        ("timm:test_resnet@none", [2, 4, 8, 16, 32]),
        ("timm:test_convnext@none", [4, 8, 16, 32]),
        (OPEN_CLIP["resnet"], [2, 4, 8, 16, 32]),
        pytest.param(OPEN_CLIP["convnext"], [4, 8, 16, 32], marks=pytest.mark.slow),
        pytest.param("small-cnn@none", [2, 4, 8, 16, 32], marks=pytest.mark.slow),
        pytest.param("vgg11@none", [1, 2, 4, 8, 16, 32], marks=pytest.mark.slow),
        pytest.param("torchvision:convnext_tiny@none", [4, 8, 16, 32], marks=pytest.mark.slow),
        pytest.param("torchvision:swin_t@none", [4, 8, 16, 32], marks=pytest.mark.slow),
        pytest.param("torchvision:inception_v3@none", [2, 4, 8, 16, 32], marks=pytest.mark.slow),
    ],
)
@torch.inference_mode()
def test_convolutional_networks_have_a_map_for_each_stride(name: str, strides: list[int]) -> None:
    backbone = make(name)
    images = images_for(backbone)
    maps = extract_features(backbone, images)
    assert [stride for _, stride in maps] == strides
    for features, stride in maps[-2:]:
        assert features.ndim == 4 and abs(features.shape[-1] - backbone.image_size / stride) < 2
        assert features.shape[-1] == features.shape[-2]
    for ask, message in ((extract_cls_tokens, "has no class token"), (extract_attention, "has no attention")):
        with pytest.raises(ConfigError, match=f"{name.split('@')[0]}.*{message}"):
            ask(backbone, images)


@torch.inference_mode()
def test_maps_of_resnets_are_what_is_averaged() -> None:
    for name in ("small torchvision ResNet", "timm:test_resnet@none"):
        backbone = make(name)
        images = images_for(backbone)
        maps = extract_features(backbone, images)
        assert [stride for _, stride in maps] == [2, 4, 8, 16, 32]
        torch.testing.assert_close(maps[-1][0].mean(dim=(2, 3)), backbone.embed(images))
    for name in ("image-only", "small-resnet@none"):
        with pytest.raises(ConfigError, match=f"'{name}"):
            extract_attention(make(name), images)


def test_other_sides_have_the_stride_too() -> None:
    maps = make("timm:test_resnet@none").features(torch.randn(1, 3, 100, 100))
    assert [(m.shape[-1], stride) for m, stride in maps] == [(50, 2), (25, 4), (13, 8), (7, 16), (4, 32)]


@torch.inference_mode()
def test_a_borrowed_text_encoder_changes_nothing() -> None:
    image = make("timm:test_vit@none")
    backbone = BackboneWithText(image, make("small-resnet@none"))
    images = images_for(image)
    assert (backbone.patch, backbone.prefix_tokens) == (16, 1)
    for extract in (extract_attention, extract_cls_tokens):
        assert torch.equal(extract(backbone, images), extract(image, images))
    assert torch.equal(backbone.features(images)[0][0], image.features(images)[0][0])


def test_models_that_are_not_plain_transformers_say_so() -> None:
    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = timm.create_model("test_vit", num_classes=0, depth=2)
            self.inner.blocks[-1].attn = nn.Identity()

    backbone = make("timm:test_vit@none")
    backbone.model = Windows().inner
    with pytest.raises(ConfigError, match="attention of a kind that galaxtool cannot read"):
        backbone.attention(images_for(backbone))
    with pytest.raises(ConfigError, match="is not a vision transformer"):
        make("timm:test_convnext@none").attention(torch.zeros(1, 3, 64, 64))
    pooled = create_model("test_vit", class_token=False, global_pool="avg").eval()
    with pytest.raises(ConfigError, match="has no class token"):
        pooled.cls_tokens(images_for(pooled))
    assert pooled.attention(images_for(pooled)).shape[-1] == 100


class Odd(nn.Module):
    """A backbone of one patch per 8 pixels, to be spoilt."""

    image_size, dim, patch, prefix_tokens = 16, 4, 8, 1

    def __init__(self) -> None:
        super().__init__()
        self.image_tower = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return self.image_tower(images)

    def features(self, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
        return [(self.image_tower[0](images), 8)]

    def cls_tokens(self, images: torch.Tensor, last: int = 4) -> torch.Tensor:
        return torch.stack([self.embed(images) * k for k in range(last, 0, -1)], dim=1)

    def attention(self, images: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.embed(images)[:, :1, None, None] * torch.arange(25.0).view(5, 5), dim=-1)


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ({}, ""),
        ({"features": lambda self, x: [(self.image_tower[0](x), 4)]}, "map of 2 pixels with stride 4"),
        ({"features": lambda self, x: [(self.image_tower[0](x).detach(), 8)]}, "passes no gradient"),
        ({"features": lambda self, x: []}, "has no feature maps"),
        ({"cls_tokens": lambda self, x, last: torch.zeros(len(x), 3, 4)}, "gives shape"),
        (
            {"cls_tokens": lambda self, x, last: Odd.cls_tokens(self, x, last).flip(1)},
            "does not end with the last",
        ),
        ({"attention": lambda self, x: 2 * Odd.attention(self, x)}, "do not have the sum 1"),
        ({"attention": lambda self, x: Odd.attention(self, x) - 1}, "negative"),
        ({"attention": lambda self, x: Odd.attention(self, x - x.mean(0))}, "for an image alone"),
        ({"prefix_tokens": 0}, r"gives shape \(3, 1, 5, 5\), not \(3, 1, 4, 4\)"),
        ({"attention": None}, "says attention, but it has none"),
    ],
)
def test_the_check_for_authors_finds(spoilt: dict[str, Any], message: str) -> None:
    torch.manual_seed(0)
    backbone = type("Spoilt", (Odd,), spoilt)().eval()
    spec = parse_name("vit-16@none").spec
    assert spec.features and spec.cls_tokens and spec.attention and not spec.architectures
    images = torch.randn(3, 3, 16, 16)
    if not message:
        check_inner_results(backbone, "odd", images, spec)
        return
    with pytest.raises(AssertionError, match=message):
        check_inner_results(backbone, "odd", images, spec)
