"""Columns of odd kinds keep their values: scaled integers with nulls, decimals, vectors of length one."""

from __future__ import annotations

import decimal
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from galaxtool.tables.read import read_table

OBJID = 1237648720693755918


def values(path: Path) -> dict[str, list[Any]]:
    table = read_table(path)
    return {name: np.ma.asarray(table[name]).tolist() for name in table.colnames}


def test_nulls_of_scaled_integers_are_masked(tmp_path: Path) -> None:
    columns = [
        fits.Column("scaled", "J", array=[10, -1, 60]),
        fits.Column("unsigned", "I", array=[1, -1, 3]),
        fits.Column("bytes", "B", array=[1, 255, 3]),
        fits.Column("vector", "2I", array=[[1, -1], [-1, -1], [3, 4]]),
        fits.Column("plain", "J", array=[1, -1, 3]),
    ]
    hdu = fits.BinTableHDU.from_columns(columns)
    for number, (scale, zero, null) in enumerate([(0.1, 5, -1), (1, 32768, -1), (0.5, 0, 255), (2, 0, -1)], 1):
        hdu.header[f"TSCAL{number}"], hdu.header[f"TZERO{number}"], hdu.header[f"TNULL{number}"] = scale, zero, null
    hdu.header["TNULL5"] = -1
    hdu.writeto(tmp_path / "t.fits")
    assert values(tmp_path / "t.fits") == {
        "scaled": [6.0, None, 11.0],
        "unsigned": [32769, None, 32771],
        "bytes": [0.5, None, 1.5],
        "vector": [[2.0, None], [None, None], [6.0, 8.0]],
        "plain": [1, None, 3],
    }


def test_vectors_of_length_one_are_scalars(tmp_path: Path) -> None:
    one = np.empty(2, dtype=object)
    one[:] = [np.array([1.5]), np.array([2.5])]
    columns = [
        fits.Column("dim", "D", dim="(1)", array=[[1.5], [2.5]]),
        fits.Column("variable", "PD()", array=one),
        fits.Column("logical", "L", array=[True, False]),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    assert values(tmp_path / "t.fits") == {"dim": [1.5, 2.5], "variable": [1.5, 2.5], "logical": [True, False]}


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (pa.array([decimal.Decimal(OBJID), None], pa.decimal128(20, 0)), [OBJID, None]),
        (pa.array([decimal.Decimal(10) ** 25, None], pa.decimal128(38, 0)), [str(10**25), None]),
        (pa.array([decimal.Decimal("150.25"), None], pa.decimal128(10, 2)), [150.25, None]),
        (pa.array([[1.5], None]), [1.5, None]),
        (pa.array([["E"], ["S"]]), ["E", "S"]),
        (pa.array([[1.5, 2.0], [2.5]]), ["[1.5, 2.0]", "[2.5]"]),
        (pa.array(["E", "S", "E"]).dictionary_encode().slice(1), ["S", "E"]),
        (pa.array([OBJID, None]), [OBJID, None]),
        (pa.array([2**64 - 1, None], pa.uint64()), [2**64 - 1, None]),
        (pa.array(["x", "y"], pa.large_string()), ["x", "y"]),
    ],
)
def test_columns_of_parquet(tmp_path: Path, column: pa.Array, wanted: list[Any]) -> None:
    pq.write_table(pa.table({"c": column, "__index_level_0__": [7, 9]}), tmp_path / "t.parquet")
    assert values(tmp_path / "t.parquet") == {"c": wanted, "__index_level_0__": [7, 9]}


@pytest.mark.parametrize("serialization", ["tabledata", "binary", "binary2"])
def test_serializations_of_votables(tmp_path: Path, serialization: str) -> None:
    table = Table({"id": [OBJID, 5], "ra": [1.5, 2.5], "s": ["é", "b"], "v": [[1, 2], [3, 4]]})
    table.write(tmp_path / "t.xml", format="votable", tabledata_format=serialization)
    wanted = {name: table[name].tolist() for name in table.colnames}
    assert values(tmp_path / "t.xml") == wanted
    content = (tmp_path / "t.xml").read_bytes()
    (tmp_path / "t.vot.gz").write_bytes(gzip.compress(content))
    assert values(tmp_path / "t.vot.gz") == wanted
    latin = content.decode().replace('encoding="utf-8"', 'encoding="ISO-8859-1"').encode("latin-1")
    (tmp_path / "l.vot").write_bytes(latin)
    assert values(tmp_path / "l.vot") == wanted


def test_names_that_repeat_in_fits_are_numbered(tmp_path: Path) -> None:
    names = ["FLUX1", "FLUX2", "FLUX_2", "flux", "FLUX3"]
    columns = [fits.Column(name, "J", array=[number]) for number, name in enumerate(names)]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    content = (tmp_path / "t.fits").read_bytes()
    for name in ("FLUX1", "FLUX2", "FLUX3"):
        content = content.replace(f"'{name}   '".encode(), b"'FLUX    '")
    (tmp_path / "t.fits").write_bytes(content)
    assert values(tmp_path / "t.fits") == {"FLUX": [0], "FLUX_3": [1], "FLUX_2": [2], "flux": [3], "FLUX_4": [4]}
