"""Inputs beyond folders of images: archives, stacks, HDUs, lists, members named in catalogues; a million names."""

from __future__ import annotations

import io
import os
import socket
import sys
import tarfile
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from galaxtool import hookimpl
from galaxtool.containers.protocols import Member
from galaxtool.errors import InputError, TableError, UnreadableImage
from galaxtool.inputs import walk
from galaxtool.inputs.gather import Inputs, gather
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.names import make_unique
from galaxtool.inputs.read_item import read_item
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import ContainerSpec
from galaxtool.tables.write import write_table


def fits_bytes(value: float = 1.0) -> bytes:
    stream = io.BytesIO()
    fits.PrimaryHDU(np.full((4, 4), value, dtype=np.float32)).writeto(stream)
    return stream.getvalue()


def write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def tar(path: Path, **members: float) -> Path:
    """Write an archive with a FITS image ``<name>.fits`` of each value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, value in members.items():
            content = fits_bytes(value)
            about = tarfile.TarInfo(f"{name}.fits")
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return path


def mef(path: Path, *values: float, **named: float) -> Path:
    """Write a FITS file with an image of each value behind an empty primary, some with an EXTNAME."""
    units = [fits.ImageHDU(np.full((4, 4), value, dtype=np.float32)) for value in values]
    units += [fits.ImageHDU(np.full((4, 4), v, dtype=np.float32), name=name) for name, v in named.items()]
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(path)
    return path


def value_of(item: InputItem) -> float:
    return float(read_item(item).data.ravel()[0])


def ids(found: Inputs) -> list[str]:
    return [item.id for item in found.items]


def test_archives_and_stacks_in_a_folder_stand_where_their_names_do(tmp_path: Path) -> None:
    write(tmp_path / "a.fits", fits_bytes(1))
    tar(tmp_path / "b" / "two.tar", x=2, y=3)
    np.save(tmp_path / "c.npy", np.arange(2 * 16, dtype=np.float32).reshape(2, 4, 4))
    write(tmp_path / "d.fits", fits_bytes(4))
    found = gather([tmp_path])
    assert ids(found) == ["a", "b/two/x", "b/two/y", "c/0", "c/1", "d"]
    assert [value_of(item) for item in found.items] == [1, 2, 3, 0, 16, 4]
    assert [item.ref.container for item in found.items] == ["", "tar", "tar", "numpy", "numpy", ""]
    assert str(found.items[1].ref) == f"{tmp_path}/b/two.tar[x.fits]"
    assert [member.name for member in walk.walk_images(tmp_path)[0]] == ["a.fits", "d.fits"]  # as data sets see it


def test_members_of_an_archive_named_by_itself_are_called_as_in_a_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("field/g1.fits", fits_bytes(1))
        archive.writestr("notes.txt", "of no use")
    found = gather([tmp_path / "z.zip"])
    assert ids(found) == ["field/g1"] and value_of(found.items[0]) == 1
    assert found.skipped == {"not an image suffix": 1}
    assert ids(gather([f"{tmp_path}/z.zip[field/g1.fits]"])) == ["field/g1"]


def test_images_of_a_stack_go_by_its_identifiers_or_else_by_its_name(tmp_path: Path) -> None:
    images = np.ones((2, 4, 4), dtype=np.float32)
    np.savez(tmp_path / "known.npz", images=images, objid=np.array([7, 8]), ra=[10.0, 20.0], dec=[-1.0, np.nan])
    np.save(tmp_path / "plain.npy", images)
    found = gather([tmp_path / "known.npz", tmp_path / "plain.npy"])
    assert ids(found) == ["7", "8", "plain/0", "plain/1"]
    assert [(item.ra, item.dec) for item in found.items] == [(10.0, -1.0), (None, None), (None, None), (None, None)]


def test_content_decides_what_a_named_file_is(tmp_path: Path) -> None:
    tar(tmp_path / "odd.fits", x=5)
    write(tmp_path / "really.tar", b"no archive at all" * 100)
    found = gather([tmp_path / "odd.fits", tmp_path / "really.tar"])
    assert ids(found) == ["x", "really"] and value_of(found.items[0]) == 5
    assert str(found.items[1].ref) == str(tmp_path / "really.tar")
    with pytest.raises(UnreadableImage, match=r"really\.tar"):
        read_item(found.items[1])
    assert ids(gather([tmp_path])) == ["odd", "really"]  # below a folder an image's suffix is believed until it is read


def test_containers_without_images(tmp_path: Path) -> None:
    tar(tmp_path / "in" / "empty.tar")
    with pytest.raises(InputError, match="There is no image in"):
        gather([tmp_path / "in" / "empty.tar"])
    write(tmp_path / "in" / "a.png")
    found = gather([tmp_path / "in"])
    assert ids(found) == ["a"] and found.skipped == {"archive or stack without images": 1}


class Fragile:
    """A container whose list breaks off, as a plugin might write it."""

    def members(self, path: Path) -> Iterator[Member]:
        yield Member(key="1", name="one", ra=10.0, dec=20.0)
        yield Member(key="\ud800", name="\ud800")
        raise RuntimeError("no such moon")


@pytest.fixture
def fragile() -> Iterator[None]:
    spec = ContainerSpec(name="fragile", factory=f"{__name__}:Fragile", suffixes=(".frg",), magic=(b"FRAGILE",))
    plugins = get_registry().plugins
    plugins.register(SimpleNamespace(register_containers=hookimpl(lambda: [spec])), "fragile")
    yield
    plugins.unregister("fragile")


@pytest.mark.usefixtures("fragile")
def test_what_a_plugin_cannot_list_is_one_row(tmp_path: Path) -> None:
    write(tmp_path / "a.frg", b"FRAGILE")
    write(tmp_path / "b.png")
    found = gather([tmp_path])
    assert [(item.id, item.ref.member) for item in found.items[:3]] == [
        ("a/one", "1"),
        ("a/\ud800", "\ud800"),
        ("a", ""),
    ]
    assert [(item.ra, item.dec) for item in found.items] == [(10.0, 20.0)] + 3 * [(None, None)]
    assert ids(found)[3] == "b" and len(found.digest) == 64


def test_each_hdu(tmp_path: Path) -> None:
    mef(tmp_path / "in.fits", 1, NGC1=2)
    Table({"x": [1]}).write(tmp_path / "table.fits")
    assert ids(gather([tmp_path])) == ["in"]
    found = gather([tmp_path], each_hdu=True)
    assert ids(found) == ["in/1", "in/NGC1"] and [value_of(item) for item in found.items] == [1, 2]
    assert found.skipped == {"FITS table": 1}
    assert ids(gather([tmp_path / "in.fits"], each_hdu=True)) == ["in/1", "NGC1"]


def test_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, here = tmp_path / "lists", tmp_path / "here"
    for path in (folder / "a.fits", here / "a.fits", here / "b.fits", folder / "in" / "c.png", folder / "#d.png"):
        write(path)
    tar(folder / "two.tar", x=1, y=2)
    write(folder / "c.csv", b"path,z\nin/c.png,0.5\n")
    (folder / "empty").mkdir()
    lines = ["# images", "a.fits", "", "b.fits\r", "in", "gone.fits", " two.tar ", "two.tar[y.fits]", "./#d.png"]
    write(folder / "list.txt", b"\xef\xbb\xbf" + "\n".join([*lines, "c.csv", "empty"]).encode())
    monkeypatch.chdir(here)
    found = gather([f"@{folder}/list.txt"])
    assert ids(found) == ["a", "b", "c", "gone", "x", "y", "y-2", "#d", "in/c"]
    assert [item.ref.path for item in found.items[:4]] == [
        folder / "a.fits", Path("b.fits"), folder / "in" / "c.png", folder / "gone.fits",
    ]  # fmt: skip
    assert found.columns is not None and found.columns["z"][-1] == 0.5 and np.all(found.columns["z"].mask[:-1])
    monkeypatch.chdir(folder)
    assert [item.ref.path for item in gather(["@list.txt"]).items[:2]] == [Path("a.fits"), Path("b.fits")]


def test_a_list_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / os.fsdecode(b"latin\xe9.png"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"latin\xe9.png\n")))
    assert ids(gather(["@-"])) == [os.fsdecode(b"latin\xe9")]


def test_a_file_called_like_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "@x.png")
    write(tmp_path / "list.txt", b"@x.png\n")
    monkeypatch.chdir(tmp_path)
    assert ids(gather(["./@x.png"])) == ids(gather(["@x.png"])) == ids(gather(["@list.txt"])) == ["@x"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# nothing\n\n", "names no image"),
        (b"gone.png\nalso.png\n", r"The list .* names only files that do not exist; the first is '.*gone\.png'"),
        (fits_bytes(), "is not a list of paths: line 1 is not UTF-8 text"),
        ("a.png\n".encode("utf-16"), "is not a list of paths: line 1 is not UTF-8 text"),
        (b"a" * 70000, "is not a list of paths"),
    ],
)
def test_lists_that_are_none(tmp_path: Path, content: bytes, message: str) -> None:
    write(tmp_path / "list.txt", content)
    with pytest.raises(InputError, match=message) as caught:
        gather([f"@{tmp_path}/list.txt"])
    assert caught.value.hint


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path / "list.txt")
    with pytest.raises(InputError, match="There is nothing at") as caught:
        gather([f"@{tmp_path}/lits.txt"])
    assert "list.txt" in caught.value.hint
    with pytest.raises(InputError, match="cannot be read"):
        gather([f"@{tmp_path}"])


def test_members_named_in_a_catalogue(tmp_path: Path) -> None:
    tar(tmp_path / "t.tar", x=1, y=2)
    np.save(tmp_path / "s.npy", np.arange(32, dtype=np.float32).reshape(2, 4, 4))
    mef(tmp_path / "m.fits", 5, 6)
    rows = ["t.tar[y.fits]", "t.tar[x.fits]", "s.npy[1]", "m.fits[2]", "t.tar[gone.fits]"]
    write(tmp_path / "c.csv", "\n".join(["path", *rows]).encode())
    found = gather([tmp_path / "c.csv"])
    assert [value_of(item) for item in found.items[:4]] == [2, 1, 16, 6]
    assert [str(item.ref) for item in found.items] == [f"{tmp_path}/{row}" for row in rows]
    with pytest.raises(UnreadableImage, match=r"gone\.fits"):
        read_item(found.items[4])


def test_an_hdu_beside_the_path_in_a_catalogue(tmp_path: Path) -> None:
    mef(tmp_path / "m.fits", 5, 6)
    write(tmp_path / "one.fits", fits_bytes(7))
    table = Table({"path": ["m.fits", "m.fits", "one.fits"], "HDU": MaskedColumn([2.0, 1.0, 0], mask=[0, 0, 1])})
    write_table(table, tmp_path / "c.csv")
    found = gather([tmp_path / "c.csv"])
    assert [value_of(item) for item in found.items] == [6, 5, 7]
    assert ids(found) == ["m[2]", "m[1]", "one"]


def test_catalogues_as_spreadsheets_write_them(tmp_path: Path) -> None:
    write(tmp_path / "c.csv", "\ufeffpath,RA,Dec\r\nä.png,-0.5,0\r\nb.png,360,0\r\nc.png,-1e-20,0\r\n".encode())
    found = gather([tmp_path / "c.csv"])
    assert [(item.ref.path.name, item.ra) for item in found.items] == [("ä.png", 359.5), ("b.png", 0.0), ("c.png", 0.0)]


def test_right_ascension_in_hours(tmp_path: Path) -> None:
    for name, column in {"number": [1.5], "text": ["01:30:00"], "written": ["1.5"]}.items():
        table = Table({"path": ["a.png"], "ra": column, "dec": ["-00:30:00"]}, units={"ra": "h"})
        write_table(table, tmp_path / f"{name}.ecsv")
        item = gather([tmp_path / f"{name}.ecsv"]).items[0]
        assert item.ra == pytest.approx(22.5) and item.dec == pytest.approx(-0.5)
    write_table(Table({"path": ["a.png"], "ra": [[1.0, 2.0]], "dec": [[1.0, 2.0]]}), tmp_path / "two.ecsv")
    assert gather([tmp_path / "two.ecsv"]).items[0].ra is None


def test_a_path_column_for_each_band(tmp_path: Path) -> None:
    for band, value in {"g": 1, "r": 2}.items():
        write(tmp_path / f"1{band}.fits", fits_bytes(value))
    write(tmp_path / "c.csv", b"id,r_path,g_path\na,1r.fits,1g.fits\nb,,1g.fits\n")
    found = gather([tmp_path / "c.csv"], image_column="{band}_path")
    assert found.items[0].ref.bands == (("g", tmp_path / "1g.fits"), ("r", tmp_path / "1r.fits"))
    assert read_item(found.items[0]).data[:, 0, 0].tolist() == [1, 2]
    with pytest.raises(UnreadableImage, match="no path in row 2"):
        read_item(found.items[1])
    assert [b for b, _ in gather([tmp_path / "c.csv"], image_column="{band}_path", bands=["r"]).items[0].ref.bands] == [
        "r"
    ]
    with pytest.raises(TableError, match="z_path"):
        gather([tmp_path / "c.csv"], image_column="{band}_path", bands=["z"])
    with pytest.raises(TableError, match=r"\{band\}_file"):
        gather([tmp_path / "c.csv"], image_column="{band}_file")


def test_items_are_a_sequence(tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path / f"{name}.png")
    write(tmp_path / "c.csv", b"path,z\na.png,1\nb.png,2\n")
    found = gather([tmp_path, tmp_path / "c.csv"])
    items = list(found.items)
    assert len(found.items) == 5 and [item.id for item in items] == ["a", "b", "c", "a-2", "b-2"]
    assert found.items[-1] == items[-1] and found.items[1:4] == items[1:4] and found.items[::-2] == items[::-2]
    assert items[2] in found.items and found.items.index(items[3]) == 3
    assert found.columns is not None and found.columns[3:5]["z"].tolist() == [1, 2]
    for beyond in (5, -6):
        with pytest.raises(IndexError):
            found.items[beyond]


def test_the_digest_is_of_names_places_and_order(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    write(tmp_path / os.fsdecode(b"\xff.png"))
    one = gather([tmp_path])
    assert one.digest == gather([tmp_path]).digest and len(one.digest) == 64
    paths = [item.ref.path for item in one.items]
    assert len({one.digest, gather(paths[::-1]).digest, gather(paths[:1]).digest}) == 3


def test_the_digest_is_of_positions_columns_and_bands_too(tmp_path: Path) -> None:
    for name in ("a_g.png", "a_r.png", "b_r.png"):
        write(tmp_path / name)
    catalogue, digests = tmp_path / "c.csv", []
    tables = [
        "path,ra,dec,z\na_g.png,1,2,0.5",
        "path,ra,dec,z\na_g.png,1,2.5,0.5",
        "path,z\na_g.png,0.5",
        "path,z\na_g.png,0.6",
        "path,z,name\na_g.png,0.6,",
        "path,z,name\na_g.png,0.6,x",
    ]
    for columns in tables:
        catalogue.write_text(columns)
        digests.append(gather([catalogue]).digest)
        assert gather([catalogue]).digest == digests[-1]
    assert len(set(digests)) == len(digests)
    swapped = gather([catalogue], ra_column="z", dec_column="z")
    assert swapped.digest != digests[-1]
    both = gather([tmp_path], pattern="{id}_{band}.png", bands=["g", "r"]).digest
    (tmp_path / "a_r.png").rename(tmp_path / "a_i.png")
    assert gather([tmp_path], pattern="{id}_{band}.png", bands=["g", "i"]).digest != both


NAMES = st.text(st.sampled_from(" -./0aZé\n\udcff"), min_size=1, max_size=6).filter(
    lambda name: not name.startswith(".") and "/" not in name
)


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3), min_size=1, max_size=8))
def test_the_order_is_that_of_the_whole_paths(tmp_path_factory: pytest.TempPathFactory, names: list[list[str]]) -> None:
    root = tmp_path_factory.mktemp("tree")
    for parts in names:
        write(root.joinpath(*(f"{part}." for part in parts[:-1]), f"{parts[-1]}.png"))
    found = gather([root])
    relative = [os.fsencode(item.ref.path.relative_to(root)) for item in found.items]
    assert relative == sorted({os.fsencode("/".join([*(f"{p}." for p in n[:-1]), f"{n[-1]}.png"])) for n in names})
    assert ids(found) == [os.fsdecode(path.removesuffix(b".png")) for path in relative]


def plainly_unique(names: list[str]) -> list[str]:
    """Return what `make_unique` promises, as one would write it without a thought of memory."""
    taken, made = set(names), []
    for row, name in enumerate(names):
        number = 1 + names[:row].count(name)
        if number == 1:
            made.append(name)
            continue
        free = (k for k in range(2, 99) if f"{name}-{k}" not in taken and f"{name}-{k}" not in made)
        made.append(f"{name}-{next(free)}")
    return made


@given(st.lists(st.sampled_from(["a", "a-2", "a-3", "b", "a-2-2", "a-4"]), max_size=12))
def test_names_that_come_twice(names: list[str]) -> None:
    assert make_unique(names) == plainly_unique(names)


def test_names_take_little_memory(tmp_path: Path) -> None:
    for i in range(3000):
        write(tmp_path / f"field_{i % 10}" / f"galaxy_{i:07d}.png", b"")
    gather([tmp_path])
    tracemalloc.start()
    try:
        found = gather([tmp_path])
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.items) == 3000
    assert kept < 100 * 3000 and peak < 250 * 3000  # 18 of each name's bytes are its own


def test_pictures_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.png")
    write(tmp_path / "b.fits", fits_bytes())
    opened: list[object] = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: opened.append(path) or real(path, *rest))
    assert ids(gather([tmp_path])) == ["a", "b"]
    assert [os.fsdecode(path) for path in opened] == [f"{tmp_path}/b.fits"]  # type: ignore[arg-type]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("long", [False, True])
def test_tables_are_told_from_images_as_astropy_tells_them(tmp_path: Path, packed: bool, long: bool) -> None:
    pixels = np.ones((4, 4), dtype=np.float32)
    image, table = fits.ImageHDU(pixels), fits.BinTableHDU(Table({"x": np.arange(9)}))
    ascii_table, compressed = (
        fits.TableHDU.from_columns([fits.Column("x", "A3", array=["a"])]),
        fits.CompImageHDU(pixels),
    )
    empty = fits.ImageHDU()
    kinds = {
        "image": [image], "table": [table], "ascii": [ascii_table], "table_image": [table, image],
        "packed": [compressed], "table_packed": [table, compressed], "empty": [empty], "none": [],
        "empty_table": [empty, table], "empty_image": [empty, image], "tables": [table, ascii_table],
    }  # fmt: skip
    primary = fits.PrimaryHDU()
    for i in range(1000 if long else 0):  # headers longer than what is read of most files
        primary.header[f"KEY{i}"] = "x" * 60
    for name, units in kinds.items():
        fits.HDUList([primary, *(unit.copy() for unit in units)]).writeto(tmp_path / f"{name}.fits{'.gz' * packed}")
    found = gather([tmp_path])
    assert found.skipped == {"FITS table": 4}
    skipped = {name for name in kinds if name not in {item.id for item in found.items}}
    assert skipped == {"table", "ascii", "empty_table", "tables"}


def test_many_tables_among_many_images(tmp_path: Path) -> None:
    Table({"x": [1]}).write(tmp_path / "t.fits")
    table, image = (tmp_path / "t.fits").read_bytes(), fits_bytes()
    (tmp_path / "t.fits").unlink()
    for i in range(100):
        write(tmp_path / f"{i:03d}.fits", table if i % 10 == 3 else image)
    found = gather([tmp_path])
    assert found.skipped == {"FITS table": 10}
    assert ids(found) == [f"{i:03d}" for i in range(100) if i % 10 != 3]


def test_names_at_the_limit_and_beyond(tmp_path: Path) -> None:
    longest = "é" * 125 + ".png"
    write(tmp_path / longest)
    assert ids(gather([tmp_path])) == [longest[:-4]]
    with pytest.raises(InputError, match="There is nothing at"):
        gather([tmp_path / f"{longest}{longest}"])
    write(tmp_path / "list.txt", f"{longest}\n{longest}{longest}\n".encode())
    assert len(gather([f"@{tmp_path}/list.txt"]).items) == 2


def test_a_socket_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)  # as the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.png")
        found = gather([tmp_path])
    assert ids(found) == ["a"] and found.skipped == {"not a file": 1}


def test_a_deep_tree(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(1200):  # deeper than Python calls go
        folder = folder / "d"
    try:
        folder.mkdir(parents=True)
    except (OSError, RecursionError):
        pytest.skip("no folders that deep here")
    write(folder / "a.png")
    assert len(gather([tmp_path]).items) == 1


def test_globs_of_folders_and_archives(tmp_path: Path) -> None:
    tar(tmp_path / "v" / "t.tar", x=1)
    for name in ("u/a-1.png", "u/a/z.png", "u/.hidden.png", "w.png"):
        write(tmp_path / name)
    assert ids(gather([f"{tmp_path}/*"])) == ["u/a-1", "u/a/z", "v/t/x", "w"]
    assert ids(gather([f"{tmp_path}/*/*"])) == ["u/a-1", "u/a/z", "v/t/x"]
    assert ids(gather([f"{tmp_path}/u/.*.png"])) == [".hidden"]
    assert ids(gather([f"{tmp_path}/**/[a-z].png"])) == ["u/a/z", "w"]
    assert gather([f"{tmp_path}/*.*"]).skipped == Counter()
    with pytest.raises(InputError, match="There is no image in"):
        write(tmp_path / "n.txt")
        gather([f"{tmp_path}/*.txt"])
