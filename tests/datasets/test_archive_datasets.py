"""Labelled images in archives and stacks, and in files for each band: the same as in a folder."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from support.helpers import write_fits
from support.training_helpers import narrow_resnet, run_command, run_failing

from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.splits.by_position import find_leak_groups, split_items
from galaxtool.datasets.splits.duplicates import find_identical_files
from galaxtool.datasets.splits.positions import add_header_positions
from galaxtool.errors import ConfigError, GalaxtoolError, InputError, TableError, UnreadableImage
from galaxtool.images.read_options import ReadOptions
from galaxtool.testing.dataset import check_dataset
from galaxtool.types import ImageRef, Item

ARCHIVES = ("set.tar", "set.tar.gz", "set.zip")


def picture(seed: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def pictures(*names: str) -> dict[str, bytes]:
    return {name: picture(seed) for seed, name in enumerate(names)}


def archive(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as zipped:
            for name, content in files.items():
                zipped.writestr(name, content)
        return path
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return path


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def told(dataset: Dataset) -> list[tuple]:
    return [(item.id, item.label, item.split) for item in dataset.items]


def same(one: Dataset, other: Dataset) -> None:
    """Assert that two data sets hold the same, in any order."""
    places = {item.id: i for i, item in enumerate(other.items)}
    assert sorted(told(one), key=str) == sorted(told(other), key=str)
    for i, item in enumerate(one.items):
        twin = other.items[places[item.id]]
        assert (item.ra, item.dec, item.columns) == (twin.ra, twin.dec, twin.columns)
        assert np.array_equal(one.cutout(i).data, other.cutout(places[item.id]).data)


LABELS = b"""objid,path,label,split,ra,dec,odd
7,images/1.png,spiral,train,1,2,0
8,./images/2.png,merger,val,,,1
9,3.png,,,3,4,
"""
FORMS = {
    "classes": pictures("FRI/b.png", "FRI/deep/a.png", "bent/b.png", "bent/c.png"),
    "splits": pictures("train/x/1.png", "validation/x/1.png", "Test/y/2.png", "train/y/3.png"),
    "table": {"labels.csv": LABELS, **pictures("images/1.png", "images/2.png", "3.png")},
    "split tables": {
        "train/labels.csv": b"path,label\na/1.png,u\n2.png,v\n", "test/labels.csv": b"file,class\n2.png,v\n",
        **pictures("train/a/1.png", "train/2.png", "test/2.png"),
    },
}  # fmt: skip


@pytest.mark.parametrize("top", ["", "survey/", "./", "./survey/v1/"])
@pytest.mark.parametrize("form", FORMS)
def test_an_archive_is_what_its_folder_would_be(tmp_path: Path, form: str, top: str) -> None:
    plain = open_dataset(folder(tmp_path / "set", FORMS[form]))
    files = {top + name: content for name, content in FORMS[form].items()}
    for name in ARCHIVES:
        path = archive(tmp_path / name, files)
        dataset = open_dataset(path)
        assert isinstance(dataset, Dataset) and dataset.name == "set"
        same(dataset, plain)
        for i, item in enumerate(dataset.items):
            assert str(item.ref) == dataset.cutout(i).source and str(item.ref).startswith(f"{path}[")
    check_dataset(str(path))


def test_order_is_that_of_the_archive(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", pictures("b/1.png", "a/1.png", "b/0.png"))
    assert told(open_dataset(path)) == [("b/1", "b", ""), ("a/1", "a", ""), ("b/0", "b", "")]


def test_what_is_passed_over(tmp_path: Path) -> None:
    files = pictures("s/a/1.png", "s/b/1.png", "s/loose.png", "s/.hidden/2.png", "__MACOSX/s/a/._1.png")
    path = archive(tmp_path / "a.zip", {**files, "s/readme.txt": b"x"})
    dataset = open_dataset(path)
    assert told(dataset) == [("a/1", "a", ""), ("b/1", "b", "")]
    assert dataset.skipped == {"not an image suffix": 1, "image outside the class folders": 1}  # type: ignore[attr-defined]
    assert told(open_dataset(path, needs_labels=False)) == [("a/1", "a", ""), ("b/1", "b", ""), ("loose", None, "")]
    one_class = archive(tmp_path / "b.zip", pictures("a/1.png", "a/2.png"))
    assert told(open_dataset(one_class)) == [("a/1", "a", ""), ("a/2", "a", "")]


def test_names_that_come_twice_and_lead_elsewhere(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as packed:
        for seed, name in enumerate(["a/1.png", "a/1.png", "b/../b/2.png", "../../c/3.png"]):
            info = tarfile.TarInfo(name)
            info.size = len(picture(seed))
            packed.addfile(info, io.BytesIO(picture(seed)))
    dataset = open_dataset(tmp_path / "a.tar")
    assert told(dataset) == [("a/1", "a", ""), ("a/1-2", "a", ""), ("b/2", "b", ""), ("../../c/3", "..", "")]
    read = [dataset.cutout(i).data for i in range(4)]
    assert not np.array_equal(read[0], read[1])


def test_rows_that_name_no_member(tmp_path: Path) -> None:
    table = b"path,label,odd\n1.png,a,0\nabsent.png,b,1\nx/../2.png,b,2\n,b,3\n"
    path = archive(tmp_path / "a.tar", {"s/labels.csv": table, **pictures("s/1.png", "s/2.png")})
    with pytest.raises(InputError, match=r"names 2 files that do not exist, of 4; the first is '.*absent\.png'"):
        open_dataset(path)
    chosen = open_dataset(path, where="odd in (0, 2)")
    assert told(chosen) == [("1", "a", ""), ("x/../2", "b", "")] and chosen.cutout(1).data.shape == (3, 8, 9)


@pytest.mark.parametrize(
    ("files", "options", "error", "says"),
    [
        ({"notes.txt": b"x"}, {}, InputError, "no image in '.*'; 1 file was skipped"),
        (pictures("1.png", "2.png"), {}, InputError, "The 2 images in .* have no classes"),
        (pictures("train/a/1.png", "b/1.png"), {}, InputError, "the split 'train' next to the folder of images 'b'"),
        (
            pictures("a/1.png", "b/1.png"),
            {"label_column": "kind"},
            ConfigError,
            "'kind' was given, but .* no labels.csv",
        ),
        (
            {"labels.csv": b"path,odd\n1.png,2\n", **pictures("1.png")},
            {},
            TableError,
            r"set\.\w+\[labels\.csv\]' has no col",
        ),
        ({"labels.csv": b"", **pictures("1.png")}, {}, TableError, r"set\.\w+\[labels\.csv\]"),
        (pictures("a/1.png"), {"pattern": "{id}_{band}.png"}, ConfigError, "which is not a folder"),
        (pictures("a/1.png"), {"colour": "red"}, ConfigError, "no option --colour"),
    ],
    ids=str,
)
def test_archives_that_are_no_data_set(
    tmp_path: Path, files: dict[str, bytes], options: dict[str, Any], error: type[GalaxtoolError], says: str
) -> None:
    for name in ("set.tar", "set.zip"):
        with pytest.raises(error, match=says):
            open_dataset(archive(tmp_path / name, files), **options)


def test_a_damaged_archive_is_not_trained_on(tmp_path: Path) -> None:
    files = {f"{kind}/{i}.png": picture(i) for i in range(8) for kind in "ab"}
    for name in ARCHIVES:
        whole = archive(tmp_path / name, files).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match="damaged or cut short") as caught:
            open_dataset(tmp_path / name)
        assert "unpack" in caught.value.hint
    (tmp_path / "no.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(InputError, match="not a tar archive"):
        open_dataset(tmp_path / "no.tar")


def test_one_damaged_member_is_found_when_it_is_read(tmp_path: Path) -> None:
    dataset = open_dataset(
        archive(tmp_path / "a.zip", {**pictures("a/1.png"), "a/2.png": b"\x89PNG\r\n\x1a\n", "b/3.png": b""})
    )
    assert len(dataset.items) == 3
    for i in (1, 2):
        with pytest.raises(UnreadableImage, match=r"a\.zip\[[ab]/[23]\.png\]"):
            dataset.cutout(i)


# --- no object on both sides ------------------------------------------------------------------------------------------


def test_copies_and_positions_within_archives(tmp_path: Path) -> None:
    near = [
        write_fits(tmp_path / f"{i}.fits", i, ra=ra, dec=5.0).read_bytes() for i, ra in enumerate((10.0, 10.001, 50.0))
    ]
    files = {**pictures("a/0.png", "b/1.png"), "b/copy.png": picture(0), "a/near.fits": near[0], "b/near.fits": near[1]}
    for name in ("set.tar", "set.zip"):
        dataset = open_dataset(archive(tmp_path / name, {**files, "a/far.fits": near[2]}))
        outside = folder(tmp_path / "plain", {"again.png": picture(1)})
        items = [*dataset.items, Item(id="outside", ref=ImageRef(outside / "again.png"))]
        groups = find_leak_groups(items)
        ids = [item.id for item in items]
        assert ids == ["a/0", "b/1", "b/copy", "a/near", "b/near", "a/far", "outside"]
        assert groups[0] == groups[2] and groups[3] == groups[4] and groups[1] == groups[6] and len(set(groups)) == 4
        assert sorted(find_identical_files([item.ref for item in items])) == [(0, 2), (1, 6)]
        assert [item.ra for item in add_header_positions(items)][3:6] == pytest.approx([10.0, 10.001, 50.0])


def test_splits_of_an_archive_are_drawn_as_of_its_folder(tmp_path: Path) -> None:
    files = {f"{kind}/{i:02}.png": picture(100 * i + ord(kind)) for kind in "ab" for i in range(20)}
    sets = [open_dataset(folder(tmp_path / "set", files)), open_dataset(archive(tmp_path / "set.tar", files))]
    one, other = (split_items(s.items, [item.label for item in s.items], seed=3) for s in sets)
    assert one.tolist() == other.tolist()


# --- stacks -----------------------------------------------------------------------------------------------------------


def stack(path: Path, n: int = 12, **columns: Any) -> np.ndarray:
    images = np.random.default_rng(0).integers(0, 255, (n, 10, 10, 3), dtype=np.uint8)
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["images"] = images
            for name, values in columns.items():
                file[name] = values
    else:
        np.savez(path, images=images, **columns)
    return images


@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
@pytest.mark.parametrize("labels", ["labels", "ans", "label", "Class"])
def test_stacks_with_labels(tmp_path: Path, name: str, labels: str) -> None:
    columns = {
        labels: np.arange(12) % 3,
        "split": np.array([b"train", b"val", b"", b"Test"] * 3),
        "z": np.arange(12) / 8,
    }
    columns["ra"], columns["dec"] = np.arange(12.0), np.full(12, -5.0)
    images = stack(tmp_path / name, **columns)
    dataset = open_dataset(tmp_path / name)
    assert dataset.name == "a"
    assert told(dataset)[:4] == [
        ("images/0", "0", "train"), ("images/1", "1", "valid"), ("images/2", "2", ""), ("images/3", "0", "test"),
    ]  # fmt: skip
    assert dataset.items[5].columns == {"z": 0.625} and dataset.items[5].ra == 5.0 and dataset.items[5].ref is None
    for i in (0, 11, 4):
        assert np.array_equal(np.moveaxis(dataset.cutout(i).data[:, ::-1], 0, -1), images[i])
    assert told(open_dataset(tmp_path / name, where="z > 1.3")) == [("images/11", "2", "test")]
    check_dataset(str(tmp_path / name))


def test_labels_of_stacks(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    stack(
        path,
        6,
        id=[f"J{i}" for i in range(6)],
        kind=[b"spiral", b"merger", b"", b" round ", b"x", b"y"],
        flag=np.arange(6.0),
    )
    with pytest.raises(InputError, match=r"a\.h5' has no labels") as caught:
        open_dataset(path)
    assert "--label-column" in caught.value.hint and "kind" in caught.value.hint
    dataset = open_dataset(path, label_column="kind")
    assert told(dataset)[:4] == [("J0", "spiral", ""), ("J1", "merger", ""), ("J2", None, ""), ("J3", "round", "")]
    assert open_dataset(path, label_column="flag").items[5].label == "5"
    assert [item.label for item in open_dataset(path, needs_labels=False).items] == [None] * 6
    with pytest.raises(ConfigError, match="no array 'kinds' of labels"):
        open_dataset(path, label_column="kinds")
    with pytest.raises(ConfigError, match="which has no paths"):
        open_dataset(path, image_column="x")
    stack(path, 2, labels=np.array([1.5, np.nan]), split=np.array([b"fold1", b"train"]))
    with pytest.raises(TableError, match="has the split 'fold1', which is unknown"):
        open_dataset(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="cut short"):
        open_dataset(path)


# --- options of reading, and a file for each band ---------------------------------------------------------------------


def cubes(path: Path) -> dict[str, bytes]:
    files = {}
    for i in range(4):
        data = np.random.default_rng(i).normal(size=(3, 12, 12)).astype(np.float32)
        stream = io.BytesIO()
        units = [fits.PrimaryHDU(data, fits.Header({"BANDS": "g,r,z"})), fits.ImageHDU(data[0] * 2, name="OTHER")]
        fits.HDUList(units).writeto(stream)
        files[f"{'ab'[i % 2]}/{i}.fits"] = stream.getvalue()
    return files


def test_options_of_reading_reach_the_files(tmp_path: Path) -> None:
    files = cubes(tmp_path)
    for path in (folder(tmp_path / "set", files), archive(tmp_path / "set.tar", files)):
        plain, other = open_dataset(path), open_dataset(path, reading=ReadOptions(hdu="OTHER", pixel_scale=0.5))
        assert plain.cutout(0).data.shape == (3, 12, 12) and other.cutout(0).data.shape == (1, 12, 12)
        assert (
            np.array_equal(other.cutout(1).data[0], plain.cutout(1).data[0] * 2) and other.cutout(0).pixel_scale == 0.5
        )
        chosen = open_dataset(path, reading=ReadOptions(hdu="OTHER"), where="label = 'b'")
        assert chosen.cutout(1).data.shape == (1, 12, 12)
    path = tmp_path / "a.h5"
    images = stack(path, labels=np.arange(12) % 2)
    assert np.array_equal(
        open_dataset(path, reading=ReadOptions(bands=("B", "R"))).cutout(3).data[0, ::-1], images[3, ..., 2]
    )
    columns = {"ans": np.arange(12) % 10, "ra": np.zeros(12), "dec": np.zeros(12)}
    stack(tmp_path / "g.h5", **columns)
    ten = open_dataset(f"galaxy10:{tmp_path}/g.h5", reading=ReadOptions(bands=("G",), pixel_scale=0.2))
    assert ten.cutout(0).bands == ("G",) and ten.cutout(0).pixel_scale == 0.2


def in_bands(path: Path, names: Sequence[str], bands: str = "grz") -> Path:
    for i, name in enumerate(names):
        for k, band in enumerate(bands):
            write_fits(path / f"{name}_{band}.fits", 10 * i + k, size=16)
    return path


def test_a_file_for_each_band_in_class_folders(tmp_path: Path) -> None:
    path = in_bands(tmp_path / "set", ["a/1", "a/2", "b/deep/3"])
    (path / "a" / "notes.txt").write_text("x")
    dataset = open_dataset(path, pattern="{id}_{band}.fits")
    assert told(dataset) == [("a/1", "a", ""), ("a/2", "a", ""), ("b/deep/3", "b", "")] and dataset.name == "set"
    cutout = dataset.cutout(2)
    assert cutout.bands == ("g", "r", "z") and np.array_equal(
        cutout.data[1], fits.getdata(path / "b" / "deep" / "3_r.fits")
    )
    some = open_dataset(path, pattern="{id}_{band}.fits", reading=ReadOptions(bands=("z", "g")))
    assert np.array_equal(some.cutout(2).data, cutout.data[[2, 0]]) and some.cutout(2).bands == ("z", "g")
    (path / "a" / "2_z.fits").unlink()
    with pytest.raises(UnreadableImage, match=r"2_z\.fits"):
        open_dataset(path, pattern="{id}_{band}.fits").cutout(1)
    with pytest.raises(InputError, match=r"is called '\{id\}-\{band\}\.fit'") as caught:
        open_dataset(path, pattern="{id}-{band}.fit")
    assert "1_g.fits" in caught.value.hint
    with pytest.raises(ConfigError, match="has no"):
        open_dataset(path, pattern="{id}.fits")


def test_a_file_for_each_band_with_splits_and_tables(tmp_path: Path) -> None:
    path = in_bands(tmp_path / "split", ["train/a/1", "train/b/2", "valid/a/3"])
    assert told(open_dataset(path, pattern="{id}_{band}.fits")) == [
        ("train/a/1", "a", "train"), ("train/b/2", "b", "train"), ("valid/a/3", "a", "valid"),
    ]  # fmt: skip
    path = in_bands(tmp_path / "named", ["x/1", "x/2", "x/3"])
    (path / "labels.csv").write_text("id,label,ra,dec\nx/2,spiral,1,2\nx/1,merger,,\n")
    dataset = open_dataset(path, pattern="{id}_{band}.fits")
    assert told(dataset) == [("x/2", "spiral", ""), ("x/1", "merger", "")]
    assert dataset.cutout(0).ra == 1.0 and dataset.cutout(0).data.shape == (3, 16, 16)
    (path / "labels.csv").write_text("objid,path,label\n17,x/2,spiral\n18,x/9,merger\n")
    with pytest.raises(InputError, match=r"names 1 files that do not exist, of 2; the first is '.*x/9'"):
        open_dataset(path, pattern="{id}_{band}.fits")
    assert told(open_dataset(path, pattern="{id}_{band}.fits", where="id = '17'")) == [("17", "spiral", "")]


# --- through the command line -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_finetune_trains_on_an_archive(tmp_path: Path) -> None:
    files = {f"set/{kind}/{i}.png": picture(100 * i + ord(kind[0])) for kind in ("ring", "lens") for i in range(8)}
    path = archive(tmp_path / "set.tar.gz", files)
    options = ["--backbone", "small-resnet@none", "--method", "supervised", "--epochs", 1, "--batch-size", 8]
    with narrow_resnet():
        code, _, err = run_command("finetune", path, *options, "-o", tmp_path / "run")
    assert code == 0, err
    written = (tmp_path / "run" / "split.csv").read_text().splitlines()
    assert len(written) == 17 and f"ring/0,{path}[set/ring/0.png],ring," in written[1]


def test_the_command_line_says_what_an_archive_lacks(tmp_path: Path) -> None:
    path = archive(tmp_path / "set.zip", pictures("1.png", "2.png"))
    assert f"The 2 images in '{path}' have no classes" in run_failing("finetune", path, "-o", tmp_path / "run")
