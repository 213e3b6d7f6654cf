"""Helpers for the tests of backbones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn


def empty_caches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use empty caches for galaxtool, the hub client and torch.hub, work in a folder, and fix the random seed."""
    monkeypatch.chdir(folder)
    for variable in ("GALAXTOOL_CACHE", "HF_HUB_CACHE", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(folder / variable))
    torch.manual_seed(2)


def perturb_weights(model: nn.Module) -> nn.Module:
    """Change every tensor of a new model slightly, so that none consists of 0 or 1 only."""
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if key.endswith("gamma"):  # the scale of a layer, which starts near 0
                tensor.fill_(0.5)
            elif tensor.is_floating_point():
                tensor += 0.02 * (torch.rand(tensor.shape) - 0.5)
    return model.eval()


def embed_two_images(backbone: Any, size: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two random images and their embeddings, which must differ."""
    images = torch.randn(2, 3, size or backbone.image_size, size or backbone.image_size)
    with torch.inference_mode():
        result = backbone.eval().embed(images)
    assert result.shape == (2, backbone.dim)
    assert float((result[0] - result[1]).abs().max()) > 1e-3 * float(result.abs().max())
    return images, result


def check_embeddings(backbone: Any, reference: nn.Module, size: int = 0) -> None:
    """Check that the embeddings of a backbone equal those of the library's own model."""
    images, result = embed_two_images(backbone, size)
    with torch.inference_mode():
        torch.testing.assert_close(result, reference.eval()(images), atol=1e-5, rtol=1e-4)


def check_blocks(backbone: Any, n: int) -> None:
    """Check that every parameter of the image tower is in exactly one of `n` groups."""
    groups = backbone.blocks()
    found = [id(p) for group in groups for p in group]
    assert len(groups) == n and all(groups) and len(set(found)) == len(found)
    assert set(found) == {id(p) for p in backbone.image_tower.parameters()}
