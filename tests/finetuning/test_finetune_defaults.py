"""The method and the learning rate of a training that names neither."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image, ImageDraw
from support.training_helpers import narrow_resnet, run_command, run_failing, write_class_folders

from galaxtool.backbones.create import parse_name
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.learning_rate import choose_learning_rate
from galaxtool.finetuning.method_choice import choose_method
from galaxtool.plugins.registry import get_registry

QUICK = ("--epochs", "1", "--warmup-epochs", "0", "--device", "cpu", "--backbone", "small-resnet@none")


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    with narrow_resnet():
        yield


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_class_folders(tmp_path / "images", classes=("ring", "disc"))


def draw(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        image = Image.new("L", (32, 32))
        ImageDraw.Draw(image).ellipse((8, 8, 24, 24), outline=255, fill=255 if name == "disc" else 0)
        image.save(folder / f"{name}.png")
    return folder


def train(*args: Any) -> str:
    code, out, said = run_command("finetune", *args)
    assert code == 0, said
    return out + said


@pytest.mark.slow
def test_own_classes_are_trained_without_symbols(images: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    said = train(images, "--epochs", "1", "--device", "cpu", "--backbone", "small-resnet@none", "-o", run)
    assert "Training by the method 'supervised': 2 of the 2 classes have no symbol (disc, ring)." in said
    assert "--symbols DIR" in said
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["config"]["method"]["value"] == "supervised"
    assert tomllib.loads((run / "config.toml").read_text())["finetune"]["method"] == "supervised"


def test_classes_with_symbols_are_trained_by_galaxalign(images: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    said = train(images, *QUICK, "--symbols", draw(tmp_path / "both", "ring", "disc"), "-o", run)
    assert "Training by the method" not in said
    assert json.loads((run / "model" / "model.json").read_text())["method"]["name"] == "galaxalign"
    said = run_failing("finetune", images, *QUICK, "--symbols", draw(tmp_path / "one", "ring"), "-o", tmp_path / "b")
    assert "needs a symbol for every class and has none for disc" in said


@pytest.mark.parametrize(
    ("settings", "method", "reason"),
    [
        ({"dataset": ["sample:n=60"]}, "galaxalign", ""),
        ({"dataset": ["sample:n=60"], "head": "linear"}, "supervised", "does not train the head 'linear'"),
        ({"dataset": ["sample:n=60"], "head": "knn"}, "galaxalign", ""),
        ({"dataset": ["sample:n=60"], "backbone": "small-cnn@none"}, "supervised", "has no text encoder"),
        ({"votes": "gz2"}, "supervised", "does not learn votes"),
        ({"method": "clip"}, "clip", ""),
    ],
)
def test_the_choice_of_a_method(
    settings: dict[str, Any], method: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GALAXTOOL_OFFLINE", "1")
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path))
    choice = choose_method(FinetuneConfig(**settings))
    assert choice.config.method == method and reason in choice.note and bool(choice.note) == bool(reason)


def test_a_setting_of_galaxalign_is_refused_where_it_does_nothing(images: Path) -> None:
    said = run_failing("finetune", images, "--backbone", "small-resnet@none", "--contrast", "class")
    assert "--contrast class" in said and "'supervised' does not" in said


@pytest.mark.slow
def test_the_learning_rate_is_printed_and_saved(images: Path, tmp_path: Path) -> None:
    run, again = tmp_path / "run", tmp_path / "again"
    said = train(images, "--epochs", "1", "--device", "cpu", "--backbone", "small-resnet@none", "-o", run)
    assert "Learning rate 0.002: what 'small-resnet' suggests for random weights." in said
    assert json.loads((run / "manifest.json").read_text())["config"]["lr"]["value"] == 0.002
    settings = tomllib.loads((run / "config.toml").read_text())["finetune"]
    assert settings["lr"] == 0.002
    assert json.loads((run / "model" / "model.json").read_text())["method"]["lr"] == 0.002
    with (run / "history.csv").open() as stream:
        assert 0 < float(next(csv.DictReader(stream))["lr"]) <= 0.002
    said = train(images, "--recipe", run / "config.toml", "-o", again)
    assert f"Learning rate 0.002: from recipe {run / 'config.toml'}." in said
    assert (run / "model/weights.safetensors").read_bytes() == (again / "model/weights.safetensors").read_bytes()
    probe = ("--method", "linear-probe", "--backbone", "small-resnet@none", "--epochs", "1", "--lr", "0.03")
    said = train(images, *probe, "-o", tmp_path / "probe")
    assert "Learning rate 0.03: as set." in said


@pytest.mark.parametrize(
    ("name", "method", "backbone", "rate", "reason"),
    [
        ("small-resnet@none", "supervised", {"suggested_lr": 2e-3}, 2e-3, "random weights"),
        ("mini", "supervised", {"suggested_lr": 1e-3}, 1e-3, "pretrained weights"),
        ("small-resnet@none", "supervised", {}, 1e-3, "suggests none"),
        ("mini", "supervised", {}, 1e-4, "suggests none"),
        ("small-resnet@none", "linear-probe", {"suggested_lr": 2e-3}, 1e-2, "the method 'linear-probe'"),
        # a random image encoder that borrows a pretrained text encoder
        ("small-cnn@none", "clip", {"suggested_lr": 1e-5, "image": SimpleNamespace(suggested_lr=5e-4)}, 5e-4, "random"),
        ("mini", "clip", {"suggested_lr": 1e-5, "image": SimpleNamespace(suggested_lr=5e-4)}, 1e-5, "pretrained"),
    ],
)
def test_the_choice_of_a_learning_rate(
    name: str, method: str, backbone: dict[str, Any], rate: float, reason: str
) -> None:
    spec = get_registry().methods.find(method).spec
    chosen = choose_learning_rate(FinetuneConfig(), spec, parse_name(name), SimpleNamespace(**backbone))
    assert chosen.value == rate and reason in chosen.reason
