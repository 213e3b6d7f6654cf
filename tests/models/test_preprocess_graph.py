"""Preprocessing as a part of an ONNX file, beside galaxtool's own in numpy and Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from galaxtool.errors import ConfigError
from galaxtool.models.onnx.preprocess_graph import PREPARED, add_preprocessing
from galaxtool.types import Cutout
from galaxtool.vision.preprocess import GRAY, RGB, Preprocess, resize
from galaxtool.vision.stretch import Stretch

SHAPES = [(32, 32), (70, 41), (9, 20), (200, 200), (1, 3)]


def open_graph(preprocess: Preprocess, path: Any) -> onnxruntime.InferenceSession:
    """Put the preprocessing in front of a network that returns its input."""
    shape = ["N", len(preprocess.channels), preprocess.size, preprocess.size]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("image", "same")]
    graph = helper.make_graph([helper.make_node("Identity", ["image"], ["same"])], "g", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    add_preprocessing(path, preprocess)
    onnx.checker.check_model(str(path), full_check=True)
    assert PREPARED in {name for node in onnx.load(path).graph.node for name in node.output}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    "preprocess",
    [
        Preprocess(size=32),
        Preprocess(size=32, crop=0.7, mean=(0.2, 0.5, 0.6), std=(0.3, 0.2, 0.1)),
        Preprocess(size=24, channels=GRAY),
        Preprocess(size=24, size_arcsec=10.0, stretch=Stretch("radio")),
    ],
)
def test_as_galaxtool_does_it(preprocess: Preprocess, tmp_path: Any) -> None:
    session = open_graph(preprocess, tmp_path / "m.onnx")
    rng = np.random.default_rng(0)
    std = np.array(preprocess.std[: len(preprocess.channels)])[:, None, None]
    for ny, nx in SHAPES:
        side = max(ny, nx)
        patches = rng.integers(0, 256, (2, 7, 7, 3), dtype=np.uint8)
        images = np.stack([resize(one, side, (0.0, 0.0, 7.0, 7.0))[:ny, :nx] for one in patches])
        scales = [0.5, None]
        feed = {"image": images}
        if preprocess.size_arcsec is not None:
            feed["pixel_scale"] = np.array([0.5, np.nan], dtype=np.float32)
        (found,) = session.run(["same"], feed)
        cutouts = [
            Cutout(data=image.transpose(2, 0, 1)[:, ::-1], bands=RGB, unit="display", pixel_scale=scale)
            for image, scale in zip(images, scales, strict=True)
        ]
        wanted = preprocess.normalize(np.stack([preprocess.picture(cutout) for cutout in cutouts]))
        levels = np.abs(found - wanted) * std * 255
        # Pillow 13 resizes some tall pictures along y first, and both round in between
        assert levels.max() < 4 and (levels > 1.01).mean() < 0.01, (ny, nx)
        assert ny > nx or (levels > 0.01).mean() < 0.01, (ny, nx)


def test_what_cannot_be_in_a_file(tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match="a model of the bands g, r"):
        add_preprocessing(tmp_path / "m.onnx", Preprocess(size=32, channels=("g", "r")))
    with pytest.raises(ConfigError, match="stretches pictures with asinh"):
        add_preprocessing(tmp_path / "m.onnx", Preprocess(size=32, stretch=Stretch("asinh")))


def test_a_crop_has_a_default_that_can_be_replaced(tmp_path: Any) -> None:
    session = open_graph(Preprocess(size=32, crop=0.5), tmp_path / "m.onnx")
    assert [one.name for one in session.get_inputs()] == ["image"]
    image = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    (whole,) = session.run(["same"], {"image": image, "crop": np.ones(1, dtype=np.float32)})
    np.testing.assert_array_equal(whole, Preprocess(size=32).normalize(image))
