"""Untrained models with a given head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.small_resnet import build as build_resnet
from galaxtool.models.directory import save_model
from galaxtool.models.network import GalaxyModel
from galaxtool.models.onnx.file import write_onnx
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.vision.preprocess import Preprocess


def make_head(name: str, dim: int, n_classes: int) -> Any:
    """Create a registered head."""
    registry = get_registry()
    return registry.heads.find(name).create(dim=dim, n_classes=n_classes)


def make_backbone() -> Any:
    """Create an untrained `small-resnet`, with the same weights each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_resnet(architecture="small-resnet", weights=None).eval()


def write_model(
    folder: Path, head: nn.Module, name: str, taxonomy: Taxonomy, *, temperature: float = 1.0, onnx: bool = True
) -> Path:
    """Write a model directory with `make_backbone` and a head, and with ``model.onnx``; return the folder."""
    backbone = make_backbone()
    record = ModelRecord(
        name=folder.name,
        backbone="small-resnet@none",
        dim=backbone.dim,
        head=name,
        preprocess=Preprocess(size=backbone.image_size).as_dict(),
        taxonomy=taxonomy.as_dict(),
        temperature=temperature,
        votes=taxonomy.votes.as_dict() if taxonomy.votes else None,
    )
    model = GalaxyModel(backbone, head, temperature=temperature).eval()
    record = save_model(folder, model, record, taxonomy)
    if onnx:
        write_onnx(folder / "model.onnx", model, record)
    return folder
