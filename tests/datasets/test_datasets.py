"""Labelled sets from folders, tables and names, and splits of them that do not leak."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.helpers import write_fits

from galaxtool.datasets.files import FileDataset
from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.splits.by_position import (
    draw_nested_subset,
    find_leak_groups,
    find_unvalidated_classes,
    split_items,
)
from galaxtool.datasets.splits.duplicates import find_identical_files
from galaxtool.datasets.splits.given import apply_given_split, read_given_split
from galaxtool.datasets.splits.positions import add_header_positions
from galaxtool.datasets.subset import create_items_table
from galaxtool.errors import ConfigError, GalaxtoolError, InputError, TableError, UnreadableImage
from galaxtool.plugins.registry import get_registry
from galaxtool.types import ImageRef, Item


def picture(*paths: Path) -> None:
    """Write pictures, no two alike."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.count = getattr(picture, "count", 0) + 1  # type: ignore[attr-defined]
        pixels = np.random.default_rng(picture.count).integers(0, 255, (8, 9, 3), dtype=np.uint8)  # type: ignore[attr-defined]
        Image.fromarray(pixels).save(path)


def told(dataset: Dataset) -> list[tuple]:
    return [(item.id, item.label, item.split) for item in dataset.items]


def test_class_folders(tmp_path: Path) -> None:
    picture(tmp_path / "FRI" / "b.png", tmp_path / "FRI" / "deep" / "a.png", tmp_path / "bent" / "b.jpg")
    picture(tmp_path / "loose.png", tmp_path / ".cache" / "c.png")
    (tmp_path / "bent" / "notes.txt").write_text("x")
    dataset = open_dataset(tmp_path)
    assert isinstance(dataset, Dataset) and isinstance(dataset, FileDataset)
    assert dataset.name == tmp_path.name
    assert told(dataset) == [("FRI/b", "FRI", ""), ("FRI/deep/a", "FRI", ""), ("bent/b", "bent", "")]
    assert dataset.skipped == {"not an image suffix": 1, "image outside the class folders": 1}
    assert dataset.cutout(0).data.shape == (3, 8, 9)


def test_splits_as_folders(tmp_path: Path) -> None:
    picture(*(tmp_path / name for name in ("train/x/1.png", "validation/x/1.png", "Test/y/2.png")))
    dataset = open_dataset(tmp_path)
    assert told(dataset) == [("Test/y/2", "y", "test"), ("train/x/1", "x", "train"), ("validation/x/1", "x", "valid")]
    picture(tmp_path / "other" / "3.png")
    with pytest.raises(InputError, match="next to the folder of images 'other'"):
        open_dataset(tmp_path)


