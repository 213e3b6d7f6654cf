"""Read text tables: CSV in many dialects, and the formats of SExtractor, CDS, IPAC and ECSV."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import numpy as np
from astropy.io import ascii as astropy_ascii
from astropy.table import Column, MaskedColumn, Table

from galaxtool.tables.column_names import ID_COLUMNS, NOTES, PATH_COLUMNS
from galaxtool.tables.formats.dialect import TextTable, split_table
from galaxtool.tables.formats.ecsv import EcsvFormat
from galaxtool.tables.formats.parse_cells import convert_commas, parse_column
from galaxtool.tables.formats.text_encoding import decode, from_latin, is_latin, read_bytes
from galaxtool.utils.unit_texts import is_computable_unit

_SEXTRACTOR = re.compile(r"#\s*\d+\s+[A-Z][A-Z0-9_]*\b.*")
_BYTE_BY_BYTE = re.compile(r"^Byte-by-byte Description of file", re.MULTILINE | re.IGNORECASE)
_DESCRIPTION = re.compile(r"\s*(?:\d+\s*-\s*)?\d+\s+[AIFE]\d[\d.]*\s")  # of a column: bytes and format
_UNIT_END = 2000
_SURROGATE = re.compile("[\udc80-\udcff]")
_HEAD = 1 << 16
_MAX_CHECKED = 20


def read_text_table(path: Path) -> Table:
    """Read a text table.

    Parameters
    ----------
    path : Path
        A file in UTF-8, UTF-16 or Windows-1252 (Latin-1); ECSV, SExtractor's ``ASCII_HEAD``, machine-readable tables of
        CDS and the AAS, IPAC tables, or cells separated by commas, tabs, semicolons, vertical bars or blanks.

    Returns
    -------
    Table
        A column is numbers or truth values only if nothing is lost, see `galaxtool.tables.formats.parse_cells`. Any
        other column is text. An empty cell is masked. The sentences in its metadata are for the user.

    Raises
    ------
    ValueError
        If the file is not text, or its dialect cannot be told.
    """
    raw = read_bytes(path)
    text = decode(raw)
    if "\0" in text[:_HEAD]:
        raise ValueError("it is not a text file")
    if text[:_HEAD].lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        raise ValueError("it is a web page, not a table")
    if found := _find_special_format(text):
        return _read_special(text, found, path)
    cells = split_table(text)
    notes = [f"'{path}': {note}." for note in cells.notes]
    if _SURROGATE.search(text):
        _decode_latin(cells, raw, path, notes)
    table = _make_table(cells, path, notes, has_quotes='"' in text)
    table.meta[NOTES] = notes
    return table


def _make_table(cells: TextTable, path: Path, notes: list[str], *, has_quotes: bool) -> Table:
    columns = [list(column) for column in zip(*cells.rows, strict=True)] or [[] for _ in cells.names]
    if cells.delimiter != "," or has_quotes:
        notes += [f"'{path}': {note}." for note in convert_commas(columns, cells.names, cells.delimiter)]
    table = Table([parse_column(column, name) for column, name in zip(columns, cells.names, strict=True)])
    for name, unit in zip(cells.names, cells.units, strict=False):
        if unit.strip('"()[] ') and table[name].dtype.kind in "if" and is_computable_unit(unit):
            table[name].unit = unit.strip("()[] ")
    return table


def _decode_latin(cells: TextTable, raw: bytes, path: Path, notes: list[str]) -> None:
    """Decode cells that are not UTF-8 as Windows-1252, unless they are the names of files that exist."""
    if not is_latin(raw) or _names_files(cells, path.parent):
        return
    cells.names = list(map(from_latin, cells.names))
    cells.rows = [list(map(from_latin, row)) for row in cells.rows]
    notes.append(f"'{path}' is not in UTF-8; it was read as Windows-1252 (Latin-1).")


def _names_files(cells: TextTable, folder: Path) -> bool:
    """Tell whether any of the first cells with other bytes is the path of a file, whose name must stay as it is."""
    places = [k for k, name in enumerate(cells.names) if name.lower() in (*PATH_COLUMNS, *ID_COLUMNS)]
    texts = [row[k] for row in cells.rows for k in places if not row[k].isascii()]
    return any(os.path.lexists(folder / text) or os.path.lexists(text) for text in texts[:_MAX_CHECKED])


def _find_special_format(text: str) -> str:
    """Return the name that astropy has for a format with a header of its own; empty for cells with separators."""
    head = text[:_HEAD]
    lines = [line for line in head.splitlines() if line.strip()]
    if not lines:
        return ""
    if any(line.startswith("# %ECSV") for line in lines[:5]):
        return "ecsv"
    if _SEXTRACTOR.fullmatch(lines[0]) and not _SEXTRACTOR.fullmatch(lines[-1]):
        return "sextractor"
    if _BYTE_BY_BYTE.search(head):
        return "mrt" if lines[0].startswith("Title:") else "cds"
    if lines[0].startswith("\\") or (lines[0].startswith("|") and lines[0].rstrip().endswith("|") and len(lines) > 1):
        bars = [line for line in lines if line.startswith("|")]
        return "ipac" if bars and not all(line.startswith(("|", "\\")) for line in lines[:6]) else ""
    return ""


def _read_special(text: str, name: str, path: Path) -> Table:
    if name == "ecsv":
        return EcsvFormat().read(path)
    _check_units(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name != "sextractor":  # the header gives the types
            return astropy_ascii.read(text, format=name, guess=False, fast_reader=False)
        converters = {"*": [astropy_ascii.convert_numpy(str)]}
        found = astropy_ascii.read(text, format=name, guess=False, fast_reader=False, converters=converters)
    table = Table()
    for column in found.columns.values():
        values = np.ma.filled(np.ma.asarray(column).astype(str), "").tolist()
        values = ["" if hidden else value.strip() for value, hidden in zip(values, _mask(column), strict=True)]
        parsed = parse_column(values, column.name)
        parsed.description = column.description
        if parsed.dtype.kind in "if":
            parsed.unit = column.unit
        table[column.name] = parsed
    return table


def _check_units(text: str) -> None:
    """Raise ValueError for a unit in a header of SExtractor, IPAC or CDS that astropy would take hours over."""
    for line in text.splitlines():
        if (line.startswith(("#", "|")) or _DESCRIPTION.match(line)) and not is_computable_unit(line[:_UNIT_END]):
            raise ValueError(f"its header has a unit that cannot be computed: {line.strip()[:60]}")


def _mask(column: Column | MaskedColumn) -> list[bool]:
    hidden: list[bool] = np.ma.getmaskarray(np.ma.asarray(column)).tolist()
    return hidden
