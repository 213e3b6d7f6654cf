"""Encoders, questions, catalogues and the method of the Zoobot plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from astropy.table import Table
from galaxtool_zoobot.datasets.build import build
from galaxtool_zoobot.encoders.build import build as build_encoder
from galaxtool_zoobot.encoders.catalog import ENCODERS
from galaxtool_zoobot.heads.fraction import FractionHead
from zoobot_files import make_encoder, read_pixels, write_images

import galaxtool
from galaxtool import ConfigError, GalaxtoolError, InputError, OfflineError, get_registry

SCHEMAS = {
    # name -> questions, answers
    "gz-desi": (30, 98),
    "gz-hubble": (13, 40),
    "gz-candels": (12, 38),
    "gz-cosmic-dawn": (13, 45),
    "gz-euclid": (13, 46),
    "gz-rings": (1, 2),
    "gz-evo": (88, 281),
}


def find_spec(name: str) -> Any:
    return get_registry().backbones.find(name).spec


# --- encoders --------------------------------------------------------------------------------------------------------


def test_every_encoder_is_registered_with_its_source() -> None:
    assert len({encoder.name for encoder in ENCODERS}) == len(ENCODERS) == 18
    for encoder in ENCODERS:
        spec = find_spec(encoder.name)
        assert (spec.image_size, spec.mean, spec.std) == (224, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        for weights in spec.weights:
            assert weights.uri.startswith("hf-hub:mwalmsley/zoobot-encoder-") and weights.citation
            assert weights.licence in ("Apache-2.0", "GPL-3.0")
    base, maxvit = find_spec("zoobot-convnext").weights[0], find_spec("zoobot-maxvit").weights[0]
    assert base.uri == "hf-hub:mwalmsley/zoobot-encoder-convnext_base/pytorch_model.bin"
    assert maxvit.uri == "hf-hub:mwalmsley/zoobot-encoder-maxvit_base_rw_224/pytorch_model.bin"


@pytest.mark.slow
def test_architectures_exist_in_timm() -> None:
    with torch.device("meta"):  # takes no time and no memory
        for encoder in ENCODERS:
            made = build_encoder(architecture=encoder.name, weights=None, resolve=lambda _: Path())
            assert made.image_size == 224 and made.dim in (512, 640, 768, 1024, 1280, 1536, 2048), encoder.name


def test_weights_that_are_not_here_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAXTOOL_OFFLINE", "1")
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    files = write_images(tmp_path / "a", 3) + write_images(tmp_path / "b", 3)
    with pytest.raises(OfflineError, match="zoobot-convnext-nano@evo are not on this machine") as caught:
        galaxtool.finetune([files[0].parent.parent], backbone="zoobot-convnext-nano", output=tmp_path / "run")
    assert "--backbone zoobot-convnext-nano@/path/to/pytorch_model.bin" in caught.value.hint


@pytest.mark.slow
def test_weights_as_published_are_loaded(tmp_path: Path) -> None:
    encoder = make_encoder("convnext_pico", seed=4)
    torch.save(encoder.state_dict(), tmp_path / "pytorch_model.bin")
    images = write_images(tmp_path / "set" / "a", 4, side=224) + write_images(tmp_path / "set" / "b", 8, side=224)[4:]
    galaxtool.finetune(
        [tmp_path / "set"], backbone=f"zoobot-convnext-pico@{tmp_path / 'pytorch_model.bin'}", method="linear-probe",
        epochs=1, output=tmp_path / "run", valid_fraction=0.3,
    )  # fmt: skip
    with torch.no_grad():
        expected = torch.nn.functional.normalize(encoder(read_pixels(images[:2])), dim=1).numpy()
    found = galaxtool.load_model(tmp_path / "run").embed(images[:2])
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["zoobot-convnext-pico", "zoobot-maxvit-tiny", "zoobot-resnet18"])
def test_backbones(name: str) -> None:
    galaxtool.check_backbone(f"{name}@none")


# --- questions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas(name: str) -> None:
    galaxtool.check_vote_schema(name)
    text = Path(get_registry().vote_schemas.find(name).spec.path).read_text()
    assert (text.count("[[questions]]"), text.count("{ slug")) == SCHEMAS[name]
    assert "[[citations]]" in text


def test_columns_are_those_of_galaxy_datasets() -> None:
    def read(name: str) -> str:
        return Path(get_registry().vote_schemas.find(name).spec.path).read_text()

    for name, columns in {
        "gz-desi": ["merging-dr12_tidal-debris", "bar-dr5_strong", "spiral-arm-count-dr8_cant-tell"],
        "gz-euclid": ["artifact-euclid_ghost", "smooth-or-featured-euclid_problem", "clumps-euclid_yes"],
        "gz-evo": ["bulge-size-ukidss_just-noticeable", "clump-count-hubble_5-plus", "artifact-cd_ray"],
        "gz-rings": ["ring_yes"],
    }.items():
        assert all(f'"{column}"' in read(name) for column in columns), name


# --- catalogues ------------------------------------------------------------------------------------------------------


def write_catalogue(file: Path, columns: dict[str, list[Any]]) -> Path:
    Table(columns).write(file, overwrite=True)
    return file


def test_a_catalogue(tmp_path: Path) -> None:
    files = write_images(tmp_path / "images", 3)
    names = ["J1", "J2", "J1"]
    columns = {"id_str": names, "file_loc": [str(f) for f in files], "ring_yes": [3, 0, 1], "ra": [1.0, 2.0, 3.0]}
    dataset = build(path=write_catalogue(tmp_path / "c.csv", columns))
    assert [item.id for item in dataset.items] == ["J1", "J2"] and dataset.items[0].columns["ring_yes"] == 3
    assert dataset.items[0].ra is None and dataset.cutout(1).data.shape == (3, 64, 64)
    assert dataset.notes == ("Rows that repeat the id_str of another: 1; the first of each is used.",)
    galaxtool.check_dataset(f"zoobot:{tmp_path / 'c.csv'}")


def test_a_downloaded_folder(tmp_path: Path) -> None:
    for split, folder in (("train", "J0"), ("test", "J1")):
        files = write_images(tmp_path / "images" / folder, 3)
        columns = {
            "id_str": [f"{folder}{i}" for i in range(3)],
            "subfolder": [folder] * 3,
            "filename": [f.name for f in files],
            "summary": ["smooth", "ring", ""],
        }
        write_catalogue(tmp_path / f"gz_rings_{split}_catalog.csv", columns)
    dataset = build(path=tmp_path)
    assert [item.split for item in dataset.items] == ["test"] * 3 + ["train"] * 3
    assert [item.label for item in dataset.items[:3]] == ["smooth", "ring", None]
    assert dataset.cutout(5).data.shape == (3, 64, 64)


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        ([0, 1, 1], ["0", "1", "1"]), ([0.0, np.nan, 1.0], ["0", None, "1"]), (["ring", "", "0"], ["ring", None, "0"]),
        ([0.2, 0.0, 1.0], [None] * 3),
    ],
)  # fmt: skip
def test_labels_of_a_catalogue(label: list[Any], labels: list[str | None], tmp_path: Path) -> None:
    """Zoobot's classifiers learn from numbers."""
    columns = {"id_str": ["a", "b", "c"], "file_loc": ["a.png", "b.png", "c.png"], "label": label}
    dataset = build(path=write_catalogue(tmp_path / "c.csv", columns))
    assert [item.label for item in dataset.items] == labels


