"""The format of a table by the content of its file, which counts more than its name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from galaxtool.errors import GalaxtoolError, TableError
from galaxtool.images.image_file import ImageFile
from galaxtool.images.packing import BROKEN, read_unpacked_head
from galaxtool.plugins.registry import get_registry
from galaxtool.tables.formats.find import create_table_format, find_table_format
from galaxtool.tables.protocols import TableFormat

TEXT_SUFFIXES = (".tsv", ".txt", ".dat", ".cat", ".asc", ".ascii", ".tab", ".tbl", ".mrt", ".ldac")
"""Suffixes of tables that are read by their content, and never written; perhaps with that of a packed file."""

_PACKED = (".gz", ".bz2", ".xz", ".zst")
_BUILTIN = ("csv", "ecsv", "fits", "votable", "parquet")
_HEAD = 4096
_WHITE = frozenset(b"\t\n\v\f\r")
_NOT_TABLES = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"\x89HDF", "an HDF5 file"),
    (b"%PDF", "a PDF file"),
)


def has_table_suffix(path: Path) -> bool:
    """Tell whether a file of this name may be a table, of a format that is written or only read."""
    plain = _without_packing(path)
    return find_table_format(plain) is not None or plain.name.lower().endswith(TEXT_SUFFIXES)


def find_content_format(path: Path) -> str | None:
    """Return the name of the format that the content of a file shows; None if it cannot be told.

    Raises
    ------
    TableError
        If the content is certainly not a table.
    """
    try:
        head = read_unpacked_head(ImageFile.on_disk(path), _HEAD)
    except (*BROKEN, OSError, GalaxtoolError):
        return None
    if head.startswith(b"SIMPLE  ="):
        return "fits"
    if head.startswith(b"PAR1"):
        return "parquet"
    for magic, what in _NOT_TABLES:
        if head.startswith(magic):
            raise TableError(f"'{path}' is {what}, not a table.", hint="Save it as .csv, .fits or .parquet.")
    if b"<VOTABLE" in head or b":VOTABLE" in head:
        return "votable"
    if head.startswith((b"# %ECSV", b"\xef\xbb\xbf# %ECSV")):
        return "ecsv"
    return "csv" if _is_text(head) else None


def find_format(path: Path) -> TableFormat | None:
    """Return the format to read a file in; None if it is not a table by its name.

    Raises
    ------
    TableError
        If the content is certainly not a table.
    """
    named = find_table_format(_without_packing(path))
    if named not in (None, *_BUILTIN) or not path.is_file():
        return create_table_format(path)  # of a plugin, or an error later
    if not has_table_suffix(path):
        return None
    found = find_content_format(path)
    is_text = found in ("csv", "ecsv") and named in (None, "csv", "ecsv")
    name = found if found in ("fits", "votable", "parquet") or is_text else named
    if name is None:
        raise TableError(f"'{path}' is not a text file nor a table.", hint="Save it as .csv, .fits or .parquet.")
    return cast(TableFormat, get_registry().table_formats.find(name).create())


def _without_packing(path: Path) -> Path:
    """Return a path without the suffixes of packed files."""
    while path.suffix.lower() in _PACKED and path.stem:
        path = path.with_name(path.stem)
    return path


def _is_text(head: bytes) -> bool:
    """Tell whether the beginning of a file is text, perhaps in UTF-16."""
    is_wide = max(head[::2].count(0), head[1::2].count(0)) > len(head) // 4
    plain = head.replace(b"\0", b"") if is_wide or head.startswith((b"\xff\xfe", b"\xfe\xff")) else head
    return all(byte >= 32 or byte in _WHITE for byte in plain)