def test_labels_files(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1.png", tmp_path / "images" / "2.png", tmp_path / "3.png")
    (tmp_path / "labels.csv").write_text(
        "objid,path,label,split,ra,dec,odd\n007,images/1.png,spiral,train,1,2,0\n008,images/2.png,merger,val,,,1\n"
        "009,3.png,,,3,4,\n"
    )
    dataset = open_dataset(tmp_path)
    assert told(dataset) == [("007", "spiral", "train"), ("008", "merger", "valid"), ("009", None, "")]
    assert [(item.ra, item.dec) for item in dataset.items] == [(1.0, 2.0), (None, None), (3.0, 4.0)]
    assert dataset.items[1].columns == {"objid": "008", "odd": 1}
    assert dataset.items[2].columns["odd"] is None
    assert dataset.cutout(0).ra == 1.0 and dataset.cutout(1).ra is None
    assert told(open_dataset(tmp_path / "labels.csv")) == told(dataset)
    assert told(open_dataset(f"catalogue:{tmp_path}/labels.csv")) == told(dataset)
    assert told(open_dataset(f"datasets:folder:{tmp_path}")) == told(dataset)


def test_where_chooses_rows_of_any_data_set(tmp_path: Path) -> None:
    picture(tmp_path / "1.png", tmp_path / "2.png")
    (tmp_path / "labels.csv").write_text("path,label,odd\n1.png,a,0\n2.png,b,1\nabsent.png,b,2\n")
    with pytest.raises(InputError, match=r"1 files that do not exist, of 3.*absent.png"):
        open_dataset(tmp_path)
    chosen = open_dataset(tmp_path, where="odd = 1")
    assert told(chosen) == [("2", "b", "")] and chosen.cutout(0).source.endswith("2.png")
    assert told(open_dataset(tmp_path, where="label in ('a') or id = '2'")) == [("1", "a", ""), ("2", "b", "")]
    with pytest.raises(InputError, match="holds for none"):
        open_dataset(tmp_path, where="odd > 5")
    with pytest.raises(TableError, match="Did you mean 'odd'"):
        open_dataset(tmp_path, where="ood > 5")
    picture(tmp_path / "set" / "x" / "1.png", tmp_path / "set" / "y" / "1.png")
    assert told(open_dataset(tmp_path / "set", where="label = 'y'")) == [("y/1", "y", "")]


def test_zoobot_catalogues(tmp_path: Path) -> None:
    picture(tmp_path / "J1.png")
    (tmp_path / "cat.csv").write_text(f"id_str,file_loc,smooth_fraction,kind\nJ1,{tmp_path}/J1.png,0.7,smooth\n")
    with pytest.raises(TableError, match="smooth_fraction") as caught:
        open_dataset(tmp_path / "cat.csv")
    assert "--label-column" in caught.value.hint
    dataset = open_dataset(tmp_path / "cat.csv", label_column="kind")
    assert told(dataset) == [("J1", "smooth", "")]
    assert dataset.items[0].columns["smooth_fraction"] == 0.7


def test_numbers_as_labels_and_a_split_that_is_none(tmp_path: Path) -> None:
    picture(tmp_path / "1.png")
    (tmp_path / "labels.csv").write_text("path,class\n1.png,3\n")
    assert open_dataset(tmp_path).items[0].label == "3"
    (tmp_path / "labels.csv").write_text("path,class,split\n1.png,3,fold1\n")
    dataset = open_dataset(tmp_path)
    assert dataset.items[0].split == "" and "'fold1', so it is not used for splits" in dataset.notes[0]


def test_the_sample_is_registered() -> None:
    names = {entry.spec.name: entry.spec for entry in get_registry().datasets}
    assert {"sample", "folder", "catalogue"} <= set(names)
    assert names["folder"].needs_path and not names["sample"].needs_path  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("sampel", InputError, "Did you mean 'sample'"),
        ("nowhere/at/all", InputError, "no data set, folder or file called"),
        ("folder", ConfigError, "folder"),
        ("folder:nowhere", InputError, "There is no folder"),
        ("catalogue:nowhere.csv", TableError, "There is no table"),
        ("sample:some/path", ConfigError, "does not read a local file"),
        ("empty", InputError, "no image in"),
        ("loose", InputError, "The 1 images in .* have no classes"),
        ("text.txt", InputError, "has no rows"),
        ("text.xyz", InputError, "is not a folder, a table"),
        ("gone", InputError, "2 files that do not exist"),
    ],
)
def test_names_that_stand_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, error: type[GalaxtoolError], says: str
) -> None:
    (tmp_path / "empty").mkdir()
    picture(tmp_path / "loose" / "a.png")
    (tmp_path / "text.txt").write_text("x")
    (tmp_path / "text.xyz").write_text("x")
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "labels.csv").write_text("path,label\na.png,x\nb.png,y\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says):
        open_dataset(text)


def test_options_that_a_data_set_lacks(tmp_path: Path) -> None:
    picture(tmp_path / "x" / "1.png")
    with pytest.raises(ConfigError, match=r"labels\.csv"):
        open_dataset(tmp_path, label_column="kind")
    with pytest.raises(ConfigError, match="no option --colour"):
        open_dataset(tmp_path, colour="red")


def test_one_damaged_image_is_found_when_it_is_read(tmp_path: Path) -> None:
    picture(tmp_path / "x" / "1.png")
    (tmp_path / "x" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    dataset = open_dataset(tmp_path)
    with pytest.raises(UnreadableImage):
        dataset.cutout(1)


def test_items_as_a_table() -> None:
    items = [Item(id="a", label="x", columns={"v": 1, "w": "1"}), Item(id="b", ra=1.0, dec=2.0, columns={"v": None})]
    table = create_items_table(items)
    assert table.colnames == ["v", "w", "id", "path", "label", "split", "ra", "dec"]
    assert np.ma.asarray(table["v"]).tolist() == [1, None] and np.ma.asarray(table["ra"]).tolist() == [None, 1.0]


@st.composite
def skies(draw: st.DrawFn) -> list[Item]:
    """Items in clumps, around the pole and RA = 0 too."""
    clumps = draw(
        st.lists(st.tuples(st.floats(0, 360), st.floats(-90, 90), st.integers(1, 4)), min_size=1, max_size=12)
    )
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    items = []
    for ra, dec, n in clumps:
        for _ in range(n):
            moved = np.clip(dec + rng.uniform(-0.012, 0.012), -90, 90)
            items.append(Item(id=str(len(items)), label=str(rng.integers(3)), ra=float(ra), dec=float(moved)))
    return [*items, *(Item(id=f"n{i}", label="0") for i in range(draw(st.integers(0, 5))))]


@settings(max_examples=60, deadline=None)
@given(skies(), st.sampled_from([0.0, 0.15, 0.5]), st.integers(0, 5))
def test_no_two_near_each_other_on_both_sides(items: list[Item], fraction: float, seed: int) -> None:
    labels = [item.label for item in items]
    split = split_items(items, labels, valid_fraction=fraction, seed=seed)
    assert set(split) <= {"train", "valid"}
    assert (split == split_items(items, labels, valid_fraction=fraction, seed=seed)).all()
    assert set(np.array(labels)[split == "train"]) == set(labels)
    placed = [i for i, item in enumerate(items) if item.ra is not None]
    sky = SkyCoord([items[i].ra for i in placed], [items[i].dec for i in placed], unit="deg")
    apart = sky[:, None].separation(sky[None, :]) > 60.001 * u.arcsec
    sides = split[placed]
    assert np.all((sides[:, None] == sides[None, :]) | apart)
    for name, n in Counter(labels).items():
        held = np.count_nonzero((np.array(labels) == name) & (split == "valid"))
        assert held <= max(1, round(fraction * n)) and (fraction > 0 or held == 0)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.floats(0.05, 0.6), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_fractions_hold_for_every_class(sizes: list[int], fraction: float, seed: int) -> None:
    labels = [k for k, size in enumerate(sizes) for _ in range(size)]
    items = [Item(id=str(i)) for i in range(len(labels))]
    split = split_items(items, labels, valid_fraction=fraction, seed=seed)
    for k, size in enumerate(sizes):
        held = np.count_nonzero(split[np.array(labels) == k] == "valid")
        assert held == min(size - 1, max(1, round(fraction * size)))


def test_the_seed_decides() -> None:
    items = [Item(id=str(i)) for i in range(100)]
    a, b = (split_items(items, ["x"] * 100, seed=seed) for seed in (0, 1))
    assert np.count_nonzero(a == "valid") == np.count_nonzero(b == "valid") == 15
    assert (a != b).any()


def test_chains_and_copies_belong_together(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", tmp_path / "b.png")
    (tmp_path / "copy.png").write_bytes((tmp_path / "a.png").read_bytes())
    items = [
        Item(id="0", ra=359.995, dec=0.0),
        Item(id="1", ra=0.009, dec=0.0),
        Item(id="2", ra=0.024, dec=0.0),
        Item(id="3", ra=0.1, dec=0.0, ref=ImageRef(tmp_path / "a.png")),
        Item(id="4", ref=ImageRef(tmp_path / "copy.png")),
        Item(id="5", ref=ImageRef(tmp_path / "b.png")),
        Item(id="6", ref=ImageRef(tmp_path / "b.png")),
        Item(id="7", ref=ImageRef(tmp_path / "absent.png")),
    ]
    groups = find_leak_groups(items)
    assert groups[0] == groups[1] == groups[2] and groups[3] == groups[4] and groups[5] == groups[6]
    assert len(set(groups.tolist())) == 4
    assert len(set(find_leak_groups(items[:3], separation_arcsec=10).tolist())) == 3


def test_headers_say_what_is_near(tmp_path: Path) -> None:
    """Two cutouts of one field and one elsewhere: files without any other word on where they are."""
    for i, ra in enumerate((359.998, 0.001, 30.0)):
        write_fits(tmp_path / f"{i}.fits", i, ra=ra, dec=5.0)
    write_fits(tmp_path / "nowhere.FITS", 3)
    (tmp_path / "cut.fits").write_bytes((tmp_path / "0.fits").read_bytes()[:3000])
    picture(tmp_path / "a.png")
    names = ("0.fits", "1.fits", "2.fits", "nowhere.FITS", "cut.fits", "a.png", "absent.fits")
    items = [Item(id=name, ref=ImageRef(tmp_path / name)) for name in names]
    items.append(Item(id="told", ref=ImageRef(tmp_path / "0.fits"), ra=200.0, dec=-5.0))
    placed = add_header_positions(items)
    assert [item.id for item in placed] == [item.id for item in items]
    assert [item.ra for item in placed[:3]] == pytest.approx([359.998, 0.001, 30.0])
    assert [item.dec for item in placed[:3]] == pytest.approx([5.0] * 3)
    assert [item.ra for item in placed[3:]] == [None] * 4 + [200.0]
    groups = find_leak_groups(items[:7])
    assert groups[0] == groups[1] and len(set(groups.tolist())) == 6
    apart = find_leak_groups(items[:7], separation_arcsec=5)
    assert apart[0] != apart[1]


def test_the_header_of_a_large_image_left_in_all_its_cutouts_is_not_believed(tmp_path: Path) -> None:
    items = [Item(id=str(i), ref=ImageRef(write_fits(tmp_path / f"{i}.fits", i, ra=30.0, dec=5.0))) for i in range(5)]
    assert len(set(find_leak_groups(items).tolist())) == 5
    assert len(set(find_leak_groups(items[:4]).tolist())) == 1  # bands of one object, perhaps
    items.append(Item(id="5", ref=ImageRef(write_fits(tmp_path / "5.fits", 5, ra=40.0, dec=5.0))))
    assert len(set(find_leak_groups(items).tolist())) == 2


def test_copies_are_found_though_all_files_are_of_one_size(tmp_path: Path) -> None:
    size = 100_000
    contents = [bytes([i]) * size for i in range(3)]
    middle = bytearray(contents[0])
    middle[size // 2] = 9  # beginning and end are alike
    for name, content in zip("abcde", [*contents, bytes(middle), contents[1]], strict=True):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "tiny").write_bytes(b"x")
    (tmp_path / "tiny2").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "c")
    (tmp_path / "folder").mkdir()
    paths = [tmp_path / name for name in ("a", "b", "c", "d", "e", "tiny", "tiny2", "link", "folder", "absent")]
    paths.append(paths[0])
    assert sorted(find_identical_files([*map(ImageRef, paths), None, None])) == [(0, 10), (1, 4), (2, 7), (5, 6)]


# --- splits from a file ----------------------------------------------------------------------------------------------


def items_below(folder: Path, n: int = 4) -> list[Item]:
    return [Item(id=f"x/{i}", ref=ImageRef(folder / "x" / f"{i}.png"), split="test") for i in range(n)]


@pytest.mark.parametrize(
    "table",
    [
        "id,split\nx/0,train\nx/1,val\nx/2,Testing\nx/3,unused\nx/9,train\n",
        "path,label,split,weight\nx/0.png,a,train,1\nx/1.png,a,valid,2\nx/2.png,b,test,1\nx/3.png,b,unused,1\n",
        "iauname,file_loc,subset\nJ0,HERE/x/0.png,train\nJ1,HERE/x/1.png,validation\nJ2,HERE/x/2.png,test\n"
        "J3,HERE/x/3.png,UNUSED\n",
    ],
    ids=["by id", "by path, elsewhere", "by absolute path"],
)
def test_a_table_gives_the_split(tmp_path: Path, table: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "split.csv"
    path.write_text(table.replace("HERE", str(tmp_path)))
    items = items_below(tmp_path)
    given = apply_given_split(items, read_given_split(path))
    assert [item.split for item in given] == ["train", "valid", "test", "unused"]
    assert [(item.id, item.ref) for item in given] == [(item.id, item.ref) for item in items]
    assert split_items(given, list("aaaa")).tolist() == ["train", "valid", "test", "unused"]


def test_relative_paths_start_beside_the_table_or_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [Item(id=str(i), ref=ImageRef(tmp_path / "data" / f"{i}.png")) for i in range(2)]
    for place, prefix in (("data", ""), ("runs", "data/")):
        (tmp_path / place).mkdir()
        path = tmp_path / place / "split.csv"
        path.write_text(f"id,path,split\nother,{prefix}0.png,valid\nanother,{prefix}1.png,\n")
        monkeypatch.chdir(tmp_path)
        assert [item.split for item in apply_given_split(items, read_given_split(path))] == ["valid", ""]


def test_the_split_of_a_run_with_its_data_sets_in_another_order(tmp_path: Path) -> None:
    def numbered(names: str) -> list[Item]:
        return [
            Item(id=f"{number}:{i}", ref=ImageRef(tmp_path / name / f"{i}.png"))
            for number, name in enumerate(names)
            for i in range(2)
        ]

    for name in "abc":
        (tmp_path / name).mkdir()
        for i in range(2):
            (tmp_path / name / f"{i}.png").touch()
    parts = ["train", "test", "test", "train"]
    rows = "".join(f"{item.id},{item.ref},{part}\n" for item, part in zip(numbered("ab"), parts, strict=True))
    (tmp_path / "split.csv").write_text(f"id,path,split\n{rows}")
    table = read_given_split(tmp_path / "split.csv")
    for names, wanted in (("ab", parts), ("ba", [*parts[2:], *parts[:2]])):
        assert [item.split for item in apply_given_split(numbered(names), table)] == wanted
    with pytest.raises(InputError, match="does not list 2 of the 4 images; the first is '0:0'"):
        apply_given_split(numbered("ca"), table)
    (tmp_path / "a").rename(tmp_path / "moved")
    moved = [replace(item, ref=ImageRef(tmp_path / "moved" / f"{item.id[-1]}.png")) for item in numbered("ab")[:2]]
    assert [item.split for item in apply_given_split([*moved, *numbered("ab")[2:]], table)] == parts


def test_rows_of_one_image_of_which_one_is_unused(tmp_path: Path) -> None:
    path, rows = tmp_path / "split.csv", "id,path,split\na,x.png,train\na-2,x.png,unused\nb,y.png,test\n"
    path.write_text(rows)
    items = [
        Item(id=name, ref=ImageRef(tmp_path / f"{file}.png")) for name, file in (("a", "x"), ("a-2", "x"), ("b", "y"))
    ]
    assert [item.split for item in apply_given_split(items, read_given_split(path))] == ["train", "unused", "test"]
    for bad in (f"{rows}b-2,y.png,train\n", rows.replace("id,", "other,")):
        path.write_text(bad)
        with pytest.raises(TableError, match="puts"):
            read_given_split(path)


def test_validation_is_drawn_where_a_table_gives_none(tmp_path: Path) -> None:
    items = [Item(id=f"{i:03}") for i in range(40)]
    rows = "".join(f"{i:03},{('train', 'test', 'unused', '')[i % 4]}\n" for i in range(40))
    (tmp_path / "split.csv").write_text(f"id,split\n{rows}")
    given = apply_given_split(items, read_given_split(tmp_path / "split.csv"))
    drawn = split_items(given, ["a"] * 40, valid_fraction=0.2)
    assert (drawn[1::4] == "test").all() and (drawn[2::4] == "unused").all()
    assert Counter(drawn.tolist()) == {"train": 16, "valid": 4, "test": 10, "unused": 10}


def test_images_that_a_split_does_not_list(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text("id,split\nx/0,train\nx/2,valid\n")
    with pytest.raises(InputError, match=r"does not list 2 of the 4 images; the first is 'x/1'") as caught:
        apply_given_split(items_below(tmp_path), read_given_split(path))
    assert "unused" in caught.value.hint
    path.write_text("id,split\n17,train\n")
    with pytest.raises(InputError, match=r"Neither ids nor paths of the 4 images") as caught:
        apply_given_split(items_below(tmp_path), read_given_split(path))
    assert "x/0" in caught.value.hint and "17" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,kind\na,train\n", "no column 'split'"),
        ("name_of_it,split\na,train\n", "does not name its images"),
        ("id,split\na,fold1\n", "the split 'fold1'"),
        ("id,split\na,train\nb,test\na,test\n", "puts 'a' into 'train' and into 'test'"),
    ],
)
def test_tables_that_are_no_split(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "split.csv").write_text(text)
    with pytest.raises(TableError, match=says):
        read_given_split(tmp_path / "split.csv")


def test_classes_that_are_never_validated() -> None:
    labels = ["b", "a", "a", "c", "", "d"]
    assert find_unvalidated_classes(labels, ["train", "train", "valid", "train", "train", "test"]) == ["b", "c"]


def test_given_splits_are_respected() -> None:
    items = [Item(id=str(i), split=split) for i, split in enumerate(["train", "valid", "test", "", "train"])]
    assert split_items(items, list("aaaaa")).tolist() == ["train", "valid", "test", "train", "train"]
    half = [Item(id=str(i), split="test" if i % 2 else "train") for i in range(40)]
    drawn = split_items(half, ["a"] * 40, valid_fraction=0.2)
    assert (drawn[1::2] == "test").all() and Counter(drawn[::2].tolist()) == {"train": 16, "valid": 4}


def test_sets_too_small_to_validate_on() -> None:
    assert split_items([Item(id="a"), Item(id="b")], ["x", "y"]).tolist() == ["train", "train"]
    assert split_items([], []).tolist() == []
    crowd = [Item(id=str(i), ra=10.0, dec=i / 3600) for i in range(9)]
    assert set(split_items(crowd, ["x"] * 9)) == {"train"}


def test_numbers_out_of_range() -> None:
    for options in ({"valid_fraction": 1.0}, {"valid_fraction": -0.1}, {"separation_arcsec": -1.0}):
        with pytest.raises(ConfigError):
            split_items([Item(id="a")], ["x"], **options)
    for fraction in (0.0, 1.1):
        with pytest.raises(ConfigError):
            draw_nested_subset(["x"], fraction, 0)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=80), st.integers(0, 9))
