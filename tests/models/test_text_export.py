"""The text encoder as an ONNX file: texts are embedded without PyTorch."""

from __future__ import annotations

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
from support.helpers import make_model, write_png
from support.training_helpers import run_command, run_failing

import galaxtool as package
from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.engines.onnx import OnnxEngine
from galaxtool.models.engines.text import OnnxTextEncoder, open_text_encoder
from galaxtool.models.engines.torch import TorchEngine
from galaxtool.models.find import ModelFiles, find_model

pytestmark = pytest.mark.usefixtures("narrow", "in_an_empty_folder")

TEXTS = ["a barred spiral", "", "Größe ≈ 3 µm", "long " * 100]


@pytest.fixture(scope="module")
def model(narrow: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with its text encoder."""
    folder = make_model(tmp_path_factory.mktemp("models") / "tiny")
    result = package.export(model=folder, output=folder / "text.onnx", what="text")
    assert result.least_cosine > 0.9999 and result.what == "text" and result.batches == [1, 2, 5, 32]
    return folder


def test_texts_as_with_pytorch(model: Path) -> None:
    files = find_model(model)
    encoder = open_text_encoder(files)
    assert isinstance(encoder, OnnxTextEncoder) and encoder.record.digest
    wanted = TorchEngine(files, "cpu").embed_text(TEXTS)
    np.testing.assert_allclose(encoder.embed_text(TEXTS), wanted, atol=1e-5)
    np.testing.assert_allclose(encoder.embed_text(TEXTS * 40)[-4:], wanted, atol=1e-5)
    assert encoder.embed_text([]).shape == (0, encoder.record.dim)
    assert isinstance(open_text_encoder(files, "torch"), TorchEngine)


def test_contract_of_the_file(model: Path) -> None:
    session = onnxruntime.InferenceSession(str(model / "text.onnx"), providers=["CPUExecutionProvider"])
    (given,), (output,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape[1]) == ("tokens", "tensor(int64)", 96)
    assert (output.name, output.type) == ("embedding", "tensor(float)")
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["galaxtool"]) == json.loads((model / "model.json").read_text())
    assert json.loads(metadata["galaxtool.tokenizer"]) == {"kind": "bytes", "context": 96}
    assert json.loads(metadata["galaxtool.export"])["least_cosine"] > 0.9999


def test_it_scores_no_images(model: Path) -> None:
    with pytest.raises(ModelError, match="is a text encoder, which scores no images"):
        OnnxEngine(ModelFiles("t", None, model / "text.onnx"), "cpu")


@pytest.mark.parametrize("what", ["text", "half", "weights", "tokenizer", "images", "outputs"])
def test_files_that_are_none(what: str, model: Path) -> None:
    broken = Path(shutil.copytree(model, "broken"))
    file = broken / "text.onnx"
    proto = onnx.load(file)
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    message = "not an ONNX file that can be run"
    if what in ("text", "half"):
        content = file.read_bytes()
        file.write_bytes(b"hello" if what == "text" else content[: len(content) // 2])
    elif what == "weights":
        record = json.loads(metadata["galaxtool"]) | {"temperature": 3.0}
        metadata["galaxtool"], message = json.dumps(record), "exported from another model"
    elif what == "tokenizer":
        metadata["galaxtool.tokenizer"], message = json.dumps({"kind": "pairs", "context": 9, "merges": "x"}), "damaged"
    elif what == "images":
        del metadata["galaxtool.what"]
        message = "is not a text encoder"
    else:
        proto.graph.node[-1].output[0] = proto.graph.output[0].name = "other"
        message = "cannot be run"
    if what not in ("text", "half"):
        onnx.helper.set_model_props(proto, metadata)
        onnx.save(proto, file)
    with pytest.raises(ModelError, match=message) as caught:
        open_text_encoder(find_model(broken)).embed_text(["ring"])
    assert "galaxtool export" in caught.value.hint


def test_what_is_missing_is_named(model: Path) -> None:
    bare = Path(shutil.copytree(model, "bare"))
    (bare / "text.onnx").unlink()
    with pytest.raises(ConfigError, match=r"no text\.onnx") as caught:
        open_text_encoder(find_model(bare), "onnx")
    assert "export --what text" in caught.value.hint
    (bare / "weights.safetensors").rename(bare / "model.onnx")
    with pytest.raises(ConfigError, match="only an ONNX file"):
        open_text_encoder(find_model(bare))


def test_a_model_without_text(model: Path) -> None:
    mute = Path(shutil.copytree(model, "mute"))
    record = json.loads((mute / "model.json").read_text()) | {"has_text": False}
    (mute / "model.json").write_text(json.dumps(record))
    said = run_failing("export", "--model", mute, "-o", "text.onnx", "--what", "text")
    assert "has no text encoder to export" in said and not Path("text.onnx").exists()


@pytest.mark.slow
def test_fp16(model: Path) -> None:
    result = package.export(model=model, output=Path("half.onnx"), what="text", precision="fp16")
    assert result.least_cosine >= 0.999
    wanted = TorchEngine(find_model(model), "cpu").embed_text(TEXTS)
    np.testing.assert_allclose(OnnxTextEncoder(Path("half.onnx")).embed_text(TEXTS), wanted, atol=5e-3)


@pytest.mark.slow
def test_search_by_text_without_pytorch(model: Path, tmp_path: Path) -> None:
    whole = Path(shutil.copytree(model, "whole"))
    package.export(model=whole, output=whole / "model.onnx")
    for i in range(8):
        write_png(Path("images", f"{i}.png"), i)
    assert run_command("index", "images", "--model", whole, "-o", "idx")[0] == 0
    assert Path("idx/model/text.onnx").is_file()
    assert run_command("similar", "--text", "a bar", "--index", "idx", "--engine", "torch", "-o", "torch.csv")[0] == 0
    Path("idx/model/weights.safetensors").unlink()
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "torch.py").write_text("raise ImportError('no torch here')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "hidden")}
    command = [sys.executable, "-m", "galaxtool", "similar", "--text", "a bar", "--index", "idx", "-o", "onnx.csv"]
    found = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert found.returncode == 0, found.stderr

    def read(name: str) -> list[Any]:
        rows = [line.split(",") for line in Path(name).read_text().splitlines() if not line.startswith("#")]
        return [row[:4] for row in rows]

    assert read("onnx.csv") == read("torch.csv")
