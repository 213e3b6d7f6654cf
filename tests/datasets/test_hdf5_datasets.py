"""The papers' data sets as their authors give them: HDF5 stacks and Radio Galaxy Zoo's folders."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image
from support.training_helpers import narrow_resnet, run_command, run_failing

from galaxtool.containers.hdf5 import rows as hdf5_rows
from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.published import hdf5
from galaxtool.datasets.splits.by_position import split_items
from galaxtool.errors import ConfigError, InputError, UnreadableImage
from galaxtool.plugins.registry import get_registry
from galaxtool.testing.dataset import check_dataset

GALAXY10 = [
    "disturbed", "merging", "round_smooth", "in_between_round_smooth", "cigar_shaped_smooth", "barred_spiral",
    "unbarred_tight_spiral", "unbarred_loose_spiral", "edge_on_without_bulge", "edge_on_with_bulge",
]  # fmt: skip
GALAXYMNIST = ["smooth_round", "smooth_cigar", "edge_on_disk", "unbarred_spiral"]


def stack(path: Path, n: int = 20, side: int = 16, *, seed: int = 0, layout: Any = None, **columns: Any) -> np.ndarray:
    """Write a stack of noise in the published layout, and return its images; a column that is None is left out."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 255, (n, side, side, 3), dtype=np.uint8)
    galaxy10 = {
        "ans": (np.arange(n) % 10).astype(np.uint8),
        "ra": rng.uniform(0, 360, n),
        "dec": rng.uniform(-20, 60, n),
        "pxscale": np.full(n, 0.262),
    }
    galaxy10["redshift"] = galaxy10["dec"]
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=columns.pop("images", images), **(layout or {}))
        for name, values in (galaxy10 | columns if "labels" not in columns else columns).items():
            if values is not None:
                file[name] = values
    return images


# --- Galaxy10 DECaLS -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layout", [{}, {"chunks": (1, 16, 16, 3)}, {"chunks": (7, 8, 8, 1), "compression": "gzip"}], ids=repr
)
def test_galaxy10_is_read_as_it_is_published(tmp_path: Path, layout: dict[str, Any]) -> None:
    path = tmp_path / "Galaxy10_DECals.h5"
    images = stack(path, layout=layout)
    dataset = open_dataset(f"galaxy10:{path}")
    assert dataset.name == "galaxy10"
    assert [item.id for item in dataset.items] == [str(i) for i in range(20)]
    assert [item.label for item in dataset.items] == GALAXY10 * 2
    with h5py.File(path) as file:
        for i, item in enumerate(dataset.items):
            assert (item.ra, item.dec) == (file["ra"][i], file["dec"][i]) and item.ref is None and item.split == ""
            assert item.columns == {"redshift": file["redshift"][i], "pxscale": 0.262}
    for i in (0, 6, 7, 19, 3):
        cutout = dataset.cutout(i)
        assert cutout.data.dtype == np.uint8 and cutout.data.flags.c_contiguous
        # what a viewer shows at the top is the last row here
        assert np.array_equal(np.moveaxis(cutout.data, 0, -1)[::-1], images[i])
        assert cutout.bands == ("R", "G", "B") and cutout.unit == "display" and cutout.pixel_scale == 0.262
        assert (cutout.ra, cutout.dec) == (dataset.items[i].ra, dataset.items[i].dec)
        assert cutout.source == f"{path}[{i}]"
    check_dataset(f"galaxy10:{path}")


def test_what_is_not_known_of_an_object_is_none(tmp_path: Path) -> None:
    n = 20
    odd = np.full(n, 10.0)
    ra, dec, scale = odd.copy(), odd.copy(), odd.copy()
    ra[0], dec[1], dec[2], ra[3], scale[4], scale[5] = np.nan, np.nan, -99, 360.0, np.nan, 0.0
    stack(tmp_path / "a.h5", n, ra=ra, dec=dec, pxscale=scale, redshift=None, ans=np.arange(n)[:, None] % 10.0)
    dataset = open_dataset(f"galaxy10:{tmp_path}/a.h5")
    told = [(item.ra, item.dec) for item in dataset.items]
    assert told[:5] == [(None, None)] * 3 + [(0.0, 10.0), (10.0, 10.0)]
    assert [dataset.cutout(i).pixel_scale for i in (3, 4, 5)] == [10.0, None, None]
    assert dataset.items[4].columns == {"pxscale": None} and dataset.items[11].label == "merging"
    stack(tmp_path / "b.h5", ra=None, dec=None, pxscale=None, redshift=None)
    bare = open_dataset(f"galaxy10:{tmp_path}/b.h5")
    assert bare.items[0].columns == {} and bare.items[0].ra is None and bare.cutout(0).ra is None


