"""Splits of crowded fields and of copies: no leak, no percolation without a word, and the cause of a small split."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from scipy.sparse.csgraph import connected_components
from support.training_helpers import run_command, run_failing, write_class_folders

from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.splits.by_position import draw_nested_subset, find_leak_groups, split_items
from galaxtool.datasets.splits.draw import draw_groups
from galaxtool.datasets.splits.leaks import find_leaks
from galaxtool.errors import InputError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import gather_labeled
from galaxtool.types import ImageRef, Item


def crowd(n: int, side: float, *, ra: float = 150.0, dec: float = 2.0, seed: int = 0) -> tuple[list[Item], list[str]]:
    """Items of two classes in a square field with this side in arcmin."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, side / 60, (2, n))
    positions = zip(((ra + x / np.cos(np.deg2rad(dec))) % 360).tolist(), (dec + y).tolist(), strict=True)
    items = [Item(id=str(i), ra=a, dec=d) for i, (a, d) in enumerate(positions)]
    return items, ["ring" if i % 3 else "disc" for i in range(n)]


def distance(items: list[Item], splits: np.ndarray, part: str, others: tuple[str, ...]) -> float:
    """Return the smallest distance in arcsec between the items of a split and those of others."""
    sky = SkyCoord([item.ra for item in items], [item.dec for item in items], unit="deg")
    near, far = sky[splits == part], sky[np.isin(splits, others)]
    return float(near.match_to_catalog_sky(far)[1].to_value(u.arcsec).min())


@pytest.mark.parametrize(
    ("side", "ra", "dec"),
    [
        (20.0, 150.0, 2.0),
        (20.0, 359.9, -60.0),
        pytest.param(60.0, 10.0, 80.0, marks=pytest.mark.slow),
        (20.0, 0.1, 0.0),
    ],
)
def test_a_crowded_field_is_split_in_blocks_without_leaks(side: float, ra: float, dec: float) -> None:
    items, labels = crowd(int(4 * side**2), side, ra=ra, dec=dec)
    assert np.bincount(find_leak_groups(items)).max() > 0.9 * len(items), "the field percolates"
    notes: list[str] = []
    splits = split_items(items, labels, notes=notes)
    count = Counter(splits.tolist())
    assert 0.07 * len(items) < count["valid"] < 0.25 * len(items)
    assert count["train"] > 0.5 * len(items)
    assert distance(items, splits, "valid", ("train",)) > 60
    shares = [np.mean([label == "ring" for label, s in zip(labels, splits, strict=True) if s == part])
              for part in ("train", "valid")]  # fmt: skip
    assert abs(shares[0] - shares[1]) < 0.15
    (note,) = notes
    assert "blocks of the sky" in note and f"{count['unused']} images within 60" in note and "--separation" in note
    assert (splits == split_items(items, labels)).all(), "the same seed gives the same split"
    assert (splits != split_items(items, labels, seed=1)).any()


def test_a_test_split_of_a_crowded_field_has_no_neighbors_either() -> None:
    items, labels = crowd(3000, 30.0)
    notes: list[str] = []
    splits = split_items(items, labels, valid_fraction=0.15, test_fraction=0.15, notes=notes)
    count = Counter(splits.tolist())
    assert min(count["valid"], count["test"]) > 200 and count["train"] > 1000
    assert distance(items, splits, "test", ("train", "valid")) > 60
    assert distance(items, splits, "valid", ("train", "test")) > 60
    assert ["test split" in note for note in notes] == [True, False]


def test_all_copies_of_a_given_test_image_are_left_out(tmp_path: Path) -> None:
    items, labels = crowd(1600, 20.0)
    for name, content in (("a", b"same"), ("b", b"same"), ("c", b"same"), ("d", b"other")):
        (tmp_path / f"{name}.png").write_bytes(content)
    sky = SkyCoord([item.ra for item in items], [item.dec for item in items], unit="deg")
    of_test = 1500  # not the first of the copies
    far = [row for row in np.argsort(sky.separation(sky[of_test]))[::-1].tolist() if row < of_test][:2]
    for row, name in zip((*far, of_test), "abc", strict=True):
        items[row] = replace(items[row], ref=ImageRef(path=tmp_path / f"{name}.png"))
    items[of_test] = replace(items[of_test], split="test")
    notes: list[str] = []
    splits = split_items(items, labels, notes=notes)
    assert splits[of_test] == "test" and splits[far].tolist() == ["unused", "unused"], notes


