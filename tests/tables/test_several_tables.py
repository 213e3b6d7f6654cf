"""Of several tables in a file, the one with the wanted columns is read, or the one that --table names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import from_table, parse
from astropy.io.votable.tree import Info, Resource, VOTableFile
from astropy.table import Table

from galaxtool.cutting.objects import SizeOptions, read_objects
from galaxtool.datasets.files import find_notes
from galaxtool.datasets.open import open_datasets
from galaxtool.errors import TableError
from galaxtool.inputs.gather import gather
from galaxtool.tables.read import read_table
from galaxtool.tables.selection import WantedColumns
from tests.support.helpers import write_png

ABOUT = Table({"Field_Header_Card": ["SIMPLE"]})
OBJECTS = Table({"NUMBER": [1, 2], "ALPHA_J2000": [150.0, 150.002], "DELTA_J2000": [2.0, 2.001]})
IMAGES = Table({"path": ["0.png", "1.png"], "label": ["E", "S"], "ra": [10.0, 11.0], "dec": [-2.0, -3.0]})
TABLES = {"LDAC_IMHEAD": ABOUT, "LDAC_OBJECTS": OBJECTS, "images": IMAGES, "empty": OBJECTS[:0]}


def write_tables(path: Path) -> Path:
    for name in ("0.png", "1.png"):
        write_png(path.with_name(name), 1)
    if path.suffix == ".fits":
        hdus = [fits.BinTableHDU(table, name=name) for name, table in TABLES.items()]
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
        return path
    document = VOTableFile()
    document.resources.append(Resource())
    for name, table in TABLES.items():
        element = from_table(table).get_first_table()
        element.name, element.ID = name, name
        for number, field in enumerate(element.fields):
            field.ID = f"{name}_{number}"
        document.resources[0].tables.append(element)
    document.to_xml(str(path))
    return path


@pytest.mark.parametrize("suffix", [".fits", ".vot"])
def test_the_table_with_the_wanted_columns_is_read(tmp_path: Path, suffix: str) -> None:
    path = write_tables(tmp_path / f"t{suffix}")
    objects = read_objects(path, SizeOptions())
    assert objects.ra.tolist() == [150.0, 150.002]
    assert "LDAC_OBJECTS" in objects.notes[0] and "--table" in objects.notes[0]
    found = gather([path])
    assert [item.ra for item in found.items] == [10.0, 11.0]
    assert len(found.notes) == 1
    [dataset] = open_datasets([path])
    assert [item.label for item in dataset.items] == ["E", "S"]
    assert "images" in find_notes(dataset)[0].lower()


@pytest.mark.parametrize("suffix", [".fits", ".vot"])
@pytest.mark.parametrize("table", ["images", "IMAGES", "3"])
def test_a_table_is_chosen_by_name_or_number(tmp_path: Path, suffix: str, table: str) -> None:
    path, notes = write_tables(tmp_path / f"t{suffix}"), []
    assert read_table(path, table=table, notes=notes)["dec"].tolist() == [-2.0, -3.0]
    assert not notes
    assert read_objects(path, SizeOptions(), table_name=table).ra.tolist() == [10.0, 11.0]
    assert len(gather([path], table=table).items) == 2
    assert len(open_datasets([path], table=table)[0].items) == 2


def test_a_table_that_does_not_exist_is_an_error_with_the_names(tmp_path: Path) -> None:
    path = write_tables(tmp_path / "t.fits")
    with pytest.raises(TableError, match="Did you mean 'IMAGES'") as caught:
        read_table(path, table="image")
    assert "LDAC_OBJECTS (2)" in caught.value.hint
    with pytest.raises(TableError, match=r"LDAC_OBJECTS \(2\).*--table chooses another"):
        gather([path], table="LDAC_OBJECTS")
    with fits.open(path, mode="append") as hdus:
        hdus.append(fits.BinTableHDU(OBJECTS, name="LDAC_OBJECTS"))
    with pytest.raises(TableError, match="2 tables called 'LDAC_OBJECTS'") as caught:
        read_table(path, table="ldac_objects")
    assert caught.value.hint == "Give the number of one: 2, 5."
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TableError, match="a single table"):
        read_table(tmp_path / "t.csv", table="2")


def test_the_error_of_an_archive_is_shown(tmp_path: Path) -> None:
    document = VOTableFile()
    document.resources.append(Resource(type="results"))
    status = Info(name="QUERY_STATUS", value="ERROR")
    status.content = "Unknown column\n'raa'"
    document.resources[0].infos.append(status)
    document.to_xml(str(tmp_path / "t.vot"))
    assert not list(parse(tmp_path / "t.vot").iter_tables())
    with pytest.raises(TableError, match="answered with an error: Unknown column 'raa'"):
        read_table(tmp_path / "t.vot")


def test_tables_without_rows_come_last(tmp_path: Path) -> None:
    hdus = [fits.BinTableHDU(table) for table in (OBJECTS[:0], OBJECTS)]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "t.fits")
    assert np.array_equal(read_table(tmp_path / "t.fits", wanted=WantedColumns([("number",)]))["NUMBER"], [1, 2])