def test_objects_that_are_in_it_twice_stay_on_one_side(tmp_path: Path) -> None:
    ra = np.repeat(np.arange(30) * 3.0, 2)
    stack(tmp_path / "a.h5", 60, ra=ra, dec=np.zeros(60))
    items = open_dataset(f"galaxy10:{tmp_path}/a.h5").items
    split = split_items(items, [item.label for item in items], valid_fraction=0.4)
    assert (split == "valid").any() and (split[::2] == split[1::2]).all()


def test_rows_are_chosen_by_columns(tmp_path: Path) -> None:
    images = stack(tmp_path / "a.h5", pxscale=np.arange(20.0))
    chosen = open_dataset(f"galaxy10:{tmp_path}/a.h5", where="pxscale > 17 and label != 'edge_on_with_bulge'")
    assert [item.id for item in chosen.items] == ["18"]
    assert np.array_equal(chosen.cutout(0).data[0, ::-1], images[18, :, :, 0])


def test_many_threads_read_the_same_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # blocks of ten images, of which two are kept, so that the threads are in one another's way
    monkeypatch.setattr(hdf5, "_BLOCK_BYTES", 10 * 16 * 16 * 3)
    images = stack(tmp_path / "a.h5", 100, layout={"chunks": (100, 8, 8, 1), "compression": "gzip"})
    dataset = open_dataset(f"galaxy10:{tmp_path}/a.h5")
    order = np.random.default_rng(1).permutation(np.repeat(np.arange(100), 3)).tolist()
    start = threading.Barrier(8)

    def read(part: int) -> list[bool]:
        start.wait()
        return [np.array_equal(np.moveaxis(dataset.cutout(i).data, 0, -1)[::-1], images[i]) for i in order[part::8]]

    with ThreadPoolExecutor(8) as pool:
        assert all(all(same) for same in pool.map(read, range(8)))


def test_reading_in_order_unpacks_each_chunk_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack(tmp_path / "a.h5", 60, layout={"chunks": (25, 8, 8, 1), "compression": "gzip"})
    monkeypatch.setattr(hdf5_rows, "_ASKED_BYTES", 1)  # else several of such small chunks are read at once
    dataset = open_dataset(f"galaxy10:{tmp_path}/a.h5")
    read = hdf5.ImageStack._read
    starts: list[int] = []
    monkeypatch.setattr(hdf5.ImageStack, "_read", lambda self, start: (starts.append(start), read(self, start))[1])
    for index in range(60):
        dataset.cutout(index)
    assert starts == [0, 25, 50]
    starts.clear()
    again = open_dataset(f"galaxy10:{tmp_path}/a.h5")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(again.cutout, range(60)))
    # a thread that is held up may find its chunk gone and read it once more
    assert set(starts) == {0, 25, 50} and len(starts) < 12


def test_a_file_is_opened_without_reading_its_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n = 17736
    path = tmp_path / "a.h5"
    stack(path, 10)
    with h5py.File(path, "a") as file:
        for name in list(file):
            values = None if name == "images" else np.resize(file[name][()], n)
            del file[name]
            if values is not None:
                file[name] = values
        # chunks that were never written take no space
        file.create_dataset("images", (n, 256, 256, 3), np.uint8, chunks=(1, 256, 256, 3), compression="gzip")[0] = 1
    with monkeypatch.context() as patch:
        patch.setattr(hdf5.ImageStack, "_read", lambda self, start: pytest.fail("an image was read"))
        assert len(open_dataset(f"galaxy10:{path}").items) == n


# --- GalaxyMNIST -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("train.hdf5", "test.hdf5"), ("train_dataset.hdf5", "test_dataset.hdf5")])
@pytest.mark.parametrize("place", ["", "raw", "GalaxyMNIST/raw"])
def test_galaxymnist_in_a_folder_brings_its_splits(tmp_path: Path, names: tuple[str, str], place: str) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True, exist_ok=True)
    images = [stack(folder / name, 8, seed=i, labels=np.arange(8) % 4) for i, name in enumerate(names)]
    (folder / "train_notes.txt").write_text("x")
    dataset = open_dataset(f"galaxymnist:{tmp_path}")
    assert dataset.name == "galaxymnist"
    assert Counter((item.split, item.label) for item in dataset.items) == {
        (split, label): 2 for split in ("train", "test") for label in GALAXYMNIST
    }
    for i, item in enumerate(dataset.items):
        split, row = item.id.split("/")
        assert split == item.split
        shown = np.moveaxis(dataset.cutout(i).data, 0, -1)[::-1]
        assert np.array_equal(shown, images[split == "test"][int(row)])
    assert dataset.cutout(0).pixel_scale is None
    check_dataset(f"galaxymnist:{tmp_path}")


