"""What stands for which images: folders, files, patterns and catalogues."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from galaxtool.errors import InputError, TableError
from galaxtool.inputs.fits_tables import holds_only_tables
from galaxtool.inputs.gather import gather
from galaxtool.inputs.names import make_unique
from galaxtool.tables.write import write_table


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def image(path: Path, **keywords: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU(np.zeros((4, 4), dtype=np.float32)).writeto(path, **keywords)


def fits_table(path: Path) -> None:
    Table({"x": [1]}).write(path, format="fits")


def ids(*inputs: object, **options: str) -> list[str]:
    return [item.id for item in gather([str(one) for one in inputs], **options).items]


def test_a_folder_in_byte_order_of_the_relative_path(tmp_path: Path) -> None:
    names = ["b.png", "a/z.png", "a.png", "a-1.png", "B.JPG", "a/b/c.fits.gz", "é.png", "a.b/1.fits"]
    touch(*(tmp_path / name for name in random.Random(0).sample(names, len(names))))
    found = gather([tmp_path])
    relative = [item.ref.path.relative_to(tmp_path).as_posix() for item in found.items]
    assert relative == sorted(names, key=os.fsencode)
    assert [item.id for item in found.items] == ["B", "a-1", "a.b/1", "a", "a/b/c", "a/z", "b", "é"]
    assert found.columns is None and not found.skipped


def test_other_files_are_skipped_and_counted(tmp_path: Path) -> None:
    touch(tmp_path / "a.png", tmp_path / "labels.csv", tmp_path / "notes.txt", tmp_path / "sub" / "cat.csv")
    touch(tmp_path / ".hidden.png", tmp_path / ".git" / "b.png")
    fits_table(tmp_path / "cat.fits")
    found = gather([tmp_path])
    assert [item.id for item in found.items] == ["a"]
    assert found.skipped == {"labels.csv": 1, "FITS table": 1, "not an image suffix": 2}


def test_which_fits_files_hold_only_tables(tmp_path: Path) -> None:
    image(tmp_path / "image.fits")
    fits_table(tmp_path / "table.fits")
    fits_table(tmp_path / "table.fits.gz")
    empty, table = fits.PrimaryHDU(), fits.BinTableHDU(Table({"x": [1]}))
    pixels = np.ones((8, 8), dtype=np.float32)
    fits.HDUList([empty, table, fits.ImageHDU(pixels)]).writeto(tmp_path / "both.fits")
    fits.HDUList([empty, fits.CompImageHDU(pixels)]).writeto(tmp_path / "packed.fits.fz")
    fits.HDUList([empty]).writeto(tmp_path / "nothing.fits")
    touch(tmp_path / "damaged.fits")
    (tmp_path / "cut.fits").write_bytes((tmp_path / "table.fits").read_bytes()[:3000])
    only = {path.name for path in tmp_path.iterdir() if holds_only_tables(path)}
    assert only - {"cut.fits"} == {"table.fits", "table.fits.gz"}
    assert len(gather([tmp_path]).items) == 8 - len(only)


def test_files_named_one_by_one_count_whatever_they_are(tmp_path: Path) -> None:
    touch(tmp_path / "a.png", tmp_path / "notes.txt", tmp_path / "x.fits.gz", tmp_path / "noend")
    assert ids(*(tmp_path / name for name in ("notes.txt", "x.fits.gz", "noend", "a.png"))) == [
        "notes",
        "x",
        "noend",
        "a",
    ]


def test_a_folder_may_be_called_like_an_image(tmp_path: Path) -> None:
    touch(tmp_path / "x.fits" / "a.png", tmp_path / "in" / "y.fits" / "b.png")
    assert ids(tmp_path / "x.fits") == ["a"]
    assert ids(tmp_path / "in") == ["y.fits/b"]


def test_links_in_circles_and_to_nowhere(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.png", tmp_path / "far" / "b.png")
    (tmp_path / "in" / "round").symlink_to(tmp_path / "in", target_is_directory=True)
    (tmp_path / "in" / "self.png").symlink_to("self.png")
    (tmp_path / "in" / "far").symlink_to(tmp_path / "far", target_is_directory=True)
    (tmp_path / "far" / "back").symlink_to(tmp_path / "in", target_is_directory=True)
    (tmp_path / "in" / "gone.png").symlink_to("nowhere.png")
    assert ids(tmp_path / "in") == ["a", "far/b", "gone", "self"]
    assert ids(tmp_path / "in" / "gone.png") == ["gone"]


def test_links_that_lead_to_more_links_do_not_multiply(tmp_path: Path) -> None:
    """Two links in each of thirty folders are a thousand million paths."""
    for level in range(30):
        touch(tmp_path / f"f{level}" / "a.png")
        for name in ("x", "y"):
            (tmp_path / f"f{level}" / name).symlink_to(tmp_path / f"f{level + 1}", target_is_directory=True)
    (tmp_path / "f30").mkdir()
    found = gather([tmp_path / "f0"])
    assert [item.id for item in found.items] == ["x/" * level + "a" for level in range(30)]
    assert found.skipped["folder that another link led to"] == 30
    assert [item.id for item in gather([tmp_path / "f0" / "**" / "*.png"]).items] == [item.id for item in found.items]
    assert ids(tmp_path / "f0" / "*" / "x" / "a.png") == ["x/x/a", "y/x/a"]
    assert len(ids(tmp_path)) == 30 + 29  # each folder by its own path, and all but the first by a link


def test_odd_names(tmp_path: Path) -> None:
    odd = ["new\nline.png", "银河 😀.png", " blank.png", "a[1].png", os.fsdecode(b"latin\xe9.png")]
    touch(*(tmp_path / name for name in odd))
    assert set(ids(tmp_path)) == {"new\nline", "银河 😀", " blank", "a[1]", os.fsdecode(b"latin\xe9")}
    assert ids(tmp_path / "a[1].png") == ["a[1]"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this platform")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    os.mkfifo(tmp_path / "pipe.fits")
    found = gather([tmp_path])
    assert [item.id for item in found.items] == ["a"] and found.skipped["not a file"] == 1


def test_patterns(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("u/a.png", "v/a.png", "v/b.jpg", "v/n.txt", "v/w/c.png")))
    assert ids(tmp_path / "*" / "a.png") == ["u/a", "v/a"]
    assert ids(tmp_path / "v" / "*.png") == ["a"]
    assert ids(tmp_path / "**" / "*.png") == ["u/a", "v/a", "v/w/c"]
    assert ids(tmp_path / "**") == ["u/a", "v/a", "v/b", "v/w/c"]
    assert ids(tmp_path / "?") == ["u/a", "v/a", "v/b", "v/w/c"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"There is no image in .*: it is empty"):
        gather([tmp_path / "empt*"])
    assert gather([tmp_path / "v" / "*"]).skipped == {"not an image suffix": 1}


def test_several_inputs_keep_their_order_and_get_different_ids(tmp_path: Path) -> None:
    touch(tmp_path / "u" / "a.png", tmp_path / "v" / "a.png", tmp_path / "v" / "a-2.png")
    assert ids(tmp_path / "u", tmp_path / "v", tmp_path / "u" / "a.png") == ["a", "a-2", "a-3", "a-4"]


@given(st.lists(st.sampled_from(["a", "a-2", "a-3", "b", "a-2-2"])))
def test_ids_are_unique_and_the_first_keeps_its_name(names: list[str]) -> None:
    made = make_unique(names)
    assert len(set(made)) == len(names) == len(made)
    assert made == make_unique(names)
    assert all(made[names.index(name)] == name for name in set(names))
    assert all(new == old or new.startswith(f"{old}-") for new, old in zip(made, names, strict=True))


def test_a_catalogue(tmp_path: Path) -> None:
    touch(tmp_path / "img" / "1.png", tmp_path / "img" / "2.png")
    (tmp_path / "c.csv").write_text(
        "objid,file_loc,RA,Dec,z\n587722952767439450,img/2.png,10.5,-3,0.1\n00017,img/1.png,,,\n"
        f"3,{tmp_path}/img/1.png,-10,-99,1\n4,,1,2,1\n"
    )
    found = gather([tmp_path / "c.csv"])
    assert [item.id for item in found.items] == ["587722952767439450", "00017", "3", "4"]
    assert [item.ref.path.name for item in found.items[:3]] == ["2.png", "1.png", "1.png"]
    assert all(item.ref.path.is_file() for item in found.items[:3])
    assert "no path in row 4" in str(found.items[3].ref.path) and not found.items[3].ref.path.exists()
    assert [(item.ra, item.dec) for item in found.items] == [(10.5, -3.0), (None, None), (None, None), (1.0, 2.0)]
    assert found.columns is not None and found.columns.colnames == ["objid", "file_loc", "RA", "Dec", "z"]
    assert len(found.columns) == 4


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".fits", ".vot", ".parquet"])
def test_catalogues_of_every_format(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path / "1.png", tmp_path / "2.png")
    table = Table({"id_str": ["x", "y"], "file_loc": ["1.png", "2.png"]})
    table["raj2000"] = MaskedColumn([15.0, 0.0], mask=[False, True], unit="deg")
    table["dej2000"] = MaskedColumn([-15.0, 0.0], mask=[False, True], unit="deg")
    write_table(table, tmp_path / f"c{suffix}")
    found = gather([tmp_path / f"c{suffix}"])
    assert [(item.id, item.ref.path, item.ra, item.dec) for item in found.items] == [
        ("x", tmp_path / "1.png", 15.0, -15.0),
        ("y", tmp_path / "2.png", None, None),
    ]


def test_positions_in_other_units(tmp_path: Path) -> None:
    table = Table({"path": ["a.png"], "ra": [1.0], "dec": [0.5]}, units={"ra": "hourangle", "dec": "rad"})
    write_table(table, tmp_path / "c.ecsv")
    item = gather([tmp_path / "c.ecsv"]).items[0]
    assert item.ra == pytest.approx(15.0) and item.dec == pytest.approx(np.degrees(0.5))
    (tmp_path / "s.csv").write_text("path,ra,dec\na.png,12:30:00,-00:30:00\nb.png,10.5,+20.25\nc.png,n/a,1\n")
    found = [(item.ra, item.dec) for item in gather([tmp_path / "s.csv"]).items]
    assert found == [(pytest.approx(187.5), pytest.approx(-0.5)), (10.5, 20.25), (None, None)]


def test_columns_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    touch(tmp_path / "here.png")
    (tmp_path / "sub" / "c.csv").write_text("where,who,path\nhere.png,me,other.png\n")
    monkeypatch.chdir(tmp_path)
    found = gather(["sub/c.csv"], image_column="where", id_column="who")
    assert [(item.id, item.ref.path) for item in found.items] == [("me", Path("here.png"))]
    with pytest.raises(TableError, match="Did you mean 'where'"):
        gather(["sub/c.csv"], image_column="wher")


def test_catalogues_beside_folders_keep_a_row_for_each_item(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.png", tmp_path / "1.png")
    (tmp_path / "c.csv").write_text("id,path,z\n1,1.png,0.5\n")
    (tmp_path / "d.csv").write_text("id,path,note\nx,1.png,good\n")
    found = gather([tmp_path / "c.csv", tmp_path / "in", tmp_path / "d.csv"])
    assert [item.id for item in found.items] == ["1", "a", "x"]
    assert found.columns is not None and found.columns.colnames == ["id", "path", "z", "note"]
    assert np.ma.asarray(found.columns["id"]).tolist() == ["1", None, "x"]
    assert np.ma.asarray(found.columns["z"]).tolist() == [0.5, None, None]


def test_columns_in_different_units_are_given_in_one(tmp_path: Path) -> None:
    touch(tmp_path / "1.png")
    for name, unit, other in (("a", "arcsec", "mag"), ("b", "arcmin", "Jy"), ("c", None, None)):
        table = Table({"id": [name], "path": ["1.png"], "size": [2.0], "flux": [1.5]})
        table["size"].unit, table["flux"].unit = unit, other
        table.write(tmp_path / f"{name}.fits")
    found = gather([tmp_path / f"{name}.fits" for name in "abc"])
    assert found.columns is not None and found.columns["size"].tolist() == [2, 120, 2]
    assert found.columns["size"].unit == "arcsec" and found.columns["flux"].unit is None
    assert found.notes == (
        "The column 'size' is in arcsec and arcmin in different catalogues, and is given in arcsec for all.",
        "The column 'flux' is in mag and Jy in different catalogues, and is given as it was, without a unit.",
    )
    assert Table.read(tmp_path / "b.fits")["size"].tolist() == [2]


def test_nothing_there(tmp_path: Path) -> None:
    touch(tmp_path / "cutouts" / "a.png")
    with pytest.raises(InputError, match="There is nothing at") as caught:
        gather([tmp_path / "cutuots"])
    assert "cutouts" in caught.value.hint
    with pytest.raises(InputError, match="Nothing matches"):
        gather([tmp_path / "*.fits"])
    with pytest.raises(InputError, match="No input"):
        gather([])


def test_folders_without_images(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is empty"):
        gather([tmp_path])
    touch(tmp_path / "a.txt", tmp_path / "b.txt")
    with pytest.raises(InputError, match="2 files were skipped") as caught:
        gather([tmp_path])
    assert ".fits" in caught.value.hint


@pytest.mark.parametrize(
    ("units", "values", "unit"),
    [(("arcsec", "deg"), [3, 3600], "arcsec"), (("deg", "Jy"), [3, 1], None), (("mag", None), [3, 1], "mag")],
)
def test_columns_in_different_units(
    units: tuple[str, str | None], values: list[float], unit: str | None, tmp_path: Path
) -> None:
    for number, (value, own) in enumerate(zip((3, 1), units, strict=True)):
        table = Table({"path": [f"{number}.fits"], "size": [value]})
        table["size"].unit = own
        table.write(tmp_path / f"{number}.ecsv")
    found = gather([tmp_path / "0.ecsv", tmp_path / "1.ecsv"]).columns
    assert found is not None
    np.testing.assert_allclose(found["size"], values)
    assert found["size"].unit == unit


def test_catalogues_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("ra,dec\n1,2\n")
    with pytest.raises(TableError, match="ra, dec") as caught:
        gather([tmp_path / "c.csv"])
    assert "--image-column" in caught.value.hint
    (tmp_path / "e.csv").write_text("path\n")
    with pytest.raises(TableError, match="no rows"):
        gather([tmp_path / "e.csv"])
    fits_table(tmp_path / "t.fits")
    with pytest.raises(TableError, match="no column with the paths"):
        gather([tmp_path / "t.fits"])


@pytest.mark.shared_data
def test_real_folders(shared_data: Path) -> None:
    found = gather([shared_data / "fits" / "radio_map"])
    assert found.skipped == {"FITS table": 1} and len(found.items) == 4
    assert len(gather([shared_data / "fits" / "decals_grz"]).items) == 4
    labels = gather([shared_data / "optical_gz1_coarse" / "labels.csv"])
    assert labels.items[0].id == "587722952767439450" and labels.items[0].ref.path.is_file()
