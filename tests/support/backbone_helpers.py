"""What the tests of backbones share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn


def empty_caches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let galaxtool, the hub's client and torch.hub find nothing, work in a folder, and draw the same numbers."""
    monkeypatch.chdir(folder)
    for variable in ("GALAXTOOL_CACHE", "HF_HUB_CACHE", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(folder / variable))
    torch.manual_seed(2)


def shaken(model: nn.Module) -> nn.Module:
    """Move every tensor of a fresh model a little, so that none is a plain 0 or 1."""
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if key.endswith("gamma"):  # of a layer's scale, which begins near 0
                tensor.fill_(0.5)
            elif tensor.is_floating_point():
                tensor += 0.02 * (torch.rand(tensor.shape) - 0.5)
    return model.eval()


def embedded(backbone: Any, size: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two images and what a backbone makes of them."""
    images = torch.randn(2, 3, size or backbone.image_size, size or backbone.image_size)
    with torch.inference_mode():
        result = backbone.eval().embed(images)
    assert result.shape == (2, backbone.dim)
    assert float((result[0] - result[1]).abs().max()) > 1e-3 * float(result.abs().max())
    return images, result


def check_embeddings(backbone: Any, reference: nn.Module, size: int = 0) -> None:
    """Compare a backbone's embeddings with those of the library's own model."""
    images, result = embedded(backbone, size)
    with torch.inference_mode():
        torch.testing.assert_close(result, reference.eval()(images), atol=1e-5, rtol=1e-4)


def check_blocks(backbone: Any, n: int) -> None:
    """Every parameter of the image tower is in one of `n` groups, once."""
    groups = backbone.blocks()
    found = [id(p) for group in groups for p in group]
    assert len(groups) == n and all(groups) and len(set(found)) == len(found)
    assert set(found) == {id(p) for p in backbone.image_tower.parameters()}
