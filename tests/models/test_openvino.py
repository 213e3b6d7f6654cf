"""Models run by OpenVINO: as ONNX Runtime does in fp32, nearly so in bf16."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.table import Table
from onnx import TensorProto, helper
from support.helpers import write_png
from support.training_helpers import run_command

from galaxtool.errors import ConfigError, DependencyMissing, GalaxtoolError, ModelError
from galaxtool.models.engines.open import open_engine
from galaxtool.models.engines.protocol import Engine, Scores
from galaxtool.models.engines.selection import suggest_precision
from galaxtool.models.find import ModelFiles, find_model
from galaxtool.utils.processor import has_amx

PICTURES = np.random.default_rng(5).integers(0, 256, (9, 96, 96, 3), dtype=np.uint8)


def opened(precision: str = "fp32", threads: int = 1) -> Engine:
    return open_engine(find_model("mini"), "openvino", "cpu", precision, threads=threads)


@pytest.fixture(scope="module")
def exact() -> Scores:
    return open_engine(find_model("mini"), "onnx", "cpu").run(PICTURES)


def test_as_onnx_runtime_in_fp32(exact: Scores) -> None:
    engine = opened("fp32")
    found = engine.run(PICTURES)
    assert (engine.name, engine.precision, engine.device) == ("openvino", "fp32", "cpu")
    for name in ("embedding", "logits", "probabilities"):
        ours, theirs = getattr(found, name), getattr(exact, name)
        assert ours.dtype == np.float32 and ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    other = open_engine(find_model("mini"), "onnx", "cpu")
    assert engine.record == other.record
    for kind, rows in other.class_embeddings().items():
        np.testing.assert_array_equal(engine.class_embeddings()[kind], rows)


def test_bf16_is_coarse_and_an_image_hardly_depends_on_its_neighbours(exact: Scores) -> None:
    try:
        engine = opened("bf16")
    except ConfigError as error:
        pytest.skip(error.message)
    assert engine.precision == "bf16"
    found = engine.run(PICTURES).probabilities
    difference = np.abs(found - exact.probabilities).max()
    assert 1e-6 < difference < 0.1
    alone = np.concatenate([engine.run(PICTURES[i : i + 2]).probabilities for i in range(0, 9, 2)])
    assert np.abs(alone - found).max() < 0.02


@pytest.mark.parametrize("amx", [False, True])
@pytest.mark.parametrize("engine", ["auto", "onnx", "openvino", "torch"])
def test_auto_is_fp32_on_every_processor(engine: str, amx: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galaxtool.models.engines.selection.has_amx", lambda: amx)
    engine_in_use = open_engine(find_model("mini"), engine, "cpu", "auto")
    assert (engine_in_use.name, engine_in_use.precision) == ("onnx" if engine == "auto" else engine, "fp32")


@pytest.mark.skipif(sys.platform != "linux", reason="known of Linux only")
def test_amx_is_found_where_pytorch_finds_it() -> None:
    assert has_amx() == torch.cpu.get_capabilities().get("amx_bf16", False)


@pytest.mark.slow
def test_pytorch_computes_bf16_where_openvino_cannot(
    tmp_path: Path, model_in_fp16_and_int8: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxtool.models.engines.selection.has_amx", lambda: True)

    def chosen(model: object) -> str:
        return open_engine(find_model(str(model)), "auto", "auto", "bf16").name

    try:
        opened("bf16")
    except ConfigError as error:
        pytest.skip(error.message)
    assert chosen("mini") == "openvino"
    mini = find_model("mini").folder
    assert mini is not None
    for file in model_in_fp16_and_int8:
        assert chosen(file) == "openvino"  # there are no weights for PyTorch
        folder = tmp_path / file.stem
        shutil.copytree(mini, folder)
        shutil.copyfile(file, folder / "model.onnx")
        assert chosen(folder) == "torch"
        assert open_engine(find_model(folder)).name == "onnx"
        assert open_engine(find_model(file), "openvino", "cpu", "fp32").run(PICTURES).logits.shape == (9, 10)
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr("galaxtool.models.engines.selection.is_installed", lambda _: True)  # found, and not importable
    assert chosen("mini") == "torch"
    with pytest.raises(DependencyMissing):
        chosen(model_in_fp16_and_int8[0])


@pytest.fixture(scope="module")
def model_in_fp16_and_int8(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    files = [tmp_path_factory.mktemp("exported") / f"{precision}.onnx" for precision in ("fp16", "int8")]
    for file in files:
        for i in range(32):
            write_png(file.parent / "like" / f"{i}.png", i, size=96)
        code, _, said = run_command(
            "export", "--model", "mini", "-o", file, "--precision", file.stem, "--check-on", file.parent / "like",
            "--allow-drop", 60,
        )  # fmt: skip
        assert code == 0, said
    return files


@pytest.mark.parametrize(
    ("images", "amx", "engine", "precision", "expected"),
    [
        (10_000, True, "auto", "auto", True),
        (10_000, True, "torch", "auto", True),
        (9_999, True, "auto", "auto", False),
        (10_000, False, "auto", "auto", False),
        (10_000, True, "onnx", "auto", False),
        (10_000, True, "auto", "fp32", False),
    ],
)
def test_a_note_where_bf16_would_be_faster(
    images: int, amx: bool, engine: str, precision: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxtool.models.engines.selection.has_amx", lambda: amx)
    note = suggest_precision(
        open_engine(find_model("mini"), engine, "cpu", precision), images, engine=engine, precision=precision
    )
    assert ("--precision bf16" in note and "2 to 5 times" in note) == expected and bool(note) == expected
    assert "\n" not in note


def test_threads_may_share_it() -> None:
    engine = opened("fp32", threads=2)
    alone = engine.run(PICTURES).probabilities
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(engine.run(PICTURES).probabilities)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    for one in found:
        np.testing.assert_array_equal(one, alone)


@pytest.mark.parametrize(
    ("device", "precision", "said"), [("cuda", "auto", "processor"), ("cpu", "fp16", "fp32 or bf16")]
)
def test_what_it_cannot_do(device: str, precision: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        open_engine(find_model("mini"), "openvino", device, precision)
    assert "--engine" in caught.value.hint


def test_without_it_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(DependencyMissing) as caught:
        opened()
    assert "galaxtool[fast]" in caught.value.hint


def test_files_that_are_none(tmp_path: Path) -> None:
    def told(content: bytes) -> GalaxtoolError:
        file = tmp_path / "a.onnx"
        file.write_bytes(content)
        with pytest.raises(ModelError) as caught:
            open_engine(ModelFiles("a", None, file), "openvino")
        return caught.value

    whole = find_model("mini").onnx
    assert whole is not None
    damaged = told(whole.read_bytes()[:5000])
    assert "not an ONNX file that OpenVINO can run" in damaged.message and "--engine onnx" in damaged.hint
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    foreign = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    assert "not written by galaxtool" in told(helper.make_model(foreign).SerializeToString()).message


def test_a_file_of_other_weights_is_refused(tmp_path: Path) -> None:
    folder = find_model("mini").folder
    assert folder is not None
    shutil.copytree(folder, tmp_path / "m")
    about = json.loads((tmp_path / "m" / "model.json").read_text())
    (tmp_path / "m" / "model.json").write_text(json.dumps(about | {"temperature": 7.0}))
    with pytest.raises(ModelError, match="other weights"):
        open_engine(find_model(tmp_path / "m"), "openvino")


@pytest.mark.parametrize("executor", ["threads", pytest.param("processes", marks=pytest.mark.slow)])
def test_classify_by_it(executor: str, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "in").mkdir()
    for i, picture in enumerate(PICTURES):
        Image.fromarray(picture).save(tmp_path / "in" / f"{i}.png")
    tables = {}
    for engine in ("openvino", "onnx"):
        output = tmp_path / f"{engine}.fits"
        code, _, err = run_command(
            "classify", tmp_path / "in", "-o", output, "--engine", engine, "--precision", "fp32", "--executor", executor
        )
        assert code == 0, err
        tables[engine] = Table.read(output)
    found = tables["openvino"]
    assert (found.meta["ENGINE"], found.meta["PRECISN"]) == ("openvino", "fp32")
    assert list(found["label"]) == list(tables["onnx"]["label"])
    assert np.allclose(found["probability"], tables["onnx"]["probability"], atol=1e-3)


@pytest.mark.parametrize(
    ("amx", "installed", "told"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_doctor_names_the_extra_where_it_helps(
    amx: bool, installed: bool, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("galaxtool.diagnostics.installation.has_amx", lambda: amx)
    monkeypatch.setattr(
        "galaxtool.diagnostics.installation.is_installed", lambda name: installed if name == "openvino" else True
    )
    code, out, err = run_command("doctor", "--json")
    assert code == 0, err
    assert any("galaxtool[fast]" in note for note in json.loads(out)["notes"]) == told
