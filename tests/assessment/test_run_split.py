"""The splits of a training are found for its own images, and for no others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.helpers import write_png

from galaxtool.assessment.run_split import read_run_split
from galaxtool.datasets.open import open_dataset
from galaxtool.models.find import ModelFiles

SPLITS = {"ring/a": "train", "ring/b": "test", "disc/c": "train"}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for seed, name in enumerate(SPLITS):
        write_png(tmp_path / "here" / f"{name}.png", seed)
    return tmp_path / "here"


def write_run(folder: Path, images: Path, prefix: str = "") -> ModelFiles:
    (folder / "model").mkdir(parents=True, exist_ok=True)
    rows = [f"{prefix}{name},{images / name}.png,x,{split},1.0" for name, split in SPLITS.items()]
    (folder / "split.csv").write_text("id,path,label,split,weight\n" + "\n".join(rows) + "\n")
    return ModelFiles("run", folder / "model", None)


def find_splits(files: ModelFiles, images: Path) -> tuple[dict[str, str], str] | None:
    dataset = open_dataset(str(images))
    found = read_run_split(files, dataset, str(images))
    return found and (dict(zip([item.id for item in dataset.items], found.splits, strict=True)), found.note)


@pytest.mark.parametrize("prefix", ["", "0:"])  # a training of several data sets numbers them
def test_images_are_recognized_by_their_files(prefix: str, images: Path, tmp_path: Path) -> None:
    files = write_run(tmp_path / "run", images, prefix)
    assert find_splits(files, images) == (SPLITS, "")
    write_png(images / "ring" / "new.png", 9)
    assert find_splits(files, images) == ({**SPLITS, "ring/new": ""}, "")


@pytest.mark.parametrize("prefix", ["", "1:"])
def test_copies_are_recognized_and_other_images_with_their_names_are_not(
    prefix: str, images: Path, tmp_path: Path
) -> None:
    files = write_run(tmp_path / "run", images, prefix)
    shutil.copytree(images, tmp_path / "copy")
    assert find_splits(files, tmp_path / "copy") == (SPLITS, "")
    for seed, name in enumerate(SPLITS):
        write_png(tmp_path / "other" / f"{name}.png", 50 + seed)
    assert find_splits(files, tmp_path / "other") is None


def test_moved_images_are_recognized_by_their_names_and_this_is_told(images: Path, tmp_path: Path) -> None:
    files = write_run(tmp_path / "run", images)
    images.rename(tmp_path / "moved")
    found = find_splits(files, tmp_path / "moved")
    assert found is not None and found[0] == SPLITS
    assert found[1].startswith("3 of the 3 images have the names of images of this run")


def write_stack(path: Path, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    np.savez(path, images=rng.integers(0, 255, (6, 8, 8, 3), dtype=np.uint8), labels=np.array(["ring", "disc"] * 3))
    return path


def test_images_of_another_stack_with_the_same_numbers_are_others(tmp_path: Path) -> None:
    first, second = write_stack(tmp_path / "a.npz", 0), write_stack(tmp_path / "b.npz", 1)
    (tmp_path / "run" / "model").mkdir(parents=True)
    files = ModelFiles("run", tmp_path / "run" / "model", None)
    splits = ["train", "test", "train"] * 2, ["valid"] * 6
    rows = [f"{n}:images/{k},,x,{split},1.0" for n, own in enumerate(splits) for k, split in enumerate(own)]
    (tmp_path / "run" / "split.csv").write_text("\n".join(["id,path,label,split,weight", *rows]) + "\n")
    config = {"dataset": {"value": [str(first), f"stack:{second}"]}}
    manifest = {"schema": 1, "command": "finetune", "argv": [], "config": config, "status": "done", "outputs": {}}
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest))

    def find(path: Path) -> tuple[list[str], str] | None:
        found = find_splits(files, path)
        return found and (list(found[0].values()), found[1])

    assert (find(first), find(second)) == ((splits[0], ""), (splits[1], ""))
    shutil.copy(first, tmp_path / "copy.npz")
    assert find(tmp_path / "copy.npz") == (splits[0], "")
    assert find(write_stack(tmp_path / "c.npz", 2)) is None
    (tmp_path / "moved").mkdir()
    moved = find(first.rename(tmp_path / "moved" / "a.npz"))
    assert moved is not None and moved[0] == splits[0]
    assert moved[1].startswith("6 of the 6 images have the names of images of this run")
