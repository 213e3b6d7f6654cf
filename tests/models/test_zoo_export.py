"""Every backbone with an image tower is exported, with random weights, and does what PyTorch does."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from galaxtool.backbones.create import create_backbone
from galaxtool.heads.linear import build as build_linear
from galaxtool.models.network import GalaxyModel
from galaxtool.models.onnx.comparison import compare_with_model
from galaxtool.models.onnx.file import write_onnx
from galaxtool.models.onnx.precision import to_fp16
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.training.batchnorm import average_batches
from galaxtool.vision.preprocess import Preprocess

SPECS = {name: get_registry().backbones.find(name).spec for name in get_registry().backbones.names()}
NAMED = sorted(name for name, spec in SPECS.items() if not spec.architectures)
OF_LIBRARIES = [
    "open_clip:RN50", "open_clip:ViT-S-32-alt", "open_clip:convnext_base", "open_clip:coca_ViT-B-32",
    "timm:convnext_atto", "timm:convnext_base", "timm:maxvit_tiny_tf_224", "timm:swin_tiny_patch4_window7_224",
    "timm:efficientnet_b0", "timm:vit_tiny_patch16_224", "timm:eva02_tiny_patch14_224", "timm:mobilenetv3_small_100",
    "timm:coatnet_nano_rw_224", "timm:vit_small_patch16_dinov3", "timm:resnetv2_50", "timm:nfnet_l0", "timm:davit_tiny",
    "torchvision:swin_t", "torchvision:swin_v2_t", "torchvision:convnext_tiny", "torchvision:efficientnet_b0",
    "torchvision:mobilenet_v3_small", "torchvision:densenet121", "torchvision:maxvit_t", "torchvision:regnet_y_400mf",
    "torchvision:inception_v3", "torchvision:googlenet", "torchvision:shufflenet_v2_x0_5", "torchvision:squeezenet1_1",
    "torchvision:alexnet", "torchvision:mnasnet0_5",
]  # fmt: skip
"""One architecture of each family."""


def make_random_model(name: str) -> tuple[GalaxyModel, ModelRecord]:
    torch.manual_seed(0)
    backbone = create_backbone(f"{name}@none")
    taxonomy = build_taxonomy(["ring", "disc", "smudge"])
    record = ModelRecord(
        name="random",
        backbone=f"{name}@none",
        dim=backbone.dim,
        head="linear",
        preprocess=Preprocess(size=int(backbone.image_size)).as_dict(),
        taxonomy=taxonomy.as_dict(),
    )
    return GalaxyModel(backbone, build_linear(dim=backbone.dim, n_classes=3)).eval(), record


def settle_batchnorm(model: GalaxyModel, images: np.ndarray) -> None:
    """Give BatchNorm the statistics of some images: with those of a new layer, activations vanish in half precision."""
    layers = [one for one in model.modules() if isinstance(one, _BatchNorm)]
    with average_batches(layers), torch.no_grad():
        for layer in layers:
            layer.train()
        model(torch.from_numpy(images))
    model.eval()


def measure_rounding(model: GalaxyModel, images: np.ndarray) -> float:
    """Return 1 - cosine of what half-precision weights alone do to embeddings; activations cost about as much again.

    Deep nets with random weights, such as Inception v3, amplify rounding more than trained ones do.
    """
    rounded = copy.deepcopy(model).half().float()
    with torch.no_grad():
        before, after = (one.backbone.embed(torch.from_numpy(images)) for one in (model, rounded))
    return 1 - float(torch.nn.functional.cosine_similarity(before, after).min())


def check(name: str, path: Path) -> None:
    model, record = make_random_model(name)
    images = np.random.default_rng(0).normal(size=(5, 3, *[record.preprocess["size"]] * 2)).astype(np.float32)
    settle_batchnorm(model, images)
    write_onnx(path, model, record)
    found = compare_with_model(path, model, images, (1, 2, 5))
    assert found.least_cosine >= 0.9999 and found.largest_difference < 0.01 and found.agreement == 1
    to_fp16(path)
    least = compare_with_model(path, model, images, (1, 2)).least_cosine
    assert least >= min(0.999, 1 - 2 * measure_rounding(model, images))


@pytest.mark.slow
def test_a_small_one(tmp_path: Path) -> None:
    check("small-cnn", tmp_path / "m.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMED, *OF_LIBRARIES])
def test_the_zoo(name: str, tmp_path: Path) -> None:
    check(name, tmp_path / "m.onnx")
