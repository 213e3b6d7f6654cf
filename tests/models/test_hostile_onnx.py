"""ONNX files of strangers: what they return is checked, and a run that does not end is ended."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from galaxtool.errors import ModelError
from galaxtool.models.engines import limits
from galaxtool.models.engines.onnx import OnnxEngine
from galaxtool.models.engines.openvino import OpenVinoEngine
from galaxtool.models.engines.text import OnnxTextEncoder
from galaxtool.models.find import find_model
from galaxtool.models.record import ModelRecord

with contextlib.suppress(ImportError):  # absent on Windows
    import resource

SIZE, DIM = 8, 4
RECORD = ModelRecord.read(find_model("mini").folder / "model.json").as_dict()  # type: ignore[operator]
K = len(RECORD["taxonomy"]["classes"])


def write_model(path: Path, *, endless: bool = False, metadata: dict[str, str] | None = None, **values: Any) -> Path:
    """Write a file whose outputs are constants, one row unless they are given."""
    given = {"embedding": np.full((1, DIM), 0.5), "logits": np.zeros((1, K)), "probabilities": np.full((1, K), 1 / K)}
    given |= values
    constants = [numpy_helper.from_array(np.asarray(a, np.float32), f"c_{name}") for name, a in given.items()]
    nodes = [helper.make_node("Identity", [f"c_{name}"], [name]) for name in given]
    if endless:
        constants.append(numpy_helper.from_array(np.array(True), "true"))
        loop = helper.make_node("Loop", ["", "true", "c_probabilities"], ["probabilities"], body=make_endless_body())
        nodes[2] = loop
    shapes = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in given}
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIZE, SIZE])
    graph = helper.make_graph(nodes, "g", [image], list(shapes.values()), constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    record = {**RECORD, "dim": DIM, "unlike_training": {}, "preprocess": {**RECORD["preprocess"], "size": SIZE}}
    helper.set_model_props(model, {"galaxtool": json.dumps(record), **(metadata or {})})
    onnx.save(model, path)
    return path


def make_endless_body() -> onnx.GraphProto:
    """Return the body of a loop that always goes on."""

    def describe(name: str, kind: int, shape: list[int]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    copies = (("go", "go_on"), ("state", "next"))
    inputs = [
        describe("i", TensorProto.INT64, []),
        describe("go", TensorProto.BOOL, []),
        describe("state", TensorProto.FLOAT, [1, K]),
    ]
    results = [describe("go_on", TensorProto.BOOL, []), describe("next", TensorProto.FLOAT, [1, K])]
    return helper.make_graph([helper.make_node("Identity", [a], [b]) for a, b in copies], "body", inputs, results)


def run(path: Path, count: int = 1) -> Any:
    return OnnxEngine(find_model(path), "cpu").run(np.zeros((count, SIZE, SIZE, 3), np.uint8))


def test_sound_outputs_pass_and_nan_is_left(tmp_path: Path) -> None:
    assert run(write_model(tmp_path / "a.onnx")).probabilities.sum() == pytest.approx(1)
    assert np.isnan(run(write_model(tmp_path / "b.onnx", logits=np.full((1, K), np.nan))).logits).all()


@pytest.mark.parametrize(
    ("values", "count", "reason"),
    [
        ({}, 2, "for 2 pictures, not 2 x"),
        ({"probabilities": np.full((1, 1), 0.5)}, 1, "returns 1 x 1 numbers as 'probabilities'"),
        ({"embedding": np.ones(DIM)}, 1, "as 'embedding'"),
        ({"probabilities": np.full((1, K), 100.0)}, 1, "probabilities that are not from 0 to 1"),
        ({"probabilities": np.full((1, K), -np.inf)}, 1, "probabilities that are not from 0 to 1"),
        ({"embedding": np.full((1, DIM), 3e38)}, 1, "embeddings that are not unit vectors"),
    ],
)
def test_outputs_of_wrong_shape_or_range_are_refused(
    values: dict[str, Any], count: int, reason: str, tmp_path: Path
) -> None:
    path = write_model(tmp_path / "a.onnx", **values)
    with pytest.raises(ModelError, match=reason):
        run(path, count)


def test_a_run_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIRST_RUN_S", 0.3)
    started = time.monotonic()
    with pytest.raises(ModelError, match="was stopped: its first image took"):
        run(write_model(tmp_path / "a.onnx", endless=True))
    assert time.monotonic() - started < 60


def test_a_loop_is_refused_by_openvino_which_would_compile_it_for_ever(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds a loop"):
        OpenVinoEngine(find_model(write_model(tmp_path / "a.onnx", endless=True)))


@pytest.mark.parametrize(
    ("key", "text"),
    [("galaxtool", "[" * 5000), ("galaxtool", "{"), ("galaxtool", '{"temperature": NaN}'), ("galaxtool", "[]")],
)
def test_wrong_metadata_are_one_sentence(key: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        run(write_model(tmp_path / "a.onnx", metadata={key: text}))


@pytest.mark.parametrize("text", ["[]", '{"prompt": [1, 2]}', '{"prompt": [["x"]]}', '{"prompt": [[NaN]]}', "{"])
def test_wrong_class_embeddings_are_one_sentence(text: str, tmp_path: Path) -> None:
    engine = OnnxEngine(find_model(write_model(tmp_path / "a.onnx", metadata={"galaxtool.class_embeddings": text})))
    with pytest.raises(ModelError):
        engine.class_embeddings()


def fill_memory(path: Path, *, at_opening: bool) -> Path:
    """Write a file that needs 12 GB, for a constant when it is opened or for its first image."""
    model = onnx.load(write_model(path))
    graph, size = model.graph, 3_000_000_000
    if at_opening:
        graph.initializer.append(numpy_helper.from_array(np.array([size]), "size"))
        one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
        steps = [helper.make_node("ConstantOfShape", ["size"], ["much"], value=one)]
    else:
        graph.initializer.append(numpy_helper.from_array(np.array([-1]), "flat"))
        graph.initializer.append(numpy_helper.from_array(np.array([size // 192, 192]), "large"))
        steps = [
            helper.make_node("Reshape", ["image", "flat"], ["row"]),
            helper.make_node("Expand", ["row", "large"], ["much"]),
        ]
    for number, node in enumerate(steps):
        graph.node.insert(number, node)
    del graph.node[-1]
    graph.node.append(helper.make_node("ReduceSum", [steps[-1].output[0]], ["sum"], keepdims=0))
    graph.node.append(helper.make_node("Add", ["c_probabilities", "sum"], ["probabilities"]))
    onnx.save(model, path)
    return path


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux limits the memory of a process")
@pytest.mark.parametrize("at_opening", [True, False])
@pytest.mark.parametrize("engine", [OnnxEngine, OpenVinoEngine])
def test_a_file_that_would_fill_the_memory_is_ended(engine: Any, at_opening: bool, tmp_path: Path) -> None:
    path = fill_memory(tmp_path / "a.onnx", at_opening=at_opening)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(ModelError, match="more than 4 GB of memory"):
        engine(find_model(path)).run(np.zeros((1, SIZE, SIZE, 3), np.uint8))
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert run(write_model(tmp_path / "b.onnx")).probabilities.sum() == pytest.approx(1)


@pytest.mark.parametrize("engine", [OnnxEngine, OpenVinoEngine])
def test_a_file_that_takes_too_long_to_open_is_refused(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runtimes compute products of constants when they open a file."""
    monkeypatch.setattr(limits, "OPENING_S", 0.1)
    model = onnx.load(write_model(tmp_path / "a.onnx"))
    graph, size, steps = model.graph, 1000, 100
    graph.initializer.append(numpy_helper.from_array(np.array([size, size]), "size"))
    value = helper.make_tensor("value", TensorProto.FLOAT, [1], [1 / size])
    nodes = [helper.make_node("ConstantOfShape", ["size"], ["m0"], value=value)]
    nodes += [helper.make_node("MatMul", [f"m{i}", "m0"], [f"m{i + 1}"]) for i in range(steps)]
    del graph.node[-1]
    for number, node in enumerate(nodes):
        graph.node.insert(number, node)
    graph.node.append(helper.make_node("ReduceMax", [f"m{steps}"], ["last"], keepdims=0))
    graph.node.append(helper.make_node("Mul", ["c_probabilities", "last"], ["probabilities"]))
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(ModelError, match="was not opened: that took more than"):
        engine(find_model(tmp_path / "a.onnx"))