def test_subsets_lie_in_one_another(labels: list[str], seed: int) -> None:
    chosen = [set(draw_nested_subset(labels, fraction, seed).tolist()) for fraction in (0.1, 0.3, 0.7, 1.0)]
    assert all(small <= large for small, large in pairwise(chosen))
    assert chosen[-1] == set(range(len(labels)))
    total = Counter(labels)
    for name, n in Counter(labels[i] for i in chosen[1]).items():
        assert n == max(1, round(0.3 * total[name]))
    assert {labels[i] for i in chosen[0]} == set(labels)


@pytest.mark.shared_data
def test_real_sets(shared_data: Path) -> None:
    radio = open_dataset(shared_data / "radio_first_4class")
    assert Counter(item.split for item in radio.items) == {"train": 1758, "valid": 200}
    assert {item.label for item in radio.items} == {"FRI", "FRII", "Compact", "Bent"}
    ten = open_dataset(shared_data / "optical_galaxy10_decals_samples")
    assert len(ten.items) == 50 and ten.items[0].label == "Disturbed Galaxies"
    assert ten.cutout(0).data.shape == (3, 256, 256)
    clean = open_dataset(shared_data / "optical_gz2_5class", where="odd_pool = 0")
    assert len(clean.items) == 1605 - 409 and clean.items[0].id == "100053"
    split = split_items(clean.items, [item.label for item in clean.items])
    assert abs(np.mean(split == "valid") - 0.15) < 0.01


def test_what_has_no_split_goes_with_its_neighbour_that_has_one() -> None:
    places = [("valid", 10.0), ("test", 20.0), ("train", 30.0), ("", 10.001), ("", 20.001), ("", 30.001), ("", 40.0)]
    items = [Item(id=str(i), label="a", split=split, ra=ra, dec=0.0) for i, (split, ra) in enumerate(places)]
    found = split_items(items, ["a"] * len(items))
    assert found.tolist() == ["valid", "test", "train", "valid", "test", "train", "train"]
