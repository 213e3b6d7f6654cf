"""Parse VOTables whose data are all in the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from astropy.io.votable import conf
from astropy.io.votable.tree import VOTableFile
from astropy.utils.xml.iterparser import get_xml_iterator

from galaxtool.utils.unit_texts import is_computable_unit

_LINKS = ("href", "xlink:href")


def parse_votable_file(path: Path) -> VOTableFile:
    """Parse a VOTable, plain or packed; see `parse_votable`."""
    with path.open("rb", buffering=0) as stream:  # not its name: astropy takes one like 'file:x.vot' for an address
        return parse_votable(stream, str(path))


def parse_votable(stream: BinaryIO, name: str = "") -> VOTableFile:
    """Parse a VOTable as `astropy.io.votable.parse` does, without looking anywhere else for its data.

    A STREAM may name a file or an address with the rows. astropy opens both, so a table from somebody else could read
    a private file or call a server.

    Raises
    ------
    ValueError
        If the data of a table are elsewhere.
    """
    config = {
        "columns": None, "invalid": "exception", "verify": conf.verify, "chunk_size": 256, "table_number": None,
        "filename": name, "unit_format": None, "datatype_mapping": {},
    }  # fmt: skip
    with get_xml_iterator(stream) as elements:
        return VOTableFile(config=config, pos=(1, 1)).parse(_refuse_links(elements), config)


def _refuse_links(elements: Iterator[tuple[bool, str, Any, Any]]) -> Iterator[tuple[bool, str, Any, Any]]:
    """Pass on the beginnings and ends of elements, without units that cannot be computed.

    Raises
    ------
    ValueError
        At the first STREAM that is not inline.
    """
    for element in elements:
        if element[0] and element[1] in ("STREAM", "PARQUET"):
            _check(element[1], element[2])
        if element[0] and not is_computable_unit(element[2].get("unit", "")):
            del element[2]["unit"]
        yield element


def _check(name: str, attributes: dict[str, str]) -> None:
    if name == "PARQUET" or any(key.rpartition(":")[2].lower() == "href" for key in attributes):
        where = next((value for key, value in attributes.items() if key in _LINKS), "")
        raise ValueError(
            f"its rows are in an external stream, '{where[:200]}', which galaxtool does not open"
            if where
            else "its rows are in an external Parquet file, which galaxtool does not open"
        )
