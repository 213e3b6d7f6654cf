"""Text tables in the dialects of spreadsheets, archives and other programs are read right, or refused."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxtool.cutting.objects import SizeOptions, read_objects
from galaxtool.datasets.open import open_datasets
from galaxtool.errors import TableError
from galaxtool.inputs.gather import gather
from galaxtool.tables.formats.dialect import split_table
from galaxtool.tables.read import read_table
from galaxtool.tables.write import write_table
from tests.support.helpers import write_png

PLAIN = {"path": ["a.png", "b.png"], "ra": [150.5, 151.25], "n": [2, 3]}
SEXTRACTOR = """\
#   1 NUMBER          Running object number
#   2 ALPHA_J2000     Right ascension [deg]
#   3 DELTA_J2000     Declination [deg]
#   4 MAG_APER        Aperture magnitudes [mag]
  1 150.0000 2.0000 18.5 19.5
  2 150.0020 2.0010 18.1 19.1
"""
VIZIER = """\
#RESOURCE=yCat
#Column\t_RAJ2000\t(F10.6)\tRight ascension

_RAJ2000\tRAJ2000\tName
deg\t"h:m:s"\t
---------\t-----------\t----
150.5\t10 02 00.0\tA 1
151.25\t10 05 00.0\t
#END#
"""
IPAC = """\
\\catalog = x
|   ra    | n   | path  |
| double  | int | char  |
|  deg    |     |       |
|  null   |null | null  |
 150.5     2     a.png
 151.25    3     b.png
"""
GAIA = """\
# %ECSV 1.0
# ---
# delimiter: ','
# datatype:
# - {name: path, datatype: string}
# - {name: ra, datatype: float64}
# - {name: n, datatype: int64}
path,ra,n
a.png,150.5,2
b.png,151.25,3
"""
MRT = """\
Title: A
Authors: B
Table: C
================================================================================
Byte-by-byte Description of file: t.txt
--------------------------------------------------------------------------------
   Bytes Format Units   Label     Explanations
--------------------------------------------------------------------------------
   1-  5 A5     ---     path      Name
   7- 12 F6.2   deg     ra        RA
  14- 14 I1     ---     n         Number
