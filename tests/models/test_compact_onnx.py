"""ONNX files whose weights are stored in eight bits and computed with in float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
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


def test_a_compact_file_of_rounded_weights_gives_the_same(tmp_path: Path) -> None:
    model, record = load_network(find_model(make_model(tmp_path / "m")))
    plain = {key: value.clone() for key, value in model.backbone.image_tower.state_dict().items()}
    round_weights(model.backbone.image_tower)
    for key, value in model.backbone.image_tower.state_dict().items():
        assert float((value - plain[key]).abs().max()) <= float(plain[key].abs().max()) / 254 + 1e-9
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
