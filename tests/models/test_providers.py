"""What runs an ONNX file, by ``--provider``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from support.helpers import write_png
from support.training_helpers import run_command, run_failing

from galaxtool.errors import ConfigError
from galaxtool.models.engines import providers
from galaxtool.models.engines.layers import open_layer_engine
from galaxtool.models.engines.onnx import OnnxEngine
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import find_model

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
PICTURES = np.random.default_rng(5).integers(0, 256, (3, 96, 96, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("provider", "engine", "wanted"),
    [("cpu", "auto", ("onnx", "cpu")), ("cpu", "onnx", ("onnx", "cpu")), ("openvino", "auto", ("openvino",) * 2)],
)
def test_a_provider_runs_the_file(provider: str, engine: str, wanted: tuple[str, str]) -> None:
    opened = open_engine(find_model("mini"), engine, provider=provider)
    assert (opened.name, opened.provider, opened.device, opened.note) == (*wanted, "cpu", "")
    exact = OnnxEngine(find_model("mini"), "cpu").run(PICTURES)
    np.testing.assert_allclose(opened.run(PICTURES).probabilities, exact.probabilities, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"provider": "rocm"}, "not one of auto, cpu, cuda, tensorrt, openvino"),
        ({"provider": "cpu", "engine": "torch"}, "--engine torch is given"),
        ({"provider": "cpu", "engine": "openvino"}, "--engine openvino is given"),
        ({"provider": "cpu", "device": "cuda"}, "do not go together"),
        ({"provider": "cuda", "device": "cpu"}, "do not go together"),
        ({"provider": "openvino", "engine": "onnx"}, "has no OpenVINO"),
        pytest.param({"provider": "cuda"}, "finds no CUDA device", marks=without_gpu),
        pytest.param({"provider": "tensorrt"}, "finds no CUDA device", marks=without_gpu),
    ],
)
def test_what_does_not_go_together(options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_engine(find_model("mini"), **options)


def test_other_layers_need_pytorch() -> None:
    with pytest.raises(ConfigError, match="cannot be used with --provider cpu"):
        open_layer_engine(find_model("mini"), layer="penultimate", provider="cpu")


@without_gpu
@pytest.mark.skipif(
    "CUDAExecutionProvider" not in onnxruntime.get_available_providers(), reason="ONNX Runtime is for the CPU only"
)
def test_a_gpu_that_cannot_be_loaded_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A machine with a GPU whose CUDA libraries are missing looks to galaxtool as this one does with such a file."""
    monkeypatch.setattr(providers, "_NVIDIA", Path("/dev/null"))
    opened = OnnxEngine(find_model("mini"), "auto")
    assert (opened.provider, opened.device) == ("cpu", "cpu")
    assert opened.note.startswith("The GPU is not used: ONNX Runtime cannot load CUDA") and "\n" not in opened.note
    assert capfd.readouterr() == ("", "")
    for provider, title in (("cuda", "CUDA"), ("tensorrt", "TensorRT")):
        with pytest.raises(ConfigError, match=f"cannot load {title}") as caught:
            OnnxEngine(find_model("mini"), provider=provider)
        assert "\n" not in caught.value.message and "--provider cpu" in caught.value.hint
    assert capfd.readouterr() == ("", "")


def test_classify_prints_and_records_it() -> None:
    for i in range(2):
        write_png(Path("images", f"{i}.png"), i)
    code, printed, said = run_command(
        "classify", "images", "-o", "p.csv", "--provider", "openvino", "--json", "--executor", "threads"
    )
    assert code == 0, said
    result = json.loads(printed)
    assert (result["engine"], result["provider"]) == ("openvino", "openvino") and "Provider: openvino on cpu" in said
    assert "rocm" in run_failing("classify", "images", "-o", "q.csv", "--provider", "rocm")