def test_simulated_images_may_all_have_one_position() -> None:
    items = [Item(id=str(i), ra=0.0, dec=0.0) for i in range(30_000)]
    items += [Item(id="near", ra=0.01, dec=0.0), Item(id="far", ra=1.0, dec=0.0), Item(id="nowhere")]
    groups = find_leak_groups(items)
    assert len(np.unique(groups)) == 3 and (groups[:30_001] == groups[0]).all()
    leaks = find_leaks(items, separation_arcsec=60)
    chosen = np.arange(len(items)) == 5
    assert leaks.touches(chosen).tolist() == [*(np.arange(30_001) != 5), False, False]
    assert leaks.touches(np.arange(len(items)) == 30_000).sum() == 30_000


@pytest.mark.parametrize(("ra", "dec"), [(150.0, 2.0), (359.99, -70.0), (10.0, 89.9)])
def test_groups_are_those_of_all_pairs_of_neighbors(ra: float, dec: float) -> None:
    rng = np.random.default_rng(0)
    # clumps with many neighbours each, some within reach of the next, and a sparse field
    clumps = rng.uniform(0, 900, (12, 1, 2)) + rng.normal(0, 10, (12, 60, 2))
    x, y = np.concatenate([clumps.reshape(-1, 2), rng.uniform(0, 900, (100, 2))]).T / 3600
    sky = SkyCoord(ra, dec, unit="deg").directional_offset_by(np.arctan2(x, y) * u.rad, np.hypot(x, y) * u.deg)
    items = [Item(id=str(i), ra=float(p.ra.deg), dec=float(p.dec.deg)) for i, p in enumerate(sky)]
    for reach in (20.0, 60.0):
        is_near = sky[:, None].separation(sky).arcsec <= reach
        leaks = find_leaks(items, separation_arcsec=reach)
        expected = connected_components(is_near)[1]
        assert leaks.groups().tolist() == expected.tolist() and expected.max() > 3
        chosen = expected % 3 == 0
        chosen[rng.random(len(items)) < 0.5] = False
        assert leaks.touches(chosen).tolist() == (is_near[:, chosen].any(axis=1) & ~chosen).tolist()


def test_a_dense_field_needs_no_list_of_all_pairs() -> None:
    items, _ = crowd(20_000, 4.0)  # 4000 neighbours each: a deep field
    leaks = find_leaks(items, separation_arcsec=60)
    assert len(leaks.neighbors) < 10 * len(items) and not leaks.groups().any()


def test_names_of_many_objects_as_classes_give_no_split() -> None:
    n = 100_000  # a matrix of all objects and all classes would have 80 GB
    assert not len(draw_groups(np.arange(n), [f"J{i}" for i in range(n)], 0.15, 0))
    assert len(draw_nested_subset([f"J{i}" for i in range(n)], 0.5, 0)) == n


def test_a_large_group_beside_others_is_named() -> None:
    dense, labels = crowd(60, 2.0)
    sparse = [Item(id=f"s{i}", ra=200.0 + i, dec=10.0) for i in range(60)]
    notes: list[str] = []
    splits = split_items([*dense, *sparse], [*labels, *labels], notes=notes)
    assert (splits == "valid").sum() == 18
    assert notes == [
        '60 of 120 images are within 60" of one another, directly or through others, and all of them are in the same '
        "split. Lower --separation, e.g. to 6, if the images are that small, or give a --split."
    ]


def test_no_word_about_a_sparse_field() -> None:
    items, labels = crowd(100, 600.0)
    notes: list[str] = []
    assert (split_items(items, labels, notes=notes) == "valid").sum() == 15 and not notes


def test_items_beside_a_given_split_are_left_out_of_a_crowded_field() -> None:
    items, labels = crowd(1600, 20.0)
    given = [Item(id=item.id, ra=item.ra, dec=item.dec, split="test" if item.dec < 2.05 else "") for item in items]
    notes: list[str] = []
    splits = split_items(given, labels, notes=notes)
    assert (splits == "test").sum() == sum(item.split == "test" for item in given), "the test split does not grow"
    assert distance(items, splits, "test", ("train", "valid")) > 60
    assert (splits == "train").sum() > 600 and "of a given split" in notes[0]


def test_an_image_shared_with_another_data_set_is_not_the_whole_validation_split() -> None:
    places = [Item(id=str(i), ra=10 + i / 10, dec=0.0, split="valid" if i < 20 else "train") for i in range(100)]
    shared = [Item(id=f"b{i}", ra=100 + i / 10 if i else 10.0, dec=0.0) for i in range(100)]
    splits = split_items([*places, *shared], ["ring", "disc"] * 100, sources=[0] * 100 + [1] * 100)
    assert (splits[:100] == "valid").sum() == 20, "a data set with a split of its own keeps it"
    assert splits[100] == "valid" and 14 <= (splits[101:] == "valid").sum() <= 16


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_class_folders(tmp_path / "set", each=10)


