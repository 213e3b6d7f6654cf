"""The YAML that astropy keeps in tables makes no objects but those of a table, and no more of them than a table has."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time

from galaxtool.errors import TableError
from galaxtool.tables.read import read_table
from galaxtool.utils.unit_texts import is_computable_unit

BYTES = base64.b64encode(b"A" * 16).decode()
ARRAY = "x: !numpy.ndarray {{buffer: {bytes}, dtype: {dtype}, shape: [1]}}"
HUGE = "10**1000000000 m"
OBJECTS = {
    "objects": ARRAY.format(bytes=BYTES, dtype="O"),
    "objects by number": ARRAY.format(bytes=BYTES, dtype="'|O8'"),
    "objects by name": ARRAY.format(bytes=BYTES, dtype="object_"),
    "texts of NumPy, which are addresses": ARRAY.format(bytes=BYTES, dtype="T"),
    "records": ARRAY.format(bytes=BYTES, dtype="[[a, f8], [b, O]]"),
    "a list in one text": ARRAY.format(bytes=BYTES, dtype="'f8,O'"),
    "a mapping": ARRAY.format(bytes=BYTES, dtype="{names: [a], formats: [O]}"),
    "a single record": f"x: !numpy.void {{buffer: {BYTES}, dtype: O}}",
}
LAUGHS = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
LAUGHS += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
TOO_MUCH = {
    "laughs": ("\n".join(LAUGHS), "more than 1,000,000 values"),
    "a circle": ("a: &a [*a]", "contains itself"),
    "a unit": (f"a: !astropy.units.Unit {{unit: {HUGE}}}", "has the unit 10"),
    "deep": ("a: !x " + "[" * 2000 + "]" * 2000, "within each other"),
}


def write_ecsv(path: Path, meta: str) -> Path:
    lines = ["%ECSV 1.0", "---", "datatype:", "- {name: path, datatype: string}", "meta:"]
    lines += [f"  {line}" for line in meta.splitlines()]
    path.write_text("".join(f"# {line}\n" for line in lines) + "path\na.fits\n")
    return path


def write_fits(path: Path, meta: str) -> Path:
    hdu = fits.table_to_hdu(Table({"path": ["a.fits"], "n": [1]}))
    yaml = ["datatype:", "- {name: path, datatype: string}", "meta:", *(f"  {line}" for line in meta.splitlines())]
    for line in ("--BEGIN-ASTROPY-SERIALIZED-COLUMNS--", *yaml, "--END-ASTROPY-SERIALIZED-COLUMNS--"):
        pieces = [line[i : i + 70] for i in range(0, len(line), 70)]
        for piece in pieces[:-1]:
            hdu.header["COMMENT"] = piece + "\\"
        hdu.header["COMMENT"] = pieces[-1]
    hdu.writeto(path)
    return path


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("write", [write_ecsv, write_fits])
def test_an_array_of_objects_is_refused_because_its_bytes_would_be_addresses(
    write: object, name: str, tmp_path: Path
) -> None:
    path = tmp_path / ("t.ecsv" if write is write_ecsv else "t.fits")
    write(path, OBJECTS[name])  # type: ignore[operator]
    with pytest.raises(TableError, match="array of Python objects"):
        read_table(path)


def test_a_line_break_that_only_astropy_knows_hides_nothing(tmp_path: Path) -> None:
    path = write_ecsv(tmp_path / "t.ecsv", "y: 1")
    path.write_bytes(path.read_bytes().replace(b"#   y: 1\n", f"# #\r#   {OBJECTS['objects']}\r\n".encode()))
    with pytest.raises(TableError):
        read_table(path)


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_header_that_stands_for_too_much_is_refused_at_once(name: str, tmp_path: Path) -> None:
    meta, reason = TOO_MUCH[name]
    started = time.monotonic()
    with pytest.raises(TableError, match=reason):
        read_table(write_ecsv(tmp_path / "t.ecsv", meta))
    assert time.monotonic() - started < 30


def test_the_yaml_of_a_parquet_file_makes_no_objects_either(tmp_path: Path) -> None:
    yaml = f"datatype:\n- {{name: path, datatype: string, unit: m}}\nmeta:\n  {OBJECTS['objects']}\n"
    table = pa.table({"path": ["a.fits"]}).replace_schema_metadata({"table_meta_yaml": yaml})
    pq.write_table(table, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["path"].unit is None  # the header is as good as none


@pytest.mark.parametrize("suffix", ["ecsv", "fits"])
def test_what_astropy_writes_is_read_as_before(suffix: str, tmp_path: Path) -> None:
    sky = SkyCoord([1, 2] * u.deg, [3, 4] * u.deg)
    table = Table({"x": [1.0, 2.0] * u.m, "t": Time(["2020-01-01", "2021-01-01"]), "c": sky})
    shared = ["a", "b"]
    table.meta = {"one": shared, "two": shared}
    if suffix == "ecsv":
        table.meta |= {"numbers": np.arange(4.0), "record": np.zeros(1, dtype=[("a", "f8"), ("b", "S3")])[0]}
    path = tmp_path / f"t.{suffix}"
    table.write(path, format="ascii.ecsv" if suffix == "ecsv" else None)
    found = read_table(path)
    assert found.colnames == ["x", "t", "c.ra", "c.dec"] and found["x"].unit == u.m
    assert found["t"].tolist()[0].startswith("2020-01-01")


def write_units(path: Path) -> Path:
    if path.suffix == ".fits":
        hdu = fits.table_to_hdu(Table({"path": ["a"], "x": [1.0]}))
        hdu.header["TUNIT2"] = HUGE
        hdu.writeto(path)
    elif path.suffix == ".vot":
        field = f'<FIELD name="x" datatype="double" unit="{HUGE}"/>'
        rows = "<DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA>"
        path.write_text(f'<VOTABLE version="1.3"><RESOURCE><TABLE>{field}{rows}</TABLE></RESOURCE></VOTABLE>')
    elif path.suffix == ".parquet":
        field = pa.field("x", pa.float64(), metadata={"unit": HUGE})
        pq.write_table(pa.table([pa.array([1.0])], schema=pa.schema([field])), path)
    elif path.suffix == ".csv":
        path.write_text(f"path,x\n,{HUGE}\na,1\nb,2\n")
    else:
        path.write_text(f"# 1 NUMBER running [{HUGE}]\n# 2 X position [{HUGE}]\n1 2\n3 4\n")
    return path


@pytest.mark.parametrize("suffix", ["fits", "vot", "parquet", "csv", "cat"])
def test_a_unit_that_takes_hours_costs_no_second(suffix: str, tmp_path: Path) -> None:
    started = time.monotonic()
    try:
        table = read_table(write_units(tmp_path / f"t.{suffix}"))
        assert table[table.colnames[-1]].unit is None
    except TableError as error:
        assert suffix == "cat" and "unit that cannot be computed" in error.message
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("unit", ["10+1000000000 m", "10(99999)", "10^123456 m", "3**-99999 m", "m" * 3000])
def test_powers_of_numbers_that_are_not_computed(unit: str) -> None:
    assert not is_computable_unit(unit)


@pytest.mark.parametrize(
    "unit", ["10**-17 erg / (s cm2)", "1e-20 W m-2", "10+3 Jy", "299792458 m/s", "m**-2", "mag", ""]
)
def test_usual_units_are_computed(unit: str) -> None:
    assert is_computable_unit(unit)
