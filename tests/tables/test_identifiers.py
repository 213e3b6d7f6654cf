"""Identifiers keep all their digits, and the column they come from is known and said."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.table import Table

from galaxtool.cutting.objects import SizeOptions, read_objects
from galaxtool.errors import UnknownName
from galaxtool.inputs.gather import gather
from galaxtool.search.index.record import IndexRecord
from galaxtool.search.index.store import Index
from galaxtool.tables.id_columns import find_id_column
from galaxtool.tables.write import write_table

OBJID = 1237648720693755918


def read_ids(path: Path, column: np.ndarray) -> tuple[list[str], str]:
    table = Table({"objid": column, "ra": [1.0, 2.0, 3.0], "dec": [0.0, 0.0, 0.0]})
    table["path"] = ["a.png", "b.png", "c.png"]
    write_table(table, path)
    found = gather([path])
    ids = [item.id for item in found.items]
    numbered = [f"row{row}" if one in ("a", "b", "c") else one for row, one in enumerate(ids, 1)]
    assert read_objects(path, SizeOptions()).ids == numbered
    return ids, " ".join(found.notes)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ([f"{OBJID}.0", f"{OBJID + 1}.0", "1234.0"], [str(OBJID), str(OBJID + 1), "1234"]),
        ([f"{OBJID}", "", "7"], [str(OBJID), "b", "7"]),
        ([f"{OBJID}", "nan", "7"], [str(OBJID), "b", "7"]),
        (["1.237648720693755918e18", "5.0", "null"], [str(OBJID), "5", "c"]),
        (["18446744073709551615", "1", "2"], ["18446744073709551615", "1", "2"]),
        (["00123", "00124", "7"], ["00123", "00124", "7"]),
        (["1.0", "2.0", ""], ["1", "2", "c"]),
        (["12e5", "1.5", "x"], ["12e5", "1.5", "x"]),
        (["12.1", "12.10", "12"], ["12.1", "12.10", "12"]),
        (["12.10", "nan", "13.5"], ["12.10", "b", "13.5"]),
    ],
)
def test_identifiers_in_csv(tmp_path: Path, written: list[str], wanted: list[str]) -> None:
    lines = ["objid,path"] + [f"{text},{name}.png" for text, name in zip(written, "abc", strict=True)]
    (tmp_path / "c.csv").write_text("\n".join(lines))
    assert [item.id for item in gather([tmp_path / "c.csv"]).items] == wanted


@pytest.mark.parametrize("suffix", [".fits", ".parquet", ".vot", ".ecsv", ".csv"])
@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (np.array([OBJID, OBJID + 1, 5]), [str(OBJID), str(OBJID + 1), "5"]),
        (np.array([2**64 - 1, 2**63, 5], dtype=np.uint64), [str(2**64 - 1), str(2**63), "5"]),
        (np.array([1234.0, 5.0, np.nan]), ["1234", "5", "c"]),
        (np.array(["1234.0", "5.0", "7.0"]), ["1234", "5", "7"]),
        (np.array(["007", "1.0", "x"]), ["007", "1.0", "x"]),
    ],
)
def test_identifiers_in_any_format(tmp_path: Path, suffix: str, column: np.ndarray, wanted: list[str]) -> None:
    ids, notes = read_ids(tmp_path / f"c{suffix}", column)
    assert ids == wanted
    assert "last digits" not in notes


@pytest.mark.parametrize(("kind", "value"), [(float, float(OBJID)), (np.float32, 16777220.0)])
def test_lost_digits_are_said(tmp_path: Path, kind: type, value: float) -> None:
    ids, notes = read_ids(tmp_path / "c.parquet", np.array([value, value, 5.0], dtype=kind))
    assert ids == [str(int(value)), f"{int(value)}-2", "5"]
    assert "last digits of 2 of them" in notes and "1 of the 3 identifiers" in notes


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        (["SOURCE_ID"], "SOURCE_ID"),
        (["NUMBER", "X_IMAGE"], "NUMBER"),
        (["uuid"], "uuid"),
        (["ra", "designation"], "designation"),
        (["objectId", "diaObjectId"], "objectId"),
        (["dr8_id"], "dr8_id"),
        (["COADD_OBJECT_ID"], "COADD_OBJECT_ID"),
        (["GalaxyID"], "GalaxyID"),
        (["id_str", "id"], "id_str"),
        (["galaxy_id", "uuid"], "galaxy_id"),
        (["Source_Name"], "Source_Name"),
        (["constant_id", "field_id"], "field_id"),
        (["constant_number", "ra"], None),
        (["n_id_votes"], None),
    ],
)
def test_known_names_of_identifiers(columns: list[str], wanted: str | None) -> None:
    table = Table({name: [7, 7] if name.startswith("constant") else [1, 2] for name in columns})
    notes: list[str] = []
    assert find_id_column(table, None, Path("c.fits"), notes) == wanted
    assert len(notes) == (wanted is not None)
    assert wanted is None or f"'{wanted}'" in notes[0]


def test_rows_that_are_numbered_are_said(tmp_path: Path) -> None:
    Table({"ra": [1.0, 2.0], "dec": [0.0, 0.0], "number": [3, 3]}).write(tmp_path / "c.fits")
    objects = read_objects(tmp_path / "c.fits", SizeOptions())
    assert objects.ids == ["row1", "row2"]
    assert any("rows are numbered" in note and "--id-column" in note for note in objects.notes)


def test_scaled_and_unsigned_identifiers(tmp_path: Path) -> None:
    columns = [
        fits.Column("objid", "K", bzero=2**63, array=np.array([2**63 + 5, 2**64 - 1], dtype=np.uint64)),
        fits.Column("RA", "D", dim="(1)", array=np.array([[1.5], [2.5]])),
        fits.Column("dec", "I", array=np.array([2, 5], dtype=np.int16)),
        fits.Column("path", "5A", array=["a.png", "b.png"]),
    ]
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header["TSCAL3"], hdu.header["TZERO3"] = 0.5, 1.0
    hdu.writeto(tmp_path / "c.fits")
    found = gather([tmp_path / "c.fits"])
    assert [(item.id, item.ra, item.dec) for item in found.items] == [
        (str(2**63 + 5), 1.5, 2.0), (str(2**64 - 1), 2.5, 3.5)
    ]  # fmt: skip


@pytest.mark.parametrize(("asked", "row"), [("1234", 0), ("1234.0", 0), ("7.0", 1), ("8", 2), ("8.0", 3)])
def test_an_integer_finds_the_float_that_it_became(asked: str, row: int) -> None:
    items = pa.table({"id": ["1234.0", "7", "8", "8.0", "9.0", "9.00"]})
    index = Index(Path(), cast(IndexRecord, None), items, None)
    assert index.row_of(asked) == row
    for unknown in ("123", "9", "12340"):
        with pytest.raises(UnknownName):
            index.row_of(unknown)
