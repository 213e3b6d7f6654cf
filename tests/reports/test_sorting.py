"""Images sorted into folders: links or copies, unique names, the same again when done again, nothing else touched."""

from __future__ import annotations

import csv
import errno
import os
import shutil
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxtool.errors import ConfigError, GalaxtoolError, OutputExists
from galaxtool.inference.predictions.table import make_prediction_table
from galaxtool.inputs.items import InputItem
from galaxtool.reports.sorting import make_safe_name, sort_into
from galaxtool.types import ImageRef

CLASSES = ["fri", "frii"]


def image(path: Path, value: float = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.writeto(path, np.full((4, 4), value, dtype=np.float32), overwrite=True)
    return path


def table(rows: list[tuple[str | Path, int | None]]) -> Table:
    """Return a prediction table of images and the numbers of their classes, None where one cannot be read."""
    probabilities = np.array([[np.nan] * 2 if k is None else np.eye(2)[k] for _, k in rows]).reshape(-1, 2)
    items = [InputItem(f"id{n}", ImageRef(Path(path))) for n, (path, _) in enumerate(rows)]
    return make_prediction_table(
        items, CLASSES, probabilities, errors=["" if k is not None else "cut short" for _, k in rows]
    )


def tree(folder: Path) -> dict[str, str]:
    """Return every file below a folder, and where it leads if it is a link."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file())
    return {str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else "" for path in files}


@pytest.fixture
def rows(tmp_path: Path) -> Table:
    names = ["a/1.fits", "b/1.fits", "b/2.fits", "c.fits.gz"]
    paths = [image(tmp_path / "in" / name, n) for n, name in enumerate(names)]
    return table([*zip(paths, [0, 0, 1, 1], strict=True), (tmp_path / "in" / "bad.fits", None)])


def test_links_lead_to_the_images(tmp_path: Path, rows: Table) -> None:
    out = tmp_path / "out"
    assert sort_into(out, [rows[:2], rows[2:]]) == {"_unreadable": 1, "fri": 2, "frii": 2}
    assert tree(out) == {
        "_unreadable/list.csv": "",
        "fri/1.fits": "../../in/a/1.fits",
        "fri/1-2.fits": "../../in/b/1.fits",
        "frii/2.fits": "../../in/b/2.fits",
        "frii/c.fits.gz": "../../in/c.fits.gz",
        "sorted.csv": "",
    }
    assert fits.getdata(out / "fri" / "1-2.fits")[0, 0] == 1
    with (out / "_unreadable" / "list.csv").open() as stream:
        assert list(csv.reader(stream)) == [["id", "path", "error"], ["id4", rows["path"][4], "cut short"]]
    listed = Table.read(out / "sorted.csv")
    assert listed["file"].tolist()[:2] == ["fri/1.fits", "fri/1-2.fits"] and listed["id"].tolist()[:2] == ["id0", "id1"]
    moved = shutil.move(tmp_path / "in", tmp_path / "elsewhere")
    assert not (out / "fri" / "1.fits").exists()
    shutil.move(moved, tmp_path / "in")


def test_links_go_with_both_folders_and_are_absolute_elsewhere(tmp_path: Path, rows: Table) -> None:
    sort_into(tmp_path / "out", [rows])
    (tmp_path / "new").mkdir()
    for name in ("in", "out"):
        shutil.move(tmp_path / name, tmp_path / "new" / name)
    assert fits.getdata(tmp_path / "new" / "out" / "frii" / "2.fits")[0, 0] == 2
    far = image(tmp_path / "far" / "x.fits")
    sort_into(tmp_path / "deep" / "out", [table([(far, 0)])])
    assert (tmp_path / "deep" / "out" / "fri" / "x.fits").readlink() == far


def test_paths_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image(tmp_path / "in" / "x.fits")
    monkeypatch.chdir(tmp_path)
    for how in ("link", "copy"):
        sort_into(Path("out"), [table([("in/x.fits", 1)])], how=how)
        assert fits.getdata(tmp_path / "out" / "frii" / "x.fits").shape == (4, 4)
        assert len(tree(tmp_path / "out")) == 2


@pytest.mark.parametrize("how", ["link", "copy"])
def test_doing_it_again_gives_the_same(tmp_path: Path, rows: Table, how: str) -> None:
    out = tmp_path / "out"
    counts = sort_into(out, [rows], how=how)
    before, listing = tree(out), (out / "sorted.csv").read_bytes()
    assert sort_into(out, [rows], how=how, overwrite=False) == counts
    assert tree(out) == before and (out / "sorted.csv").read_bytes() == listing
    assert sort_into(out, [rows[:1]], how=how) == {"fri": 1}
    assert list(tree(out)) == ["fri/1.fits", "sorted.csv"] and not (out / "frii").exists()


def test_a_sorting_that_was_cut_short_is_finished(tmp_path: Path, rows: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    sort_into(whole, [rows])

    def killed() -> object:
        yield rows[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sort_into(out, killed())
    assert "fri/1.fits" in tree(out)
    sort_into(out, [rows], overwrite=False)
    assert tree(out) == tree(whole)


def test_copies_are_whole_files(tmp_path: Path, rows: Table) -> None:
    sort_into(tmp_path / "out", [rows], how="copy")
    assert set(tree(tmp_path / "out").values()) == {""}
    assert (tmp_path / "out" / "frii" / "2.fits").read_bytes() == (tmp_path / "in" / "b" / "2.fits").read_bytes()


def test_files_of_others_are_never_touched(tmp_path: Path, rows: Table) -> None:
    out = tmp_path / "out"
    mine = image(out / "fri" / "1.fits", 99)
    with pytest.raises(OutputExists, match="already exists"):
        sort_into(out, [rows], overwrite=False)
    for _ in range(2):
        sort_into(out, [rows])
        assert fits.getdata(mine)[0, 0] == 99 and not mine.is_symlink()
        assert [name for name in tree(out) if name.startswith("fri/")] == ["fri/1-2.fits", "fri/1-3.fits", "fri/1.fits"]
    (out / "sorted.csv").write_text(f"file,label,id,path\n../in/c.fits.gz,fri,x,{mine}\n{mine},fri,x,{mine}\n")
    sort_into(out, [rows[:1]])
    assert mine.exists() and (tmp_path / "in" / "c.fits.gz").exists()


def test_copies_whose_original_is_gone_stay(tmp_path: Path, rows: Table) -> None:
    out = tmp_path / "out"
    sort_into(out, [rows[:2]], how="copy")
    (tmp_path / "in" / "a" / "1.fits").unlink()
    assert sort_into(out, [rows[2:3]], how="copy") == {"frii": 1}
    assert list(tree(out)) == ["fri/1.fits", "frii/2.fits", "sorted.csv"]


@pytest.mark.parametrize("how", ["link", "copy"])
def test_what_was_sorted_is_not_sorted_into_the_same_folder(tmp_path: Path, rows: Table, how: str) -> None:
    out = tmp_path / "out"
    sort_into(out, [rows], how=how)
    before = tree(out)
    again = table([(path, 0) for path in sorted(out.rglob("*.fits"))])
    with pytest.raises(GalaxtoolError, match="where an earlier sorting put it") as caught:
        sort_into(out, [again], how=how)
    assert "another folder" in caught.value.hint and tree(out) == before


def test_images_that_are_gone_are_listed(tmp_path: Path) -> None:
    there = image(tmp_path / "in" / "x.fits")
    for how in ("link", "copy"):
        counts = sort_into(tmp_path / how, [table([(there, 0), (tmp_path / "in" / "gone.fits", 0)])], how=how)
        assert counts == {"_unreadable": 1, "fri": 1}
        assert "no longer" in (tmp_path / how / "_unreadable" / "list.csv").read_text()


def test_members_of_archives_are_taken_out(tmp_path: Path) -> None:
    files = [image(tmp_path / "in" / name, n) for n, name in enumerate(["a/1.fits", "b/1.fits", "2.fits"])]
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        for file in files:
            archive.add(file, file.relative_to(tmp_path / "in").as_posix())
    places = [f"{tmp_path / 'set.tar'}[{member}]" for member in ("a/1.fits", "b/1.fits", "2.fits", "none.fits")]
    rows = table(list(zip(places, [0, 0, 1, 1], strict=True)))
    for _ in range(2):
        assert sort_into(tmp_path / "out", [rows]) == {"_unreadable": 1, "fri": 2, "frii": 1}
        assert list(tree(tmp_path / "out")) == [
            "_unreadable/list.csv", "fri/1-2.fits", "fri/1.fits", "frii/2.fits", "sorted.csv"
        ]  # fmt: skip
    assert (tmp_path / "out" / "fri" / "1-2.fits").read_bytes() == files[1].read_bytes()


def test_rows_of_stacks_are_listed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["images"] = np.zeros((3, 8, 8), dtype=np.uint8)
    places = [f"{tmp_path / 'set.h5'}[images/{n}]" for n in range(3)]
    for _ in range(2):
        assert sort_into(tmp_path / "out", [table(list(zip(places, [0, 1, 0], strict=True)))]) == {"fri": 2, "frii": 1}
        assert (tmp_path / "out" / "fri" / "members.txt").read_text().splitlines() == [places[0], places[2]]
        assert list(tree(tmp_path / "out")) == ["fri/members.txt", "frii/members.txt", "sorted.csv"]


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP])
def test_copies_where_there_are_no_links(
    tmp_path: Path, rows: Table, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert sort_into(tmp_path / "out", [rows])["fri"] == 2
    assert fits.getdata(tmp_path / "out" / "fri" / "1.fits")[0, 0] == 0


def test_places_that_cannot_be_written(tmp_path: Path, rows: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputExists, match="is a file"):
        sort_into(tmp_path / "file", [rows])
    with pytest.raises(GalaxtoolError, match="cannot be sorted"):
        sort_into(tmp_path / "file" / "below", [rows])
    with pytest.raises(ConfigError, match="sort-by"):
        sort_into(tmp_path / "out", [rows], how="move")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(GalaxtoolError, match="No space left") as caught:
        sort_into(tmp_path / "out", [rows], how="copy")
    assert "link" in caught.value.hint


@pytest.mark.parametrize("how", ["link", "copy"])
def test_links_to_other_folders_are_not_followed(tmp_path: Path, rows: Table, how: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    sort_into(tmp_path / "out", [rows], how=how)
    before = sorted(path for path in (tmp_path / "out").iterdir() if path.is_dir())
    for folder in before:
        for file in folder.iterdir():
            file.rename(other / file.name)
        folder.rmdir()
        folder.symlink_to(other)
    kept = sorted(path.name for path in other.iterdir())
    with pytest.raises(GalaxtoolError, match="is a link to another folder"):
        sort_into(tmp_path / "out", [rows], how=how, overwrite=True)
    assert sorted(path.name for path in other.iterdir()) == kept


ODD = [
    "new\nline.fits",
    "银河 😀.fits",
    "q?<>|.fits",
    os.fsdecode(b"latin\xe9.fits"),
    "x" * 240 + ".fits",
    ".hidden.fits",
]


def test_odd_names_are_made_safe(tmp_path: Path) -> None:
    paths = [image(tmp_path / "in" / name) for name in ODD]
    sort_into(tmp_path / "out", [table([(path, 0) for path in paths])])
    names = sorted(path.name for path in (tmp_path / "out" / "fri").iterdir())
    assert names == sorted(
        ["new_line.fits", "银河 😀.fits", "q____.fits", "latin_.fits", "x" * 195 + ".fits", "hidden.fits"]
    )
    assert all(path.exists() for path in (tmp_path / "out" / "fri").iterdir())


@settings(max_examples=40)
@given(st.text(max_size=300))
def test_safe_names_are_single_and_short(name: str) -> None:
    safe = make_safe_name(name)
    assert safe and safe not in (".", "..") and len(os.fsencode(safe)) <= 255 and Path(safe).name == safe
    assert make_safe_name(safe) == safe