def test_galaxymnist_of_one_file_and_with_channels_first(tmp_path: Path) -> None:
    images = stack(tmp_path / "a.h5", 8, labels=np.arange(8) % 4)
    stack(tmp_path / "b.h5", 8, labels=np.arange(8) % 4, images=np.moveaxis(images, -1, 1))
    last, first = (open_dataset(f"galaxymnist:{tmp_path}/{name}.h5") for name in "ab")
    assert [(item.id, item.split) for item in last.items] == [(str(i), "") for i in range(8)]
    for i in range(8):
        assert np.array_equal(first.cutout(i).data, last.cutout(i).data)
    assert np.array_equal(np.moveaxis(first.cutout(3).data, 0, -1)[::-1], images[3])


def test_folders_without_galaxymnist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no train\.hdf5 or test\.hdf5") as caught:
        open_dataset(f"galaxymnist:{tmp_path}")
    assert "folder" in caught.value.hint
    (tmp_path / "train_dataset.hdf5.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(InputError) as caught:
        open_dataset(f"galaxymnist:{tmp_path}")
    assert f"gunzip {tmp_path}/train_dataset.hdf5.gz" in caught.value.hint
    for name in ("train.hdf5", "train_dataset.h5"):
        stack(tmp_path / name, 4, labels=np.arange(4))
    with pytest.raises(InputError, match=r"two files of the split 'train'.*train\.hdf5.*train_dataset\.h5"):
        open_dataset(f"galaxymnist:{tmp_path}")


# --- Radio Galaxy Zoo ------------------------------------------------------------------------------------------------


def test_names_of_radio_galaxy_zoo(tmp_path: Path) -> None:
    names = {
        "train/1C_1P": "1c_1p", "train/1c-2p": "1c_2p", "train/1_3": "1c_3p", "test/2C2P": "2c_2p",
        "valid/2C 3P": "2c_3p", "test/3 components, 3 peaks": "3c_3p",
    }  # fmt: skip
    for i, name in enumerate(names):
        (tmp_path / name).mkdir(parents=True)
        Image.fromarray(np.full((6, 6), i, np.uint8)).save(tmp_path / name / "a.png")
    dataset = open_dataset(f"rgz:{tmp_path}")
    assert dataset.name == "rgz"
    assert {item.id.removesuffix("/a"): item.label for item in dataset.items} == names
    assert {item.split for item in dataset.items} == {"train", "valid", "test"}
    assert all(item.ref is not None and item.ref.path.is_file() for item in dataset.items)
    check_dataset(f"rgz:{tmp_path}")


def test_a_class_that_radio_galaxy_zoo_has_not(tmp_path: Path) -> None:
    for name in ("1C_1P", "3C_1P", "1C_2Q"):
        (tmp_path / name).mkdir()
        for i in range(2):
            Image.fromarray(np.full((6, 6), i, np.uint8)).save(tmp_path / name / f"{i}.png")
    with pytest.raises(
        InputError, match=r"2 labels are not in the taxonomy 'rgz': '1C_2Q' \(2 images.*'3C_1P'"
    ) as caught:
        open_dataset(f"rgz:{tmp_path}")
    assert "2c_3p" in caught.value.hint


# --- what can be wrong with a file -----------------------------------------------------------------------------------


def test_files_that_are_no_such_data(tmp_path: Path) -> None:
    whole = tmp_path / "whole.h5"
    stack(whole, 200)
    content = whole.read_bytes()
    (tmp_path / "cut.h5").write_bytes(content[: len(content) // 2])
    (tmp_path / "page.h5").write_text("<html>404</html>")
    (tmp_path / "empty.h5").write_bytes(b"")
    (tmp_path / "packed.h5").write_bytes(b"\x1f\x8b\x08rest")
    stack(tmp_path / "sdss.h5", 10, 69)
    stack(tmp_path / "mnist.h5", 8, labels=np.arange(8) % 4)
    stack(tmp_path / "gray.h5", 8, images=np.zeros((8, 5, 5, 1), np.uint8))
    stack(tmp_path / "float.h5", 8, images=np.zeros((8, 5, 5, 3)))
    stack(tmp_path / "short.h5", 8, ra=np.zeros(7))
    stack(tmp_path / "text.h5", 8, ans=["a"] * 8)
    stack(tmp_path / "eleven.h5", 8, ans=np.arange(8) + 4)
    stack(tmp_path / "scalar.h5", images=3)
    stack(tmp_path / "none.h5", 0)
    for name, says in {
        "absent": "There is no file",
        "cut": rf"cut short: it has {len(content) // 2:,} of {len(content):,} bytes",
        "page": "not an HDF5 file",
        "empty": "is an empty file",
        "packed": "compressed by gzip",
        "sdss": "this is Galaxy10 SDSS, which has other classes",
        "mnist": r"has no 'ans'; it has 'images' \(8 x 16 x 16 x 3\), 'labels' \(8 values\)",
        "gray": r"has the shape 8 x 5 x 5 x 1, which is not that of colour images",
        "float": "has the type float64, not uint8",
        "short": "has 8 images, but 'ra' has 7 values",
        "text": "'ans' in .* which is not numeric",
        "eleven": "'ans' in .* is 10 for image 6, which is not a class",
        "scalar": "has 0 images, but 'ans' has 20 values",
        "none": "has no images",
    }.items():
        with pytest.raises(InputError, match=says):
            open_dataset(f"galaxy10:{tmp_path}/{name}.h5")
    with pytest.raises(InputError, match="is a folder"):
        open_dataset(f"galaxy10:{tmp_path}")
    with pytest.raises(InputError, match="has no 'images' and no 'labels'; it has nothing"):
        h5py.File(tmp_path / "bare.h5", "w").close()
        open_dataset(f"galaxymnist:{tmp_path}/bare.h5")


def test_a_home_folder_behind_the_colon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack(tmp_path / "a.h5")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert len(open_dataset("galaxy10:~/a.h5").items) == 20


def test_damaged_images_are_found_when_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    images = stack(path, layout={"chunks": (5, 16, 16, 3), "compression": "gzip"})
    with h5py.File(path) as file:
        place = file["images"].id.get_chunk_info(1)
    assert place.chunk_offset[0] == 5
    content = bytearray(path.read_bytes())
    content[place.byte_offset + 20 : place.byte_offset + 60] = bytes(40)
    path.write_bytes(content)
    dataset = open_dataset(f"galaxy10:{path}")
    for i in range(20):
        if 5 <= i < 10:
            with pytest.raises(UnreadableImage, match=rf"Image {i} of '.*a\.h5' cannot be read"):
                dataset.cutout(i)
        else:
            assert np.array_equal(dataset.cutout(i).data[1, ::-1], images[i, :, :, 1])


def test_a_file_that_goes_away_is_an_unreadable_image(tmp_path: Path) -> None:
    stack(tmp_path / "a.h5")
    dataset = open_dataset(f"galaxy10:{tmp_path}/a.h5")
    (tmp_path / "a.h5").unlink()
    with pytest.raises(UnreadableImage, match="There is no file"):
        dataset.cutout(0)


def test_the_command_line_says_what_is_there(tmp_path: Path) -> None:
    stack(tmp_path / "a.h5", ans=None)
    told = run_failing("finetune", f"galaxy10:{tmp_path}/a.h5", "-o", tmp_path / "run")
    assert "has no 'ans'; it has 'dec' (20 values), 'images' (20 x 16 x 16 x 3)" in told
    assert "gunzip" not in told and "images, ans" in told


@pytest.mark.slow
def test_finetune_trains_on_the_file(tmp_path: Path) -> None:
    stack(tmp_path / "a.h5", 60, layout={"compression": "gzip"})
    options = ["--backbone", "small-resnet@none", "--method", "supervised", "--epochs", 1, "--batch-size", 16]
    with narrow_resnet():
        code, _, err = run_command("finetune", f"galaxy10:{tmp_path}/a.h5", *options, "-o", tmp_path / "run")
    assert code == 0, err
    written = (tmp_path / "run" / "split.csv").read_text().splitlines()
    assert len(written) == 61 and written[1].startswith("0,,disturbed,")
    record = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert [item["slug"] for item in record["taxonomy"]["classes"]] == GALAXY10
    assert any("Leung" in citation["text"] for citation in record["citations"])


@pytest.mark.parametrize("name", ["galaxy10", "galaxymnist", "rgz"])
def test_specs_cite_what_the_taxonomy_cites_first(name: str) -> None:
    registry = get_registry()
    spec = registry.datasets.find(name).spec
    registered = registry.taxonomies.find(name)
    assert spec.citation == registered.create(registered.spec).citations[0]
    assert spec.taxonomy == name and spec.needs_path and spec.licence  # type: ignore[attr-defined]


def test_a_folder_with_the_name_of_a_data_set_is_mentioned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for there in (False, True):
        with pytest.raises(ConfigError) as caught:
            open_dataset("rgz")
        assert "rgz:PATH" in caught.value.hint and ("./rgz" in caught.value.hint) == there
        (tmp_path / "rgz").mkdir(exist_ok=True)
