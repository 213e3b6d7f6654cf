"""Small backbones of every kind with random weights."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip import factory
from torch import nn

from galaxtool import BackboneSpec, hookimpl
from galaxtool.backbones.create import create_backbone
from galaxtool.heads.prompt import PromptHead
from galaxtool.models.directory import save_model
from galaxtool.models.network import GalaxyModel
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.vision.preprocess import Preprocess

_TEXT = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}


def _describe_timm_tower(name: str, pool: str, size: int) -> dict[str, Any]:
    return {
        "timm_model_name": name, "timm_model_pretrained": False, "timm_pool": pool, "timm_proj": "linear",
        "timm_drop": 0.0, "timm_drop_path": 0.1, "image_size": size,
    }  # fmt: skip


_TOWERS = {
    "vit": {"image_size": 32, "layers": 3, "width": 32, "head_width": 16, "patch_size": 16},
    "resnet": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
    "convnext": _describe_timm_tower("test_convnext", "avg", 64),
    "timm-vit": _describe_timm_tower("test_vit", "", 160),
    "timm-resnet": _describe_timm_tower("test_resnet", "avg", 64),
}
OPEN_CLIP = {kind: f"open_clip:small-{kind}@none" for kind in _TOWERS}
"""Kind of image tower in OpenCLIP -> full name of a backbone with a thousand times smaller one."""


class ImageOnly(nn.Module):
    """A backbone without a text encoder and optional abilities."""

    dim, image_size, suggested_lr = 6, 16, 3e-4

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )

    @property
    def image_tower(self) -> nn.Module:
        return self.net

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(images)


def build_image_only(**_: Any) -> ImageOnly:
    return ImageOnly()


class _Plugin:
    @hookimpl
    def register_backbones(self) -> list[BackboneSpec]:
        return [BackboneSpec(name="image-only", factory="support.small_backbones:build_image_only", image_size=16)]


@contextmanager
def register_small_backbones(folder: Path) -> Iterator[None]:
    """Register the backbones of `OPEN_CLIP` and ``image-only``."""
    for kind, tower in _TOWERS.items():
        config = {"embed_dim": 12, "vision_cfg": tower, "text_cfg": _TEXT}
        (folder / f"small-{kind}.json").write_text(json.dumps(config))
    plugins = get_registry().plugins
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory, "_MODEL_CONFIG_PATHS", list(factory._MODEL_CONFIG_PATHS))
        patch.setattr(factory, "_MODEL_CONFIGS", dict(factory._MODEL_CONFIGS))
        open_clip.add_model_config(folder)
        plugins.register(_Plugin(), "small")
        try:
            yield
        finally:
            plugins.unregister("small")


def write_model(
    folder: Path, backbone: str, *, channels: Sequence[str] = ("R", "G", "B"), text_encoder: str = ""
) -> GalaxyModel:
    """Write a model directory with random weights and a separate encoder for symbols; return the model."""
    torch.manual_seed(0)
    made = create_backbone(backbone, channels=len(channels), text_encoder=text_encoder or None)
    taxonomy = build_taxonomy(["ring", "disc"])
    tower = copy.deepcopy(made.image_tower)
    with torch.no_grad():
        for module in (made, tower):
            for value in module.state_dict().values():
                if value.is_floating_point():
                    value += 0.05 * torch.rand_like(value)
        head = PromptHead(made.dim, 2).fill(
            prompts=torch.randn(2, made.dim),
            symbols=torch.randn(2, made.dim),
            log_scale=torch.tensor(1.0),
            score="both",
        )
    model = GalaxyModel(made, head, tower).eval()
    record = ModelRecord(
        name=folder.name,
        backbone=backbone,
        dim=made.dim,
        head="prompt",
        preprocess=Preprocess(size=made.image_size, channels=tuple(channels)).as_dict(),
        taxonomy=taxonomy.as_dict(),
        text_encoder=text_encoder,
        has_text=True,
        has_symbol_tower=True,
    )
    save_model(folder, model, record, taxonomy)
    return model