def fail(*args: Any) -> str:
    return run_failing("finetune", *args, "--method", "linear-probe", "--device", "cpu")


def test_copies_are_the_cause(images: Path, tmp_path: Path) -> None:
    for file in images.rglob("*.png"):
        file.write_bytes((images / "ring" / "0.png").read_bytes())
    said = fail(images, "-o", tmp_path / "run")
    assert "20 of the 20 images are copies of one another (files of the same content)" in said
    assert "Add images that differ" in said


def test_labels_that_are_names_are_the_cause(images: Path, tmp_path: Path) -> None:
    rows = [f"{file.relative_to(images)},M{i}" for i, file in enumerate(sorted(images.rglob("*.png")))]
    (images / "labels.csv").write_text("\n".join(["path,target", *rows]))
    said = fail(images, "-o", tmp_path / "run")
    assert "each of the 20 classes ('m" in said and "--label-column" in said


def test_a_small_crowd_is_the_cause(images: Path, tmp_path: Path) -> None:
    files = sorted(images.rglob("*.png"))
    rows = [f"{f.relative_to(images)},{f.parent.name},150.0,{2 + i / 36000}" for i, f in enumerate(files)]
    (images / "labels.csv").write_text("\n".join(["path,label,ra,dec", *rows]))
    said = fail(images, "-o", tmp_path / "run")
    assert '20 of the 20 images are within 60" of one another, directly or through others' in said
    assert "--separation, e.g. to 6" in said


@pytest.mark.slow
def test_a_validation_split_that_is_too_small_says_why(images: Path, tmp_path: Path) -> None:
    files = sorted(images.rglob("*.png"))
    for file in files:
        if file.stem not in "01":
            file.write_bytes((images / "ring" / "5.png").read_bytes())
    run = ("--method", "linear-probe", "--backbone", "small-resnet@none", "--epochs", "1", "--valid-fraction", "0.5")
    code, out, said = run_command("finetune", images, *run, "-o", tmp_path / "run")
    assert code == 0, said
    assert "The validation split has 4 images instead of 10, because 16 of 20 images are copies of one" in out + said


def test_a_split_folder_without_images_is_not_used(images: Path, tmp_path: Path) -> None:
    train = write_class_folders(tmp_path / "data" / "train_images", each=10).parent
    for name in ("valid", "test/ring"):
        (train / name).mkdir(parents=True)
    dataset = open_dataset(train)
    assert {item.split for item in dataset.items} == {"train"} and len(dataset.items) == 20
    assert ["This split is not used." in note for note in dataset.notes] == [True, True]
    shutil.copy(images / "ring" / "0.png", train / "test" / "0.png")
    (note, _) = open_dataset(train).notes
    assert "1 images in" in note and "have no classes. This split is not used." in note
    shutil.copy(images / "ring" / "0.png", train / "valid" / "0.png")
    with pytest.raises(InputError, match=r"'.*valid' have no classes"):
        open_dataset(train)


@pytest.mark.parametrize(
    ("splits", "says"),
    [(["test"], "the given splits are 20 test"), (["valid", "test"], "the given splits are 10 test, 10 valid")],
)
def test_given_splits_that_leave_nothing_to_train_on(images: Path, splits: list[str], says: str) -> None:
    files = sorted(images.rglob("*.png"))
    rows = [f"{f.relative_to(images)},{f.parent.name},{splits[i % len(splits)]}" for i, f in enumerate(files)]
    (images / "labels.csv").write_text("\n".join(["path,label,split", *rows]))
    assert f"No image is left to train on: {says}." in fail(images, "-o", images / "run")


def test_a_class_that_is_only_validated_is_named(images: Path) -> None:
    files = sorted(images.rglob("*.png"))
    rows = [f"{f.relative_to(images)},{'bar' if i == 3 else f.parent.name},{'valid' if i in (3, 4, 15) else 'train'}"
            for i, f in enumerate(files)]  # fmt: skip
    (images / "labels.csv").write_text("\n".join(["path,label,split", *rows]))
    labeled = gather_labeled(FinetuneConfig(dataset=[str(images)]))
    assert "No image of 'bar' is in the training split, so the model cannot learn this class." in labeled.warnings
