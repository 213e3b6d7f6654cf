"""``embed --layer`` and ``index --layer``: the features of other layers than the joint space."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from support.helpers import write_fits
from support.small_backbones import OPEN_CLIP, register_small_backbones, write_model
from support.training_helpers import narrow_resnet, run_command, run_failing

import galaxtool
from galaxtool.backbones.abilities import extract_penultimate
from galaxtool.backbones.create import create_backbone
from galaxtool.inference.embeddings.stored import read_embeddings
from galaxtool.jobs.job import job_folder


@pytest.fixture(autouse=True, scope="module")
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with register_small_backbones(tmp_path_factory.mktemp("architectures")), narrow_resnet():
        yield


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for seed in range(3):
        write_fits(folder / f"{seed}.fits", seed)
    (folder / "broken.fits").write_bytes(b"SIMPLE")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Folders of a model with a convolutional network, and of one with a vision transformer, and the models."""
    folder = tmp_path_factory.mktemp("models")
    names = {"resnet": "small-resnet@none", "transformer": OPEN_CLIP["timm-vit"]}
    return {kind: (folder / kind, write_model(folder / kind, name)) for kind, name in names.items()}


def embed(images: Path, model: Path, output: Path, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
    galaxtool.embed([images], model=model, output=output, **options)
    stored = read_embeddings(output)
    assert np.isnan(stored.vectors[-1]).all() and stored.items["error"][-1].as_py()
    np.testing.assert_allclose(np.linalg.norm(stored.vectors[:-1], axis=1), 1, rtol=1e-5)
    return stored.vectors[:-1], stored.meta


def test_penultimate_features_project_to_the_joint_ones(images: Path, models: Any, tmp_path: Path) -> None:
    folder, model = models["resnet"]
    joint, about_joint = embed(images, folder, tmp_path / "joint.parquet")
    penultimate, about = embed(images, folder, tmp_path / "penultimate.parquet", layer="penultimate")
    projected = penultimate @ model.backbone.image_tower.project.weight.detach().numpy().T
    projected /= np.linalg.norm(projected, axis=1, keepdims=True)
    np.testing.assert_allclose(projected, joint, atol=1e-5)
    assert "layer" not in about_joint and about["layer"] == "penultimate" and about["dim"] == penultimate.shape[1]
    assert about["model_digest"] == about_joint["model_digest"]
    assert about["preprocess_digest"] != about_joint["preprocess_digest"], "the two cannot be compared"


def test_class_tokens_are_those_of_the_backbone(images: Path, models: Any, tmp_path: Path) -> None:
    folder, model = models["transformer"]
    found, about = embed(images, folder, tmp_path / "c.parquet", layer="cls-4", batch_size=2)
    loaded = galaxtool.load_model(folder, engine="torch")
    preprocess = loaded.record.make_preprocess()
    pictures = np.stack([preprocess.picture(galaxtool.read_image(images / f"{n}.fits")) for n in range(3)])
    with torch.inference_mode():
        tokens = model.backbone.cls_tokens(torch.from_numpy(preprocess.normalize(pictures)), 4).flatten(1).numpy()
    np.testing.assert_allclose(found, tokens / np.linalg.norm(tokens, axis=1, keepdims=True), atol=1e-5)
    assert about["layer"] == "cls-4" and about["dim"] == 4 * 64 and about["engine"] == "torch"


SLOWER = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("convnext", "timm-vit", "timm-resnet")]


@pytest.mark.parametrize("kind", ["vit", "resnet", "mini", *SLOWER])
@torch.inference_mode()
def test_what_comes_before_the_projection(kind: str) -> None:
    torch.manual_seed(0)
    backbone = create_backbone(OPEN_CLIP.get(kind, "mini@none")).eval()
    images = torch.randn(2, 3, backbone.image_size, backbone.image_size)
    before = backbone.embed(images)
    features = extract_penultimate(backbone, images)
    tower = backbone.image_tower
    if kind == "vit":
        torch.testing.assert_close(features @ tower.proj, before)
    elif kind == "resnet":  # whose attention pooling projects too
        assert features.shape == (2, 512) and before.shape == (2, 12)
    else:
        project = tower.project if kind == "mini" else tower.head
        torch.testing.assert_close(project(features), before)
    assert torch.equal(backbone.embed(images), before)
    borrower = create_backbone("image-only", text_encoder="small-resnet@none").eval()
    small = torch.randn(2, 3, 16, 16)
    assert torch.equal(extract_penultimate(borrower, small), borrower.image.embed(small))
    assert torch.equal(extract_penultimate(borrower.image, small), borrower.image.embed(small))


def test_an_index_of_another_layer_is_asked_with_images_only(images: Path, models: Any, tmp_path: Path) -> None:
    folder, _ = models["resnet"]
    index = tmp_path / "index"
    code, _, err = run_command("index", images, "-o", index, "--model", folder, "--layer", "penultimate", "--quiet")
    assert code == 0, err
    assert json.loads((index / "index.json").read_text())["layer"] == "penultimate"
    found = galaxtool.similar(images / "1.fits", index=index, output=tmp_path / "s.csv").neighbors
    assert found[0].id == "1" and found[0].similarity == pytest.approx(1, abs=1e-5)
    for query in (("--text", "a ring"), ("--symbol", "ring")):
        message = run_failing("similar", *query, "--index", index, "-o", tmp_path / "t.csv")
        assert "layer 'penultimate'" in message
    among = galaxtool.similar(images / "1.fits", among=[images], model=folder, output=tmp_path / "a.csv").neighbors
    assert among[1].similarity != found[1].similarity


def test_layers_that_cannot_be_had(images: Path, models: Any, tmp_path: Path) -> None:
    folder, _ = models["resnet"]
    for options, message in (
        (("--layer", "cls-4"), "The backbone 'small-resnet@none' has no class token."),
        (
            ("--layer", "penultimate", "--engine", "onnx"),
            "--layer penultimate needs PyTorch and cannot be used with --engine onnx",
        ),
        (("--layer", "last"), "--layer is 'last', which is not one of joint, penultimate, cls-4."),
    ):
        assert message in run_failing("embed", images, "--model", folder, "-o", tmp_path / "e.parquet", *options)
    onnx = Path(galaxtool.__file__).parent / "models" / "mini" / "model.onnx"
    message = run_failing("embed", images, "--model", onnx, "-o", tmp_path / "e.parquet", "--layer", "penultimate")
    assert "has only an ONNX file" in message
    assert not (tmp_path / "e.parquet").exists()


def test_unfinished_work_on_another_layer_is_not_resumed(images: Path, models: Any, tmp_path: Path) -> None:
    folder, _ = models["resnet"]
    output = tmp_path / "e.parquet"
    galaxtool.embed([images], model=folder, output=output, shard="1/2", batch_size=1)
    assert job_folder(output).is_dir()
    message = run_failing(
        "embed", images, "--model", folder, "-o", output, "--layer", "penultimate", "--shard", "2/2", "--batch-size", 1
    )
    assert "layer" in message
    galaxtool.embed([images], model=folder, output=output, shard="2/2", batch_size=1)
    assert galaxtool.merge(output).output == str(output) and pq.read_metadata(output).num_rows == 4
