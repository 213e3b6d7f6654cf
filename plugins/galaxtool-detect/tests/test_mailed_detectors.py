"""Detectors and data sets of strangers: what is wrong in them is a sentence, before memory is taken."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from galaxtool_detect.catalog.regions import _plain
from galaxtool_detect.datasets.open import open_detection_set
from galaxtool_detect.detectors.engine import OnnxEngine
from galaxtool_detect.detectors.files import load_detector, read_record
from galaxtool_detect.detectors.find import BUNDLED

from galaxtool import GalaxtoolError, InputError, ModelError

RECORD = json.loads((BUNDLED / "radio" / "detector.json").read_text(encoding="utf-8"))
ODD: list[Any] = [None, True, -1, 60_000, 10**400, 1e308, "x", "", "\x1b[2J", "A" * 3000, [], [None], ["a"] * 5000, {}]


def mail(folder: Path, record: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "detector.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def change(*path: str, value: Any) -> dict[str, Any]:
    record = json.loads(json.dumps(RECORD))
    place = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return dict(record)


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("key", [key for key in RECORD["network"] if key != "head"])
def test_an_odd_value_in_the_network_is_refused(key: str, value: Any, tmp_path: Path) -> None:
    if (key, value) in (("backbone", "x"), ("backbone", ""), ("classes", ["a"] * 5000)):
        return
    with pytest.raises(GalaxtoolError):
        read_record(mail(tmp_path / "m", change("network", key, value=value)))


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("key", ["upscale", "threshold", "beam_pixels", "network", "schema"])
def test_an_odd_value_beside_it_is_refused_or_harmless(key: str, value: Any, tmp_path: Path) -> None:
    try:
        record = read_record(mail(tmp_path / "m", change(key, value=value)))
    except GalaxtoolError:
        return
    assert 0 <= record.threshold <= 1 and 0.01 <= record.upscale <= 100


def test_a_giant_backbone_takes_no_memory(tmp_path: Path) -> None:
    folder = mail(tmp_path / "m", change("network", "backbone", value="timm:vit_giant_patch14_reg4_dinov2"))
    shutil.copy(BUNDLED / "radio" / "weights.safetensors", folder)
    with pytest.raises(ModelError, match="many times as many"):
        load_detector(folder)


def test_a_record_that_is_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "detector.json")
    with pytest.raises(ModelError, match="pipe"):
        read_record(tmp_path)


def write_onnx(path: Path, **outputs: np.ndarray) -> Path:
    onnx = pytest.importorskip("onnx")
    given = {"boxes": np.zeros((1, 4), "f4"), "scores": np.full(1, 0.5, "f4"), "labels": np.ones(1, "i8"), **outputs}
    size = RECORD["network"]["image_size"]
    image = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, size, size])
    shown = [
        onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), None)
        for n, a in given.items()
    ]
    constants = [onnx.numpy_helper.from_array(a, f"c_{n}") for n, a in given.items()]
    nodes = [onnx.helper.make_node("Identity", [f"c_{n}"], [n]) for n in given]
    graph = onnx.helper.make_graph(nodes, "g", [image], shown, constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.helper.set_model_props(model, {"galaxtool_detect": json.dumps(RECORD)})
    onnx.save(model, path)
    return path


WRONG = {
    "boxes of another shape": {"boxes": np.zeros((1, 3), "f4")},
    "boxes that are not finite": {"boxes": np.full((1, 4), np.nan, "f4")},
    "a score of 100": {"scores": np.full(1, 100, "f4")},
    "a class that does not exist": {"labels": np.full(1, 99, "i8")},
    "fewer scores": {"scores": np.zeros(0, "f4")},
}


def detect(path: Path) -> Any:
    size = RECORD["network"]["image_size"]
    return OnnxEngine(path).detect(np.zeros((1, 3, size, size), "f4"))


@pytest.mark.parametrize("name", WRONG)
def test_an_onnx_file_that_returns_something_else_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not return boxes with scores and classes"):
        detect(write_onnx(tmp_path / "a.onnx", **WRONG[name]))


def test_an_onnx_file_that_returns_boxes_is_taken(tmp_path: Path) -> None:
    assert len(detect(write_onnx(tmp_path / "a.onnx"))[0].scores) == 1


def test_names_of_classes_that_stand_for_billions_of_texts_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    (tmp_path / "labels").mkdir()
    (tmp_path / "data.yaml").write_text("\n".join([*lines, "names: [*a9]"]))
    with pytest.raises(InputError, match="not texts"):
        open_detection_set(f"yolo:{tmp_path}")


def test_an_annotation_that_is_a_pipe_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "Annotations").mkdir()
    os.mkfifo(tmp_path / "Annotations" / "a.xml")
    with pytest.raises(InputError, match="is not a file"):
        open_detection_set(f"voc:{tmp_path}")
    os.mkfifo(tmp_path / "boxes.json")
    with pytest.raises(InputError):
        open_detection_set(f"coco:{tmp_path / 'boxes.json'}")


def test_texts_in_regions_have_no_controls() -> None:
    assert _plain("a}\x1b[2J\n'\u202eb") == "a  [2J   b"
