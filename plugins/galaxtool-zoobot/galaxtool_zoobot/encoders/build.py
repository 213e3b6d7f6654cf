"""Create Zoobot's encoders, by galaxtool's own backbone for timm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from galaxtool import Weights, get_registry
from galaxtool_zoobot.encoders.catalog import IMAGE_SIZE, find_architecture

_LR = 1e-4
"""Zoobot's own learning rate for tuning."""


def build(*, architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> Any:
    """Create an encoder; galaxtool loads the weights."""
    timm = get_registry().backbones.find("timm")
    backbone = timm.create(architecture=find_architecture(architecture), weights=None, resolve=resolve)
    backbone.image_size = IMAGE_SIZE
    if weights is not None:
        backbone.suggested_lr = _LR
    return backbone
