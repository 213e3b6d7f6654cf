"""VOTables whose rows are elsewhere: no file and no address that they name is opened."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from astropy.table import Table

from galaxtool.errors import TableError
from galaxtool.tables.formats.votable_document import parse_votable_file
from galaxtool.tables.read import read_table

HEAD = '<?xml version="1.0"?>\n<!DOCTYPE v [<!ENTITY x "&#60;STREAM hr&#101;f=\'{link}\'/&#62;">]>\n'
VOTABLE = (
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>'
    '<FIELD name="path" datatype="char" arraysize="20"/><DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>'
)
STREAM = '<STREAM href="{link}"/>'
DATA = {
    "BINARY": f"<BINARY>{STREAM}</BINARY>",
    "BINARY2": f"<BINARY2>{STREAM}</BINARY2>",
    "encoded": '<BINARY2><STREAM encoding="gzip" href="{link}"/></BINARY2>',
    "FITS": f'<FITS extnum="1">{STREAM}</FITS>',
    "PARQUET": f'<PARQUET type="VOTable-remote-file">{STREAM}</PARQUET>',
    "entity": "<BINARY2>&x;</BINARY2>",
}
WATCHED: list[list[str]] = []


@pytest.fixture
def touched() -> Iterator[list[str]]:
    """The files and addresses that are opened meanwhile."""
    if not WATCHED:
        WATCHED.append([])
        sys.addaudithook(_note)
    WATCHED[:] = [[]]
    yield WATCHED[0]
    WATCHED[:] = [[]]


def _note(event: str, args: tuple[object, ...]) -> None:
    if event in ("open", "socket.connect", "urllib.Request"):
        WATCHED[0].append(str(args[0]))


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
@pytest.mark.parametrize("scheme", ["file", "http"])
def test_rows_elsewhere_are_refused(data: str, scheme: str, tmp_path: Path, touched: list[str]) -> None:
    secret = tmp_path / "private.txt"
    secret.write_text("top secret")
    link = secret.as_uri() if scheme == "file" else "http://127.0.0.1:9/private.txt"
    path = tmp_path / "catalogue.vot"
    path.write_text(HEAD.replace("{link}", link) + VOTABLE.format(data=data.format(link=link)))
    touched.clear()
    with pytest.raises(TableError, match="extern") as caught:
        read_table(path)
    assert "top secret" not in str(caught.value)
    assert not [one for one in touched if "private" in one or "127.0.0.1" in one]


def test_a_name_like_an_address_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Table({"x": [1, 2]}).write("plain.vot", format="votable")
    Path("plain.vot").rename("file:x.vot")
    assert parse_votable_file(Path("file:x.vot")).get_first_table().array["x"].tolist() == [1, 2]