def test_catalogues_that_are_not_zoobots(tmp_path: Path) -> None:
    def fails(message: str, path: Path | None) -> GalaxtoolError:
        with pytest.raises(InputError, match=message) as caught:
            build(path=path)
        assert caught.value.hint
        return caught.value

    fails("There is no catalogue or folder at", None)
    fails("There is no catalogue or folder at", tmp_path / "nothing.csv")
    fails("has no catalogues such as gz2_train_catalog", tmp_path)
    fails("has no column 'id_str'", write_catalogue(tmp_path / "a.csv", {"id": ["a"], "file_loc": ["b"]}))
    fails("neither a column 'file_loc' nor 'filename'", write_catalogue(tmp_path / "b.csv", {"id_str": ["a"]}))


# --- head and method -------------------------------------------------------------------------------------------------


def test_fractions() -> None:
    galaxtool.check_head("zoobot-fraction")
    head = FractionHead(4, 3)
    found = head.probabilities(head(torch.randn(50, 4) * 40), 1.0).detach()
    assert float(found.min()) >= 0 and float(found.max()) <= 1


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    files = write_images(tmp_path / "images", 24)
    yes = [i % 9 for i in range(24)]
    return write_catalogue(tmp_path / "votes.csv", {
        "id_str": [f.stem for f in files], "file_loc": [str(f) for f in files],
        "ring_yes": yes, "ring_no": [9 - n for n in yes], "f": [n / 9 for n in yes],
    })  # fmt: skip


