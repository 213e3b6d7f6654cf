"""`galaxtool export`: one file that does what the model does, by itself."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from support.helpers import SLUGS, make_model, write_fits, write_png
from support.training_helpers import run_command, run_failing, write_class_folders

import galaxtool as package
from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.directory import load_network
from galaxtool.models.engines.onnx import OnnxEngine
from galaxtool.models.engines.open import open_engine
from galaxtool.models.engines.torch import TorchEngine
from galaxtool.models.find import find_model
from galaxtool.models.onnx.comparison import Comparison

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def model(narrow: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def exported(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    output = tmp_path_factory.mktemp("onnx") / "model.onnx"
    code, printed, said = run_command("export", "--model", model, "-o", output, "--json")
    assert code == 0, said
    return output, json.loads(printed)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for i in range(6):
        write_fits(folder / f"g{i}.fits", i, ra=150 + 0.01 * i, dec=-2.0)
        write_png(folder / f"p{i}.png", i)
    (folder / "damaged.fits").write_text("SIMPLE = no")
    return folder


def session(file: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def rows(path: Path | str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as stream:
        return list(csv.DictReader(stream))


# --- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.slow), 2, 5, pytest.param(32, marks=pytest.mark.slow)])
def test_any_batch_does_what_the_model_does(n: int, model: Path, exported: tuple[Path, Any]) -> None:
    image = np.random.default_rng(n).normal(size=(n, 3, 64, 64)).astype(np.float32)
    embedding, logits, probabilities = session(exported[0]).run(
        ["embedding", "logits", "probabilities"], {"image": image}
    )
    network, _ = load_network(find_model(model))
    with torch.inference_mode():
        wanted = [x.numpy() for x in network(torch.from_numpy(image))]
    assert embedding.shape == (n, 256) and logits.shape == probabilities.shape == (n, len(SLUGS))
    assert (embedding * wanted[0]).sum(axis=1).min() >= 0.9999
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(logits, wanted[1], atol=1e-3)
    np.testing.assert_allclose(probabilities, wanted[2], atol=1e-4)


def test_contract_of_the_file(model: Path, exported: tuple[Path, Any]) -> None:
    held = session(exported[0])
    (given,) = held.get_inputs()
    assert (given.name, given.type, given.shape[1:]) == ("image", "tensor(float)", [3, 64, 64])
    assert isinstance(given.shape[0], str)
    assert [o.name for o in held.get_outputs()] == ["embedding", "logits", "probabilities"]
    assert [o.type for o in held.get_outputs()] == ["tensor(float)"] * 3
    metadata = held.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["galaxtool"]) == json.loads((model / "model.json").read_text())
    onnx.checker.check_model(str(exported[0]), full_check=True)
    assert [p.name for p in exported[0].parent.iterdir()] == ["model.onnx"]


def test_classes_are_inside(model: Path, exported: tuple[Path, Any]) -> None:
    by_onnx, by_torch = OnnxEngine(find_model(exported[0]), "cpu"), TorchEngine(find_model(model), "cpu")
    found, wanted = by_onnx.class_embeddings(), by_torch.class_embeddings()
    assert found.keys() == wanted.keys() == {"prompt", "symbol"}
    for kind, vectors in found.items():
        np.testing.assert_allclose(vectors, wanted[kind], atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert by_onnx.record.digest == by_torch.record.digest


def test_result_says_what_was_checked(exported: tuple[Path, Any]) -> None:
    output, result = exported
    assert result["output"] == str(output) and result["bytes"] == output.stat().st_size
    assert result["batches"] == [1, 2, 5, 32] and result["precision"] == "fp32"
    assert result["least_cosine"] >= 0.9999 and result["largest_difference"] < 1e-4 and result["agreement"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "cosine"), [("fp16", 0.999), ("int8", 0.98)])
def test_lower_precisions(precision: str, cosine: float, model: Path, exported: tuple[Path, Any], images: Path) -> None:
    for i in range(24):
        write_png(Path("like", f"{i}.png"), i)
    given = {"check_on": "like", "allow_drop": 60.0} if precision == "int8" else {}
    result = package.export(model=str(model), output=Path("m.onnx"), precision=precision, **given)
    assert result.least_cosine >= cosine and result.precision == precision
    assert result.calibrated_on == ("12 other images given with --check-on" if precision == "int8" else "")
    held, full = session(Path("m.onnx")), session(exported[0])
    assert held.get_inputs()[0].type == "tensor(float)"
    theirs, ours = (dict(one.get_modelmeta().custom_metadata_map) for one in (full, held))
    report = json.loads(ours.pop("galaxtool.export"))
    assert report["precision"] == precision and json.loads(theirs.pop("galaxtool.export"))["precision"] == "fp32"
    assert ours == theirs
    assert run_command("classify", images, "--model", "m.onnx", "-o", "p.csv")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("symbols", [True, False])
def test_linear_head_and_one_without_symbols(symbols: bool, tmp_path: Path) -> None:
    if symbols:
        made = package.finetune(
            [write_class_folders(tmp_path / "set")],
            method="supervised",
            backbone="small-resnet@none",
            epochs=1,
            out=tmp_path / "run",
        ).run
    else:
        made = make_model(tmp_path / "bare", symbols=False)
    package.export(model=str(made), output=Path("m.onnx"))
    assert set(OnnxEngine(find_model(Path("m.onnx")), "cpu").class_embeddings()) == (set() if symbols else {"prompt"})


# --- classifying with it ---------------------------------------------------------------------------------------------


def test_both_engines_say_the_same(model: Path, exported: tuple[Path, Any], images: Path, tmp_path: Path) -> None:
    whole = shutil.copytree(model, tmp_path / "whole")
    shutil.copy(exported[0], whole / "model.onnx")
    for engine in ("onnx", "torch", "auto"):
        code, printed, said = run_command(
            "classify", images, "--model", whole, "-o", f"{engine}.csv", "--engine", engine, "--precision",
            "fp32", "--json",
        )  # fmt: skip
        assert code == 0, said
        assert json.loads(printed)["engine"] == ("onnx" if engine == "auto" else engine)
    by_onnx, by_torch = rows("onnx.csv"), rows("torch.csv")
    assert rows("auto.csv") == by_onnx and len(by_onnx) == 13
    for a, b in zip(by_onnx, by_torch, strict=True):
        assert (a["id"], a["label"], a["error"], a["ra"]) == (b["id"], b["label"], b["error"], b["ra"])
        for slug in SLUGS:
            assert a["error"] or float(a[f"p_{slug}"]) == pytest.approx(float(b[f"p_{slug}"]), abs=1e-4)


@pytest.mark.slow
def test_one_file_is_enough_without_pytorch(exported: tuple[Path, Any], images: Path, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Without(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        gone = name.split('.')[0] in ('torch', 'torchvision', 'open_clip', 'timm', 'sklearn')\n"
        "        return None if gone else PathFinder.find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = Without\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(hidden)}
    (tmp_path / "alone").mkdir()
    alone = Path(shutil.copy(exported[0], tmp_path / "alone" / "mailed.onnx"))

    def without(*args: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "galaxtool", *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True, env=environment)

    found = without("classify", images, "--model", alone, "-o", "a.csv")
    assert found.returncode == 0, found.stderr
    assert run_command("classify", images, "--model", exported[0], "-o", "b.csv")[0] == 0
    assert rows("a.csv") == rows("b.csv")
    found = without("classify", images, "--model", alone, "-o", "c.csv", "--engine", "torch")
    assert found.returncode == 1 and "Traceback" not in found.stderr and "'torch'" in found.stderr


def test_weights_of_another_training_beside_it_are_noticed(
    exported: tuple[Path, Any], images: Path, tmp_path: Path
) -> None:
    other = make_model(tmp_path / "other", seed=1)
    shutil.copy(exported[0], other / "model.onnx")
    said = run_failing("classify", images, "--model", other, "-o", "p.csv")
    assert "exported from other weights" in said and "galaxtool export" in said


def test_model_directory_with_onnx_alone(model: Path, exported: tuple[Path, Any], images: Path, tmp_path: Path) -> None:
    light = shutil.copytree(model, tmp_path / "light")
    (light / "weights.safetensors").unlink()
    shutil.copy(exported[0], light / "model.onnx")
    assert run_command("classify", images, "--model", light, "-o", "p.csv")[0] == 0
    said = run_failing("classify", images, "--model", light, "-o", "q.csv", "--engine", "torch")
    assert "can only run through ONNX" in said
    assert "can only run through ONNX" in run_failing("export", "--model", light, "-o", "m.onnx")


# --- what is wrong ---------------------------------------------------------------------------------------------------


def foreign(file: Path) -> None:
    """Write an ONNX file that is valid and not ours."""
    node = onnx.helper.make_node("Identity", ["image"], ["logits"])
    value = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [None, 3]) for n in ("image", "logits")]
    graph = onnx.helper.make_graph([node], "g", value[:1], value[1:])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9), file)


@pytest.mark.parametrize("what", ["text", "empty", "half", "foreign", "metadata"])
def test_files_that_are_no_model(what: str, exported: tuple[Path, Any], images: Path) -> None:
    file = Path("bad.onnx")
    whole = exported[0].read_bytes()
    if what == "foreign":
        foreign(file)
    elif what == "metadata":
        proto = onnx.load(exported[0])
        onnx.helper.set_model_props(proto, {"galaxtool": "{"})
        onnx.save(proto, file)
    else:
        file.write_bytes({"text": b"hello", "empty": b"", "half": whole[: len(whole) // 2]}[what])
    said = run_failing("classify", images, "--model", file, "-o", "p.csv")
    assert "bad.onnx" in said and "galaxtool export" in said
    assert not Path("p.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--precision", "fp8"), "not one of fp32, fp16, int8"),
        (("-o", "model.pt"), "does not end in .onnx"),
        (("-o", "folder"), "does not end in .onnx"),
        (("--model", "minni"), "no model called 'minni'"),
        (("--model", "."), "has no model.json"),
    ],
)
def test_wrong_options(options: tuple[str, str], message: str, model: Path) -> None:
    assert message in run_failing("export", "--model", model, "-o", "m.onnx", *options)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("failure", ["unlike", "export", "disk", "interrupt"])
def test_failure_leaves_the_earlier_file(failure: str, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("m.onnx").write_text("earlier")
    if failure == "unlike":
        monkeypatch.setattr("galaxtool.models.onnx.export.write_onnx", lambda file, *_: file.write_text("new"))
        monkeypatch.setattr(
            "galaxtool.models.onnx.export.compare_with_model", lambda *_, **__: Comparison(0.99, 0.5, 1.0)
        )
        assert "does not compute what" in run_failing("export", "--model", model, "-o", "m.onnx")
    elif failure == "export":
        monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("no\nsuch op")))
        assert "cannot export the backbone 'small-resnet@none' to ONNX: no such op" in run_failing(
            "export", "--model", model, "-o", "m.onnx"
        )
    else:

        def fails(*_: object) -> None:
            raise OSError(28, "No space left on device") if failure == "disk" else KeyboardInterrupt

        monkeypatch.setattr("galaxtool.models.onnx.export.write_onnx", fails)
        code, _, said = run_command("export", "--model", model, "-o", "m.onnx")
        assert code == (1 if failure == "disk" else 130) and ("No space" in said) == (failure == "disk")
    assert Path("m.onnx").read_text() == "earlier" and [p.name for p in Path().iterdir()] == ["m.onnx"]


def test_export_into_the_place_of_a_folder(model: Path) -> None:
    Path("m.onnx").mkdir()
    assert "'m.onnx' is a folder" in run_failing("export", "--model", model, "-o", "m.onnx")


def test_engines_by_name(model: Path, exported: tuple[Path, Any]) -> None:
    lone = find_model(exported[0])
    assert open_engine(lone).name == "onnx" and open_engine(find_model(model)).name == "torch"
    for options, message in (
        ({"engine": "trt"}, "--engine is 'trt', which is not one of auto, onnx, openvino, torch"),
        ({"engine": "onnx", "precision": "bf16"}, "precision of its file"),
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"device": "cuda:x"}, "no device 'cuda:x'"),
    ):
        with pytest.raises(ConfigError, match=message):
            open_engine(lone, **options)
    with pytest.raises(ModelError, match="can only run through ONNX"):
        open_engine(lone, "torch")
    with pytest.raises(ConfigError, match="has no ONNX file"):
        open_engine(find_model(model), "onnx")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_for_onnx(exported: tuple[Path, Any]) -> None:
    with pytest.raises(ConfigError, match="finds no CUDA device"):
        open_engine(find_model(exported[0]), device="cuda")


def test_a_file_does_not_tell_where_it_was_made(exported: tuple[Path, Any]) -> None:
    content = exported[0].read_bytes()
    assert b"network.py" not in content and b"site-packages" not in content
