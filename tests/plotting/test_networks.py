"""Where a network looks: attention, class activation maps and gradients, against values written out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import galaxtool
from galaxtool.errors import ConfigError, UnknownName
from galaxtool.inference.training_domain import TrainingDomain
from galaxtool.models.find import find_model
from galaxtool.models.network import GalaxyModel
from galaxtool.models.record import ModelRecord
from galaxtool.plotting.class_names import name_classes
from galaxtool.plotting.kinds import looks
from galaxtool.plotting.networks import Network, choose_heads, compute_attention, compute_saliency
from galaxtool.vision.preprocess import Preprocess

SIZE = 16
PICTURES = np.random.default_rng(0).integers(0, 255, (2, SIZE, SIZE, 3), dtype=np.uint8)


class Pooled(nn.Module):
    """Two channels of features, each averaged: Grad-CAM is then the class activation map of Zhou et al. 2016."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 4, 2, stride=2, bias=False)

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.features(images).mean(dim=(2, 3)))


class Attending(nn.Module):
    """A backbone with two heads of 1 + 2 x 2 tokens, of which the class token's weights are known."""

    prefix_tokens, patch = 1, 8

    def attention(self, images: torch.Tensor) -> torch.Tensor:
        weights = torch.full((len(images), 2, 5, 5), 0.2)
        weights[:, 1, 0] = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.0])
        return weights


@pytest.fixture(scope="module")
def record() -> ModelRecord:
    folder = find_model("mini").folder
    assert folder is not None
    return ModelRecord.read(folder / "model.json")


def make_network(record: ModelRecord, backbone: Any) -> Network:
    torch.manual_seed(0)
    model = GalaxyModel(backbone, nn.Linear(4, len(record.slugs))).eval()
    return Network("tiny", backbone, Preprocess(size=SIZE), model, record)


def test_a_map_is_the_weighted_sum_of_the_features(record: ModelRecord) -> None:
    network = make_network(record, Pooled())
    assert network.model is not None
    with torch.no_grad():
        images = network.normalize(PICTURES)
        features = network.model.backbone.features(images).numpy()
        chosen = network.model(images)[2].argmax(dim=1).numpy()
        weights = network.model.head.weight.numpy()[chosen]
    for method, used in (("grad-cam", weights), ("layer-cam", np.maximum(weights, 0))):
        expected = np.maximum(np.einsum("nk,nkyx->nyx", used, features), 0)
        found, titles = compute_saliency(network, PICTURES, method=method)
        np.testing.assert_allclose(found, expected / expected.max(axis=(1, 2), keepdims=True), atol=1e-5)
        assert [title.rpartition(" ")[0] for title in titles] == name_classes([record.slugs[k] for k in chosen])


def test_a_gradient_is_that_of_the_chosen_class(record: ModelRecord) -> None:
    network = make_network(record, Pooled())
    assert network.model is not None
    found, titles = compute_saliency(network, PICTURES, method="gradient", label=record.slugs[2])
    kernel = network.model.backbone.features.weight.detach().numpy()  # a linear network: the same gradient everywhere
    expected = np.abs(np.einsum("k,kcyx->cyx", network.model.head.weight.detach().numpy()[2], kernel)).max(axis=0)
    np.testing.assert_allclose(found[0], np.tile(expected / expected.max(), (8, 8)), rtol=1e-4)
    assert found.shape == (2, SIZE, SIZE) and titles[0].startswith(name_classes(record.slugs)[2])


def test_attention_is_that_of_the_class_token_in_units_of_an_even_one() -> None:
    maps = compute_attention(Network("tiny", Attending(), Preprocess(size=SIZE)), PICTURES)
    np.testing.assert_allclose(maps[0], [[[1, 1], [1, 1]], [[1, 1.5], [2, 0]]])


def test_what_a_network_cannot_show_is_said(record: ModelRecord) -> None:
    flat = make_network(record, nn.Flatten())
    flat.backbone.embed = lambda images: images.mean(dim=(2, 3))[:, [0, 1, 2, 0]]  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="no map of features"):
        compute_saliency(flat, PICTURES)
    flat.backbone.patch = 4  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="is a vision transformer"):
        compute_saliency(flat, PICTURES)
    with pytest.raises(ConfigError, match="has no classes"):
        compute_saliency(Network("tiny", Pooled(), Preprocess(size=SIZE)), PICTURES)
    with pytest.raises(UnknownName, match="spirall"):
        compute_saliency(make_network(record, Pooled()), PICTURES, label="spirall")
    assert choose_heads("2", 3) == [1]
    with pytest.raises(ConfigError, match="heads is '4'"):
        choose_heads("4", 3)


def test_attention_needs_a_transformer(tmp_path: Path) -> None:
    Image.fromarray(PICTURES[0]).resize((64, 64)).save(tmp_path / "a.png")
    with pytest.raises(ConfigError, match="needs a vision transformer"):
        galaxtool.plot("attention", tmp_path / "a.png", output=tmp_path / "b.svg")
    with pytest.raises(ConfigError, match="has no attention"):
        galaxtool.plot("attention", tmp_path / "a.png", model="small-cnn@none", output=tmp_path / "b.svg")


def test_a_model_and_its_bare_backbone_see_the_same_field(
    record: ModelRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preprocess = Preprocess(size=SIZE, size_arcsec=32)
    domain = TrainingDomain(pixel_scale=1.0).as_dict()
    own = replace(record, preprocess=preprocess.as_dict(), data={**record.data, "domain": domain})
    before, after = Network("bare", Attending(), preprocess), Network("tiny", Attending(), preprocess, None, own)  # type: ignore[arg-type]
    seen = []

    def compute(network: Network, pictures: np.ndarray) -> np.ndarray:
        seen.append(pictures)
        return compute_attention(network, pictures)

    monkeypatch.setattr(looks, "open_network", lambda name, like=None: after if like is None else before)
    monkeypatch.setattr(looks, "compute_attention", compute)
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    galaxtool.plot("attention", tmp_path / "a.png", model="tiny", output=tmp_path / "a.svg", option=["before=bare"])
    np.testing.assert_array_equal(*seen)


@pytest.mark.slow
def test_the_command_draws_what_a_model_looks_at(tmp_path: Path) -> None:
    for number in range(2):
        Image.fromarray(PICTURES[number]).resize((64, 64)).save(tmp_path / f"{number}.png")
    galaxtool.plot("saliency", [tmp_path / "0.png", tmp_path / "1.png"], output=tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().count("<image") >= 4


@pytest.mark.slow
def test_attention_before_and_after_a_training(tmp_path: Path) -> None:
    Image.fromarray(PICTURES[0]).resize((64, 64)).save(tmp_path / "a.png")
    options = ["heads=all", "before=timm:test_vit@none"]
    galaxtool.plot(
        "attention", tmp_path / "a.png", model="timm:test_vit@none", output=tmp_path / "a.svg", option=options
    )
    text = (tmp_path / "a.svg").read_text()
    assert ">before</text>" in text and ">after</text>" in text and ">head 2</text>" in text