def tune(catalogue: Path, run: Path, *options: str, **settings: Any) -> Any:
    defaults = {"votes": "gz-rings", "backbone": "timm:test_convnext@none", "epochs": 1, "separation": 0.0}
    return galaxtool.finetune(
        [f"zoobot:{catalogue}"], method="zoobot", option=options, output=run, image_size=64, batch_size=8,
        **{**defaults, **settings},
    )  # fmt: skip


@pytest.mark.slow
def test_votes_are_learned_with_dropout(votes: Path, tmp_path: Path) -> None:
    tune(votes, tmp_path / "run", "blocks=0", "dropout=0.4")
    galaxtool.classify([tmp_path / "images"], model=tmp_path / "run", output=tmp_path / "t.csv", passes=3)
    assert (Table.read(tmp_path / "t.csv")["std_ring_yes"] > 0).all()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("blocks=9", "--option blocks=9: it must be all or a number from 0 to 5"),
        ("blocks=some", "--option blocks=some: it must be all or a number"),
        ("dropout=1", "--option dropout=1: it must be at least 0 and below 1"),
        ("lr_decay=0", "--option lr_decay=0: it must be above 0"),
    ],
)
def test_options_out_of_range(votes: Path, tmp_path: Path, option: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tune(votes, tmp_path / "run", option)


@pytest.mark.slow
def test_the_method() -> None:
    galaxtool.check_method("zoobot")


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{"target": ["f"], "votes": None}, {"head": "zoobot-fraction", "target": ["f"], "votes": None}]
)
def test_numbers_are_learned(votes: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    tune(votes, tmp_path / "run", **settings)
    galaxtool.classify([tmp_path / "images"], model=tmp_path / "run", output=tmp_path / "t.csv")
    table = Table.read(tmp_path / "t.csv")
    assert ((table["f_low"] <= table["f"]) & (table["f"] <= table["f_high"])).all()


@pytest.mark.slow
def test_an_encoder_of_full_size_is_tuned_and_exported(tmp_path: Path) -> None:
    galaxtool.simulate(output=tmp_path / "sim", n=12)
    galaxtool.finetune(
        [tmp_path / "sim"], backbone="zoobot-convnext-pico@none", method="zoobot", epochs=1, batch_size=4,
        image_size=64, output=tmp_path / "run", option=("blocks=1",),
    )  # fmt: skip
    galaxtool.export(model=tmp_path / "run", output=tmp_path / "m.onnx")
    result = galaxtool.classify([tmp_path / "sim"], model=tmp_path / "m.onnx", output=tmp_path / "t.csv")
    assert result.n == 12 and not result.errors