--------------------------------------------------------------------------------
a.png 150.50 2
b.png 151.25 3
"""


def read(path: Path, content: str | bytes) -> tuple[Table, str]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    notes: list[str] = []
    return read_table(path, notes=notes), " ".join(notes)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.csv", "# made for, the proposal\n# ra in deg\npath,ra,n\na.png,150.5,2\nb.png,151.25,3\n"),
        ("c.csv", "% of MATLAB\npath,ra,n\na.png,150.5,2\nb.png,151.25,3\n"),
        ("c.csv", "# path,ra,n\na.png,150.5,2\nb.png,151.25,3\n"),
        ("c.csv", "#Table1\npath,ra,n\na.png,150.5,2\nb.png,151.25,3\n"),
        ("c.csv", '"# a comment, of a spreadsheet",,\npath,ra,n\na.png,150.5,2\nb.png,151.25,3\n'),
        ("c.csv", "path;ra;n\na.png;150,5;2\nb.png;151,25;3\n"),
        ("c.csv", "sep=;\r\npath;ra;n\r\na.png;150,5;2\r\nb.png;151,25;3\r\n"),
        ("c.csv", "path;ra;n\na.png;150.5;2\nb.png;151.25;3\n"),
        ("c.csv", 'path,ra,n\na.png,"150,5",2\nb.png,"151,25",3\n'),
        ("c.csv", "path\tra\tn\na.png\t150,5\t2\nb.png\t151,25\t3\n"),
        ("c.csv", "\n\npath, ra, n\na.png, 150.5, 2\n\n   \nb.png, 151.25, 3\n,,\n,,\n"),
        ("c.csv", "path,ra,n\ra.png,150.5,2\rb.png,151.25,3\r"),
        ("c.csv", "path,ra,n\na.png,150.5,2,\nb.png,151.25,3,\n"),
        ("c.csv", "path,ra,n\na.png,150.5,2\n# a remark, and, more, commas\nb.png,151.25,3\n"),
        ("c.csv", "path,ra,n\n,deg,\na.png,150.5,2\nb.png,151.25,3\n"),
        ("c.csv", "path,ra,n\na.png,1.505D+02,2\nb.png,151.25d0,3\n"),
        ("c.tsv", "path\tra\tn\na.png\t150.5\t2\nb.png\t151.25\t3\n"),
        ("c.txt", "# path ra n\na.png 150.5 2\nb.png  151.25\t3\n"),
        ("c.dat", "   path     ra   n\n  a.png  150.5  2  \n  b.png 151.25  3\n"),
        ("c.txt", "path|ra|n\na.png|150.5|2\nb.png|151.25|3\n"),
        ("c.tbl", IPAC),
        ("c.txt", MRT),
        ("c.csv", "\ufeffpath,ra,n\na.png,150.5,2\nb.png,151.25,3\n".encode()),
        ("c.csv", "path,ra,n\na.png,150.5,2\nb.png,151.25,3\n".encode("utf-16")),
        ("c.csv", "path;ra;n\na.png;150,5;2\nb.png;151,25;3\n".encode("utf-16-le")),
        ("c.csv", gzip.compress(b"path,ra,n\na.png,150.5,2\nb.png,151.25,3\n", mtime=0)),
        ("c.csv.bz2", bz2.compress(b"path,ra,n\na.png,150.5,2\nb.png,151.25,3\n")),
        ("c.csv.gz", gzip.compress(GAIA.encode(), mtime=0)),
    ],
)  # fmt: skip
def test_dialects(tmp_path: Path, name: str, content: str | bytes) -> None:
    table, _ = read(tmp_path / name, content)
    assert {name: table[name].tolist() for name in table.colnames} == PLAIN
    assert [table[name].dtype.kind for name in table.colnames if name != "path"].count("f") == 1
    found = gather([tmp_path / name])
    assert [item.ref.path.name for item in found.items] == PLAIN["path"]


@pytest.mark.parametrize(
    ("line", "unit"),
    [
        (",hours,deg,", "hours"),
        (",[rad],[rad],str", "rad"),
        ("int,Degrees,Degrees,string", "Degrees"),
        ("#long,double,double,char", None),
    ],
)
def test_a_line_below_the_header_has_units_or_types(line: str, unit: str | None, tmp_path: Path) -> None:
    table, _ = read(tmp_path / "u.csv", f"id,ra,dec,path\n{line}\n7,1.5,0.5,a.png\n8,1.25,0.25,b.png\n")
    assert table["id"].tolist() == [7, 8] and table["ra"].tolist() == [1.5, 1.25]
    assert (None if table["ra"].unit is None else str(table["ra"].unit)) == unit


def test_a_line_of_units_of_texts(tmp_path: Path) -> None:
    table, _ = read(tmp_path / "u.csv", "ra,dec,path\nh:m:s,d:m:s,\n10 02 00,+2 00 00,a.png\n")
    assert table["ra"].tolist() == ["10 02 00"]


@pytest.mark.parametrize("line", ["7,str,deg,a.png", "7,1.0,2.0,h", "n.n.,1.0,2.0,h"])
def test_a_row_is_not_taken_for_units(line: str, tmp_path: Path) -> None:
    assert len(read(tmp_path / "u.csv", f"id,ra,dec,path\n{line}\n8,1.25,0.25,b.png\n")[0]) == 2


def test_a_catalogue_of_vizier_has_units_and_no_rows_of_dashes(tmp_path: Path) -> None:
    table, _ = read(tmp_path / "v.tsv", VIZIER)
    assert table["_RAJ2000"].tolist() == [150.5, 151.25] and str(table["_RAJ2000"].unit) == "deg"
    assert table["RAJ2000"].tolist() == ["10 02 00.0", "10 05 00.0"] and table["RAJ2000"].unit is None
    assert np.ma.getmaskarray(table["Name"]).tolist() == [False, True]


def test_catalogues_of_sextractor(tmp_path: Path) -> None:
    (tmp_path / "s.cat").write_text(SEXTRACTOR)
    objects = read_objects(tmp_path / "s.cat", SizeOptions())
    assert objects.ids == ["1", "2"] and objects.ra.tolist() == [150.0, 150.002]
    assert objects.table["MAG_APER_1"].tolist() == [19.5, 19.1] and str(objects.table["ALPHA_J2000"].unit) == "deg"


def test_null_in_the_ecsv_of_gaia(tmp_path: Path) -> None:
    table, _ = read(tmp_path / "g.csv.gz", gzip.compress(GAIA.encode() + b"null,null,null\n"))
    assert {name: table[name].tolist() for name in ("ra", "n")} == {"ra": [150.5, 151.25, None], "n": [2, 3, None]}


@pytest.mark.parametrize(
    ("content", "says", "hint"),
    [
        ("path;ra\na.png;150,123\n", "decimal comma or separate thousands", "decimal point"),
        ("1,a.png,150.5\n2,b.png,151.5\n", "no header", "first line"),
        ("1,a.png,spiral\n2,b.png,ring\n", "no header", "first line"),
        ("path,ra,dec\na.png,150,1234,2,5\n", "line 2 has 5 cells, the header 3", "semicolons"),
        ("# one\n# two\npath,ra\na.png,1\nb.png\n", "line 5 has 1 cells", "quotes"),
        ("x,y;z\n1,5;2\n", "commas or by semicolons", "quotes"),
        ("<!DOCTYPE html><html></html>", "web page", ""),
        ("PK\x03\x04 and so on", "Excel", ".csv"),
        ("# one\n# and another\n", "only comments", "names"),
        ("a,b\n1,2\0", "not a text file", ""),
    ],
)
def test_dialects_that_cannot_be_told(tmp_path: Path, content: str, says: str, hint: str) -> None:
    with pytest.raises(TableError, match=says) as caught:
        read(tmp_path / "c.csv", content)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("content", "column", "wanted", "says"),
    [
        ("a;b\n1,5;1.234,5\n", "b", [1234.5], "decimal commas"),
        ("a;b\n1.5;1,234\n", "b", [1234], "thousands"),
        ("a;b\n1,5;1.234,5\n2,5;1.234\n", "b", [1234.5, 1234.0], "decimal commas"),
        ("a;b\n1,5;1 234,5\n2,5;12 345\n", "b", [1234.5, 12345.0], "decimal commas"),
        ("a;b\n1,5;1'234,5\n2,5;-3\n", "b", [1234.5, -3.0], "decimal commas"),
        ("a,b\n\u22122.5,x\n1.5,y\n", "a", [-2.5, 1.5], ""),
        ("a;b\n\u22122,5;x\n1,5;y\n", "a", [-2.5, 1.5], "decimal commas"),
        ("a;b\n1,5;12 30 49,4\n", "b", ["12 30 49,4"], "decimal commas"),
        ("a;b\n1.5;1,25\n", "b", ["1,25"], "read as text"),
        ('a,b\n1.5,"1,2"\n', "b", ["1,2"], "read as text"),
        ("a,b\n0.1,x\nnull,y\nN/A,z\n", "a", [0.1, None, None], ""),
        ("a,b\nE,x\nNA,y\n", "a", ["E", "NA"], ""),
        ("id,b\n1,x\n#2,y\n3,z\n", "id", [1, 3], "1 line of comment below"),
        ("id,b\na,x\n#2,y\n", "id", ["a", "#2"], ""),
        ("0,1,label\n0.5,0.7,E\n", "0", [0.5], ""),
        ("path,0.5\na.png,7\n", "0.5", [7], ""),
        ('a,b\n"two\n# lines, x",y\nz,w\n', "a", ["two\n# lines, x", "z"], ""),
    ],
)
def test_odd_cells(tmp_path: Path, content: str, column: str, wanted: list, says: str) -> None:
    table, notes = read(tmp_path / "c.csv", content)
    assert np.ma.asarray(table[column]).tolist() == wanted
    assert says in notes and (bool(notes) == bool(says))


def test_latin_text_and_names_of_files_in_other_bytes(tmp_path: Path) -> None:
    content = "path,Größe\né.png,ß\n".encode("latin-1")
    table, notes = read(tmp_path / "c.csv", content)
    assert table["path"].tolist() == ["é.png"] and table["Größe"].tolist() == ["ß"]
    assert "Windows-1252" in notes
    write_png(tmp_path / "\udce9.png", 1)
    table, notes = read(tmp_path / "c.csv", content)
    assert table["path"].tolist() == ["\udce9.png"] and not notes


def test_the_content_counts_more_than_the_suffix(tmp_path: Path) -> None:
    table = Table(PLAIN)
    for name, suffix in (("a.cat", ".fits"), ("b.csv", ".fits"), ("c.dat", ".vot"), ("d.txt", ".parquet")):
        write_table(table, tmp_path / f"t{suffix}")
        (tmp_path / f"t{suffix}").replace(tmp_path / name)
        assert read_table(tmp_path / name)["ra"].tolist() == PLAIN["ra"]
        assert len(gather([tmp_path / name]).items) == 2
    fits.writeto(tmp_path / "image.dat", np.zeros((4, 4)))
    assert [item.ref.path.name for item in gather([tmp_path / "image.dat"]).items] == ["image.dat"]


def test_xml_is_a_votable_and_labels_come_from_any_text_table(tmp_path: Path) -> None:
    for name in PLAIN["path"]:
        write_png(tmp_path / name, 1)
    write_table(Table({**PLAIN, "label": ["E", "S"]}), tmp_path / "t.xml")
    assert b"<VOTABLE" in (tmp_path / "t.xml").read_bytes()
    (tmp_path / "t.txt").write_text("path label\na.png E\nb.png S\n")
    for name in ("t.xml", "t.txt"):
        [dataset] = open_datasets([tmp_path / name])
        assert [item.label for item in dataset.items] == ["E", "S"]


CELLS = st.text("ab1.,;# \t\n\"'|-éß", max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS.map("x".__add__), CELLS, st.integers(-99, 99)), max_size=5))
def test_what_we_write_is_split_as_it_was(rows: list[tuple[str, str, int]]) -> None:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([("name", "text", "number"), *rows])
    table = split_table(file.getvalue())
    assert table.names == ["name", "text", "number"] and table.delimiter == ","
    assert table.rows == [[name, text, str(number)] for name, text, number in rows]
