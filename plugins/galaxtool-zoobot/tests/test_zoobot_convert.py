"""Fine-tuned checkpoints of Zoobot become models that predict the same."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from astropy.table import Table
from galaxtool_zoobot.commands.convert import convert
from safetensors.torch import load_file
from zoobot_files import (
    ARCHITECTURE,
    Touch,
    forget_zoobot,
    make_encoder,
    make_layer,
    make_schema,
    read_pixels,
    write_checkpoint,
    write_images,
)

import galaxtool
from galaxtool import ConfigError, GalaxtoolError, InputError, ModelError, OutputExists

BACKBONE = f"timm:{ARCHITECTURE}"
QUESTIONS = {"smooth-dr5": ["_yes", "_no"], "arms-dr5": ["_1", "_2", "_cant-tell"]}
AFTER = {"smooth-dr5": None, "arms-dr5": "smooth-dr5_no"}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_images(tmp_path_factory.mktemp("images"), 4)


def classify(images: list[Path], model: Path, **options: Any) -> Table:
    out = model.parent / f"{model.name}.ecsv"
    galaxtool.classify([images[0].parent], model=model, output=out, **options)
    return Table.read(out)


def embed(images: list[Path]) -> torch.Tensor:
    """Return the features as Zoobot computes them."""
    with torch.no_grad():
        features: torch.Tensor = make_encoder()(read_pixels(images))
    return features


def test_classifier(images: list[Path], tmp_path: Path) -> None:
    encoder, layer = make_encoder(), make_layer(make_encoder().num_features, 3)
    settings = {"num_classes": 3, "name": None, "n_blocks": 2, "class_weights": None, "learning_rate": 1e-4}
    file = write_checkpoint(tmp_path / "a.ckpt", encoder, layer, settings)
    found = convert(file, output=tmp_path / "m", backbone=BACKBONE, classes=("smooth", "disk", "star"), image_size=64)
    assert (found.kind, found.outputs) == ("classifier", ["smooth", "disk", "star"])
    table = classify(images, tmp_path / "m")
    expected = torch.softmax(layer(embed(images)), dim=1).detach().numpy()
    for k, slug in enumerate(found.outputs):
        np.testing.assert_allclose(table[f"p_{slug}"], expected[:, k], atol=1e-5)
    assert list(table["label"]) == [found.outputs[k] for k in expected.argmax(axis=1)]


def test_tree_with_its_own_questions(images: list[Path], tmp_path: Path) -> None:
    encoder, layer = make_encoder(), make_layer(make_encoder().num_features, 5)
    settings = {"schema": make_schema(QUESTIONS, AFTER), "dropout_prob": 0.5, "name": ARCHITECTURE}
    file = write_checkpoint(tmp_path / "tree.ckpt", encoder, layer, settings, head="head.1.0")
    forget_zoobot()
    found = convert(file, output=tmp_path / "tree", image_size=64)
    assert found.kind == "tree" and found.backbone == f"timm:{ARCHITECTURE}@none"
    assert found.outputs == ["smooth_dr5_yes", "smooth_dr5_no", "arms_dr5_1", "arms_dr5_2", "arms_dr5_cant_tell"]
    alpha = (1 + 100 * torch.sigmoid(layer(embed(images)))).detach().numpy()
    table = classify(images, tmp_path / "tree")
    for part in (slice(0, 2), slice(2, 5)):
        shares = alpha[:, part] / alpha[:, part].sum(axis=1, keepdims=True)
        for slug, share in zip(found.outputs[part], shares.T, strict=True):
            np.testing.assert_allclose(table[f"p_{slug}"], share, atol=1e-5)
    assert set(table["label"]) <= {"smooth_dr5_yes", "arms_dr5_1", "arms_dr5_2", "arms_dr5_cant_tell"}
    assert (classify(images, tmp_path / "tree", passes=4, overwrite=True)["std_arms_dr5_1"] > 0).all()


def test_tree_with_questions_by_name(tmp_path: Path) -> None:
    layer = make_layer(make_encoder().num_features, 2)
    file = write_checkpoint(tmp_path / "rings.ckpt", make_encoder(), layer, {}, head="head.1.0")
    with pytest.raises(ConfigError, match="has 2 answers, and does not hold its questions") as caught:
        convert(file, output=tmp_path / "m", backbone=BACKBONE)
    assert "gz-euclid" in caught.value.hint
    with pytest.raises(ModelError, match="do not fit the head 'votes' for 37 outputs"):
        convert(file, output=tmp_path / "m", backbone=BACKBONE, votes="gz2")
    assert convert(file, output=tmp_path / "m", backbone=BACKBONE, votes="gz-rings").outputs == ["ring_yes", "ring_no"]


# numbers of outputs of Zoobot's networks, by the lists of galaxy-datasets
OUTPUTS = {
    "gz2": (30, {"has_spiral_arms_yes": 5, "bar_yes": 7, "spiral_arm_count_cant_tell": 29}),
    "gz-desi": (98, {"bar_dr12_yes": 7, "smooth_or_featured_dr5_smooth": 30, "merging_dr8_merger": 97}),
    "gz-hubble": (40, {"disk_edge_on_no": 15, "bar_yes": 19, "has_spiral_arms_yes": 21, "galaxy_symmetrical_yes": 36}),
    "gz-candels": (38, {"bar_yes": 18, "has_spiral_arms_no": 21, "spiral_winding_tight": 22, "merging_neither": 37}),
    "gz-cosmic-dawn": (45, {"has_spiral_arms_yes": 5, "bar_strong": 7, "artifact_other": 44}),
    "gz-evo": (251, {"bar_gz2_yes": 105, "bar_candels_yes": 146, "bar_hubble_yes": 185, "artifact_cd_other": 250}),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTPUTS)
def test_each_output_of_zoobot_gets_its_answer(name: str, tmp_path: Path) -> None:
    encoder, (n, known) = make_encoder(), OUTPUTS[name]
    layer = make_layer(encoder.num_features, n)
    with torch.no_grad():
        layer.bias.copy_(torch.arange(n))
    file = write_checkpoint(tmp_path / "t.ckpt", encoder, layer, {}, head="head.1.0")
    found = convert(file, output=tmp_path / "m", backbone=BACKBONE, votes=name).outputs
    bias = load_file(tmp_path / "m" / "weights.safetensors")["head.bias"].tolist()
    assert sorted(bias) == list(range(n))
    assert {answer: bias[found.index(answer)] for answer in known} == known


def test_questions_that_are_not_those_of_the_checkpoint(tmp_path: Path) -> None:
    encoder, given = make_encoder(), {"output": tmp_path / "m", "backbone": BACKBONE}
    layer = make_layer(encoder.num_features, 34)
    groups = [(0, 1), (2, 4), (5, 33)]
    file = write_checkpoint(tmp_path / "a.ckpt", encoder, layer, {"question_index_groups": groups}, head="head.1.0")
    with pytest.raises(ConfigError, match="answers, and those of the checkpoint 2, 3, 29"):
        convert(file, votes="gz-decals", **given)
    pairs = {"ring": ["_no", "_yes"]}
    settings = {"schema": make_schema(pairs, {"ring": None})}
    layer = make_layer(encoder.num_features, 2)
    file = write_checkpoint(tmp_path / "b.ckpt", encoder, layer, settings, head="head.1.0")
    forget_zoobot()
    assert convert(file, **given).outputs == ["ring_no", "ring_yes"]
    assert convert(file, votes="gz-rings", overwrite=True, **given).outputs == ["ring_yes", "ring_no"]
    bias = load_file(tmp_path / "m" / "weights.safetensors")["head.bias"]
    torch.testing.assert_close(bias, layer.bias.detach()[[1, 0]])


@pytest.mark.parametrize("unit_interval", [False, True])
def test_regressor(images: list[Path], tmp_path: Path, unit_interval: bool) -> None:
    layer = make_layer(make_encoder().num_features, 1)
    settings = {"unit_interval": unit_interval, "loss": "mse"}
    file = write_checkpoint(tmp_path / "r.ckpt", make_encoder(), layer, settings)
    options: dict[str, Any] = {"output": tmp_path / "r", "backbone": BACKBONE, "image_size": 64}
    with pytest.raises(ConfigError, match="predicts one number, without a name or an error bar"):
        convert(file, **options)
    with pytest.raises(ConfigError, match="--class is about a classifier, and the checkpoint holds a regressor"):
        convert(file, **options, target="f[arcsec]", error=0.05, classes=["a"])
    assert convert(file, **options, target="f[arcsec]", error=0.05).kind == "regressor"
    table, expected = classify(images, tmp_path / "r"), layer(embed(images))[:, 0].detach()
    expected = torch.sigmoid(expected) if unit_interval else expected
    np.testing.assert_allclose(table["f"], expected, atol=1e-5)
    np.testing.assert_allclose(table["f_high"] - table["f"], 0.05, atol=1e-5)
    assert str(table["f"].unit) == "arcsec"


@pytest.mark.slow
def test_encoders_are_found_by_name(tmp_path: Path) -> None:
    encoder = make_encoder("convnext_nano")
    settings = {"name": "hf_hub:mwalmsley/zoobot-encoder-convnext_nano", "num_classes": 2}
    file = write_checkpoint(tmp_path / "nano.ckpt", encoder, make_layer(640, 2), settings)
    found = convert(file, output=tmp_path / "m", classes=("ring", "no ring"))
    assert found.backbone == "zoobot-convnext-nano@evo"
    record = galaxtool.load_model(tmp_path / "m").record
    assert {c["text"].split(",")[0] for c in record.citations} >= {"Walmsley et al. 2023", "Walmsley et al. 2024"}
    assert record.preprocess["mean"] == [0.0, 0.0, 0.0] and record.preprocess["size"] == 224


def test_gray_encoders(tmp_path: Path) -> None:
    encoder = make_encoder(in_chans=1)
    file = write_checkpoint(tmp_path / "g.ckpt", encoder, make_layer(encoder.num_features, 2), {"num_classes": 2})
    convert(file, output=tmp_path / "m", backbone=BACKBONE, classes=("a", "b"), image_size=64)
    assert galaxtool.load_model(tmp_path / "m").record.preprocess["channels"] == ["gray"]


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    settings = {"num_classes": 2, "callback": Touch(tmp_path / "touched")}
    file = write_checkpoint(
        tmp_path / "evil.ckpt", make_encoder(), make_layer(make_encoder().num_features, 2), settings
    )
    convert(file, output=tmp_path / "m", backbone=BACKBONE, classes=("a", "b"))
    torch.save({"state_dict": settings}, tmp_path / "old.ckpt", _use_new_zipfile_serialization=False)
    with pytest.raises(ModelError, match="is not a checkpoint of PyTorch"):
        convert(tmp_path / "old.ckpt", output=tmp_path / "m2", backbone=BACKBONE, classes=("a", "b"))
    with zipfile.ZipFile(tmp_path / "script.ckpt", "w") as archive:
        archive.writestr("script/constants.pkl", b"")
    with pytest.raises(ModelError, match="a program in TorchScript"):
        convert(tmp_path / "script.ckpt", output=tmp_path / "m2", backbone=BACKBONE, classes=("a", "b"))
    assert not (tmp_path / "touched").exists() and not (tmp_path / "m2").exists()


def test_what_cannot_be_converted(tmp_path: Path) -> None:
    def fails(error: type[GalaxtoolError], message: str, file: Path, **options: Any) -> str:
        with pytest.raises(error, match=message) as caught:
            convert(file, **{"output": tmp_path / "m", "backbone": BACKBONE, "classes": ("a", "b"), **options})
        assert not (tmp_path / "m").exists()
        return caught.value.hint

    layer = make_layer(make_encoder().num_features, 2)
    file = write_checkpoint(tmp_path / "c.ckpt", make_encoder(), layer, {"num_classes": 2})
    assert "checkpoints/" in fails(InputError, "There is no checkpoint at", tmp_path / "none.ckpt")
    (tmp_path / "text.ckpt").write_text("not one")
    fails(ModelError, "is not a checkpoint of PyTorch", tmp_path / "text.ckpt")
    torch.save(make_encoder().state_dict(), tmp_path / "weights.ckpt")
    assert "--backbone" in fails(ModelError, "has no state_dict", tmp_path / "weights.ckpt")
    torch.save({"state_dict": {"model.weight": torch.zeros(2)}}, tmp_path / "other.ckpt")
    fails(ModelError, "is not a model of Zoobot: it has no encoder", tmp_path / "other.ckpt")
    assert "zoobot-convnext-nano" in fails(ConfigError, "does not say which encoder it has", file, backbone=None)
    assert "--class" in fails(ConfigError, "has 2 classes, and 3 names were given", file, classes=("a", "b", "c"))
    fails(ModelError, "do not fit the backbone 'timm:test_resnet'", file, backbone="timm:test_resnet")
    fails(ConfigError, "--crop is 1.5", file, crop=1.5)
    convert(file, output=tmp_path / "m", backbone=BACKBONE, classes=("a", "b"))
    with pytest.raises(OutputExists, match="holds a model"):
        convert(file, output=tmp_path / "m", backbone=BACKBONE, classes=("a", "b"))
    convert(file, output=tmp_path / "m", backbone=BACKBONE, classes=("c", "d"), overwrite=True)
    assert galaxtool.load_model(tmp_path / "m").classes == ["c", "d"]
