"""ONNX files whose weights are stored in eight bits and computed with in float32."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from support.helpers import make_model

from galaxtool.models.directory import load_network
from galaxtool.models.find import find_model
from galaxtool.models.onnx.file import write_onnx
from galaxtool.models.onnx.metadata import read_onnx_record
from galaxtool.models.onnx.precision import store_compactly
from galaxtool.models.rounding import round_weights


def run(path: Path, images: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert read_onnx_record(session.get_modelmeta().custom_metadata_map, path).slugs
    return session.run(["embedding", "logits", "probabilities"], {"image": images})


@pytest.mark.slow
def test_a_compact_file_of_rounded_weights_gives_the_same(tmp_path: Path) -> None:
    model, record = load_network(find_model(make_model(tmp_path / "m")))
    round_weights(model.backbone.image_tower, torch.zeros(2, 3, 64, 64))
    write_onnx(tmp_path / "m.onnx", model, record)
    whole = (tmp_path / "m.onnx").stat().st_size
    images = np.random.default_rng(0).normal(size=(5, 3, 64, 64)).astype(np.float32)
    before = run(tmp_path / "m.onnx", images)
    store_compactly(tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").stat().st_size < 0.35 * whole
    onnx.checker.check_model(onnx.load(tmp_path / "m.onnx"))
    for value, expected in zip(run(tmp_path / "m.onnx", images), before, strict=True):
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, expected, atol=1e-5 * np.abs(expected).max())


def make_hook(means: dict[str, torch.Tensor], name: str) -> Callable[..., None]:
    def note(layer: torch.nn.Module, inputs: Any, output: torch.Tensor) -> None:
        means.setdefault(name, output.mean(dim=(0, 2, 3)))

    return note


def test_rounded_weights_keep_the_means_that_batchnorm_subtracts(tmp_path: Path) -> None:
    tower = load_network(find_model(make_model(tmp_path / "m")))[0].backbone.image_tower
    rng = np.random.default_rng(1)
    images = torch.tensor(rng.normal(-1, 0.01, size=(8, 3, 64, 64)), dtype=torch.float32)  # nearly empty
    images[:, :, 30:33, 30:33] = 1
    kernels = {key: value.clone() for key, value in tower.state_dict().items() if value.ndim > 1}
    seen: dict[bool, dict[str, torch.Tensor]] = {False: {}, True: {}}
    for is_rounded in (False, True):
        if is_rounded:
            round_weights(tower, images)
        for name, layer in tower.named_modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.register_forward_hook(make_hook(seen[is_rounded], name))
        with torch.inference_mode():
            tower(images)
    for key, value in kernels.items():
        assert 0 < float((tower.state_dict()[key] - value).abs().max()) <= float(value.abs().max()) / 254 + 1e-9
    for name, mean in seen[False].items():
        torch.testing.assert_close(seen[True][name], mean, rtol=0, atol=1e-4)