def test_a_text_encoder_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIRST_RUN_S", 0.3)
    model = onnx.load(write_model(tmp_path / "text.onnx", endless=True))
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("tokens", TensorProto.INT64, ["N", 8]))
    node = next(node for node in model.graph.node if "probabilities" in node.output)
    node.output[0] = "endless"
    embedding = next(node for node in model.graph.node if "embedding" in node.output)
    embedding.op_type = "Sum"
    model.graph.node.remove(embedding)
    model.graph.node.append(helper.make_node("ReduceSum", ["endless"], ["zero"], keepdims=0))
    model.graph.node.append(helper.make_node("Add", ["c_embedding", "zero"], ["embedding"]))
    del model.graph.output[2]
    helper.set_model_props(
        model,
        {
            "galaxtool": json.dumps({**RECORD, "dim": DIM, "unlike_training": {}}),
            "galaxtool.what": "text",
            "galaxtool.tokenizer": json.dumps({"kind": "bytes", "context": 8}),
        },
    )
    onnx.save(model, tmp_path / "text.onnx")
    with pytest.raises(ModelError, match="was stopped: its first image took"):
        OnnxTextEncoder(tmp_path / "text.onnx").embed_text(["a ring"])


def test_names_of_nodes_do_not_reach_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = onnx.load(write_model(tmp_path / "a.onnx"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([7, 7]), "wrong"))
    del model.graph.node[-1]
    model.graph.node.append(helper.make_node("Reshape", ["image", "wrong"], ["probabilities"], name="\x1b]0;x\x07"))
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(ModelError):
        run(tmp_path / "a.onnx")
    assert "\x1b]" not in "".join(capfd.readouterr())
