"""Tests of paths in other notations, and of those that lead elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from galaxtool import classify
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.inputs.gather import gather
from galaxtool.inputs.read_item import read_item
from galaxtool.utils.files.path_texts import clean_path_text, explain_foreign_path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder ``home`` with ``sub/a b.png``, which is also the home of the user."""
    (tmp_path / "home" / "sub").mkdir(parents=True)
    Image.new("L", (5, 5), 9).save(tmp_path / "home" / "sub" / "a b.png")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("STAMPS", str(tmp_path / "home" / "sub"))
    return tmp_path / "home"


NOTATIONS = [
    "file://{folder}/sub/a%20b.png",
    "file://localhost{folder}/sub/a%20b.png",
    "FILE:{folder}/sub/a%20b.png",
    "~/sub/a b.png",
    "$STAMPS/a b.png",
    "${{STAMPS}}/a b.png",
    "sub\\a b.png",
    ".\\sub\\a b.png",
    "./sub/a b.png",
    "sub/a%20b.png",
    "'sub/a b.png'",
    "b'sub/a b.png'",
    "  sub/a b.png ",
    "sub/a b.png/",
    "{folder}/sub/a b.png",
]


@pytest.mark.parametrize("notation", NOTATIONS)
def test_notations_in_catalogues_and_lists(notation: str, folder: Path) -> None:
    text = notation.format(folder=folder)
    quoted = text.replace('"', '""')
    (folder / "c.csv").write_text(f'path\n"{quoted}"\n')
    (folder / "list.txt").write_text(f"{text}\n")
    for found in (gather([folder / "c.csv"]), gather([f"@{folder / 'list.txt'}"])):
        item = found.items[0]
        assert item.ref.path.resolve() == (folder / "sub" / "a b.png").resolve()
        assert read_item(item).data.max() == 9 and item.id.endswith("a b")


@pytest.mark.parametrize("notation", NOTATIONS)
def test_notations_on_the_command_line(notation: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert read_item(gather([notation.format(folder=folder)]).items[0]).data.max() == 9


def test_a_file_that_is_there_is_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("100%25.png", "~a.png", "$HOME.png", "'q'.png"):
        Path(name).write_bytes(b"x")
        assert clean_path_text(name) == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s3://bucket/3.png", "s3:// is not read; fetch it first"),
        ("gs://bucket/3.png", "gs:// is not read; fetch it first"),
        ("https://example.org/4.png", "https:// is not read; fetch it first"),
        ("hf://datasets/x/4.png", "hf:// is not read; fetch it first"),
        ("file://server/share/4.png", "another machine"),
        ("C:\\data\\x.png", "a path of Windows"),
        ("D:/data/x.png", "a path of Windows"),
        ("\\\\nas\\data\\x.png", "a path of Windows"),
    ],
)
def test_paths_that_lead_elsewhere(text: str, words: str, folder: Path) -> None:
    (folder / "c.csv").write_text(f"path\n{text}\nsub/a b.png\n")
    found = gather([folder / "c.csv"])
    with pytest.raises(UnreadableImage, match=words) as caught:
        read_item(found.items[0])
    assert f"'{text}'" in caught.value.message
    with pytest.raises(InputError, match=words):
        gather([text])
    if "://" in text:
        assert str(found.items[0].ref) == text


@pytest.mark.parametrize("text", ["a/b.png", "/data/s3/b.png", "10:20/b.png", "a:b.png", "sub\\b.png"])
def test_paths_that_could_be_here(text: str) -> None:
    assert explain_foreign_path(text) == ""


def test_a_table_of_predictions_shows_what_was_written(folder: Path) -> None:
    (folder / "c.csv").write_text(f"path\ns3://bucket/3.png\nfile://{folder}/sub/a%20b.png\n")
    result = classify([folder / "c.csv"], output=folder / "p.csv")
    text = (folder / "p.csv").read_text()
    assert result.errors == 1 and "'s3://bucket/3.png' is not on this disk" in text and "s3:/b" not in text
    assert os.fspath(folder / "sub" / "a b.png") in text


def test_a_cutout_in_a_zarr_stack_is_not_said_to_be_missing(tmp_path: Path) -> None:
    (tmp_path / "cutouts.zarr").mkdir()
    (tmp_path / "c.csv").write_text("path\ncutouts.zarr[images/0]\n")
    (item,) = gather([tmp_path / "c.csv"]).items
    with pytest.raises(UnreadableImage, match=r"cutouts\.zarr' is a Zarr stack, .* --kind hdf5"):
        read_item(item)
