"""The limits of FITS tables: lengths and case of column names, and their number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

import galaxtool
from galaxtool.errors import ConfigError
from galaxtool.tables.column_names import avoid_names
from galaxtool.tables.formats.fits_names import name_fits_columns
from galaxtool.tables.read import read_table
from galaxtool.tables.write import write_table
from tests.support.helpers import write_png

LONG = "galaxy_zoo_question_" + "features_or_disk_" * 4
CHINESE = "银河形态分类概率修正后的值"


class Notes:
    """Keeps what a command says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def start(self, what: str, total: int | None = None) -> None:
        self.said.append(what)

    def advance(self, n: int = 1, note: str = "") -> None:
        pass

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def catalogue(tmp_path: Path) -> Table:
    write_png(tmp_path / "a.png", 1)
    return Table({"path": ["a.png"], "RA": [10.5], "DEC": [2.0], "Label": ["S0"], "P_SPIRAL": [0.2]})


@pytest.mark.parametrize("suffix", [".fits", ".csv", ".vot"])
def test_columns_of_the_catalogue_are_never_mistaken_for_ours(tmp_path: Path, catalogue: Table, suffix: str) -> None:
    for name in ("flags ", "LABEL_2", "in_ra"):
        catalogue[name] = [7.0]
    write_table(catalogue, tmp_path / "c.parquet")
    output = tmp_path / f"p{suffix}"
    galaxtool.classify([tmp_path / "c.parquet"], output=output, top_k=2)
    table = read_table(output)
    names = [name.lower() for name in table.colnames]
    assert len(set(names)) == len(names)
    assert table["in_Label"].tolist() == ["S0"] and table["label"][0] != "S0"
    assert table["ra"].tolist() == [10.5] and table["in_LABEL_2"].tolist() == table["in_flags"].tolist() == [7.0]


@pytest.mark.filterwarnings("ignore:It is strongly recommended")
def test_names_that_fits_cannot_hold_are_shortened_with_a_note(tmp_path: Path, catalogue: Table) -> None:
    for name in (LONG, LONG + "x", CHINESE, "é", "r", "R"):
        catalogue[name] = [7.0]
    write_table(catalogue, tmp_path / "c.parquet")
    progress = Notes()
    galaxtool.classify([tmp_path / "c.parquet"], output=tmp_path / "p.fits", progress=progress)
    [note] = [text for text in progress.said if "FITS" in text]
    assert "4 columns" in note and LONG in note
    assert progress.said.index(note) < progress.said.index("Classifying")
    with fits.open(tmp_path / "p.fits") as hdus:
        hdus.verify("exception")
        names, header = hdus[1].columns.names, hdus[1].header
        assert header[f"TCOMM{names.index('R_2') + 1}"] == "R"
    assert len({name.lower() for name in names}) == len(names) and max(map(len, names)) <= 68
    assert LONG[:68] in names and LONG[:66] + "_2" in names
    table = read_table(tmp_path / "p.fits")
    assert "é" in table.colnames and CHINESE[:11] in table.colnames
    assert all(table[name].tolist() == [7.0] for name in ("r", "R_2", LONG[:68], CHINESE[:11]))


def test_more_than_999_columns_are_refused_before_the_first_image(tmp_path: Path, catalogue: Table) -> None:
    for number in range(999 - len(catalogue.colnames)):
        catalogue[f"c{number}"] = [1]
    write_table(catalogue, tmp_path / "c.parquet")
    progress = Notes()
    with pytest.raises(ConfigError, match="at most 999 columns") as caught:
        galaxtool.classify([tmp_path / "c.parquet"], output=tmp_path / "p.fits", progress=progress)
    assert ".parquet" in caught.value.hint
    assert "Classifying" not in progress.said and not (tmp_path / "p.fits").exists()


@pytest.mark.slow
def test_999_columns_are_written_and_not_one_more(tmp_path: Path) -> None:
    catalogue = Table({f"c{number}": [1] for number in range(999)})
    write_table(catalogue, tmp_path / "all.fits")
    catalogue["one_more"] = [1]
    with pytest.raises(ConfigError, match="1,000"):
        write_table(catalogue, tmp_path / "more.fits")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("aAé银\\\x07 _2😀", max_size=80), min_size=1, max_size=8, unique=True))
def test_names_are_valid_and_distinct(names: list[str]) -> None:
    found = name_fits_columns(names)
    assert all(0 < len(name) <= 68 and name.isascii() and name.isprintable() for name in found)
    assert len({name.strip().lower() for name in found}) == len(names) or any(not n.strip() for n in names)
    for name, new in zip(names, found, strict=True):
        if not name.isascii():
            new.encode().decode("unicode_escape")


@given(st.lists(st.sampled_from(["ra", "RA", "Ra ", "in_ra", "in_RA", "IN_IN_ra", "z"]), unique=True))
def test_our_names_are_avoided(names: list[str]) -> None:
    found = avoid_names(names, ["ra", "id"])
    keys = [name.strip().lower() for name in found]
    assert "ra" not in keys
    assert [new for name, new in zip(names, found, strict=True) if name.strip().lower() != "ra"] == [
        name for name in names if name.strip().lower() != "ra"
    ]
    renamed = [key for key, name in zip(keys, names, strict=True) if name.strip().lower() == "ra"]
    assert all(keys.count(key) == 1 for key in renamed)
    assert np.all([key.startswith("in_") for key in renamed])
