"""Tests of columns that say where an image is, and of columns that only have such a name."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from galaxtool.errors import TableError
from galaxtool.inputs.gather import Inputs, gather
from galaxtool.inputs.read_item import read_item


@pytest.fixture
def stamps(tmp_path: Path) -> Path:
    """A folder with four FITS files that have an image, a weight map and a table."""
    for i in range(4):
        weight, rows = (
            np.full((4, 4), 100 + i, np.float32),
            fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])]),
        )
        hdus = [fits.PrimaryHDU(np.full((4, 4), i, np.float32)), fits.ImageHDU(weight, name="WEIGHT"), rows]
        fits.HDUList(hdus).writeto(tmp_path / f"g{i}.fits")
    return tmp_path


def catalogue(folder: Path, header: str, rows: list[str]) -> Inputs:
    (folder / "c.csv").write_text("\n".join([header, *rows]) + "\n")
    return gather([folder / "c.csv"])


def first_pixels(found: Inputs) -> list[float]:
    return [float(read_item(item).data[0, 0, 0]) for item in found.items]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("member", "0101"),
        ("Member", ["True", "False", "True", "True"]),
        ("member", ["0.93", "0.1", "0.5", "0.99"]),
        ("member", ["17", "18", "17", "18"]),
        ("member", ["A2142", "A2142", "field", ""]),
        ("ext_number", "1111"),
        ("stack_index", "0123"),
    ],
)
def test_a_flag_is_no_hdu(name: str, values: list[str], stamps: Path) -> None:
    found = catalogue(stamps, f"path,{name}", [f"g{i}.fits,{value}" for i, value in enumerate(values)])
    assert first_pixels(found) == [0, 1, 2, 3]
    assert [item.id for item in found.items] == ["g0", "g1", "g2", "g3"] and found.notes == ()
    assert found.columns is not None and name in found.columns.colnames


def test_a_column_hdu_means_nothing_to_pictures(tmp_path: Path) -> None:
    for i in range(2):
        Image.fromarray(np.full((4, 4), i, np.uint8)).save(tmp_path / f"{i}.png")
    found = catalogue(tmp_path, "path,hdu", ["0.png,1", "1.png,0"])
    assert [item.id for item in found.items] == ["0", "1"] and found.notes == ()


@pytest.mark.parametrize("name", ["hdu", "HDU_INDEX", "member", "ext_number"])
def test_numbers_of_hdus(name: str, stamps: Path) -> None:
    rows = [f"g{i}.fits,{hdu}" for i in range(4) for hdu in (0, 1)]
    found = catalogue(stamps, f"path,{name}", rows)
    assert first_pixels(found) == [0, 100, 1, 101, 2, 102, 3, 103]
    assert len(found.notes) == 1 and f"'{name}'" in found.notes[0]


def test_members_of_archives(stamps: Path) -> None:
    with zipfile.ZipFile(stamps / "all.zip", "w") as archive:
        for i in range(4):
            archive.write(stamps / f"g{i}.fits", f"g{i}.fits")
    found = catalogue(stamps, "file,member", ["all.zip,g3.fits", "all.zip,g1.fits"])
    assert first_pixels(found) == [3, 1] and "'member'" in found.notes[0]
    np.save(stamps / "stack.npy", np.arange(5, dtype=np.float32)[:, None, None] * np.ones((5, 6, 6), np.float32))
    found = catalogue(stamps, "file,stack_index", ["stack.npy,4", "stack.npy,0"])
    assert first_pixels(found) == [4, 0] and "'stack_index'" in found.notes[0]


@pytest.mark.parametrize(
    ("header", "row", "is_said"),
    [
        ("image,filename", "{i},g{i}.fits", False),  # a number of the image, and its file
        ("file,image_path", "{i},g{i}.fits", True),
        ("path,file_name", "orbit {i},g{i}.fits", True),
        ("image,path", "True,g{i}.fits", False),
    ],
)
def test_the_column_of_paths_has_paths(header: str, row: str, is_said: bool, stamps: Path) -> None:
    found = catalogue(stamps, header, [row.format(i=i) for i in range(4)])
    assert first_pixels(found) == [0, 1, 2, 3]
    assert len(found.notes) == is_said and all(f"'{header.split(',')[1]}'" in note for note in found.notes)


def test_no_column_of_paths(stamps: Path) -> None:
    with pytest.raises(TableError, match="the column 'image' does not hold any"):
        catalogue(stamps, "image,z", ["1,0.1", "0,0.2"])
    with pytest.raises(TableError, match="its columns are a, z"):
        catalogue(stamps, "a,z", ["1,0.1"])


@pytest.mark.parametrize(
    ("table", "header", "folder", "name"),
    [
        ("train.csv", "id_code,diagnosis", "train_images", "000c1434d8d7.png"),
        ("training_solutions_rev1.csv", "GalaxyID,Class1.1", "images_training_rev1", "100008.jpg"),
        ("labels.csv", "image_id,label", "images/images", "Train_0.JPG"),
        ("meta.csv", "image,target", "", "ISIC_0015719.jpg"),
    ],
)
def test_names_without_suffix(table: str, header: str, folder: str, name: str, tmp_path: Path) -> None:
    for place, file in ((folder, name), ("test_images", "other.png")):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        Image.new("L", (5, 5), 9).save(tmp_path / place / file)
    (tmp_path / table).write_text(f"{header}\n{Path(name).stem},1\n")
    found = gather([tmp_path / table])
    assert found.items[0].ref.path == tmp_path / folder / name
    assert f"'{header.split(',')[0]}'" in found.notes[0]


def test_files_of_operating_systems(tmp_path: Path) -> None:
    for place in ("a", "a/@eaDir/g1.png", "__MACOSX/a", ".ipynb_checkpoints", "#recycle"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        Image.new("L", (5, 5), 9).save(tmp_path / place / "g1.png")
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"\xd0\xcf")
    found = gather([tmp_path])
    assert [item.id for item in found.items] == ["a/g1"] and not found.skipped
