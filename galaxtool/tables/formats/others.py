"""The formats that astropy writes and galaxtool does not read: for other programs, papers and pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column, Table, vstack

from galaxtool.errors import GalaxtoolError
from galaxtool.tables.formats.plain import escaped, no_surrogates, rebuilt, values_and_mask, whole, with_texts
from galaxtool.tables.formats.schema import TableSchema, own_type, widened

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_ASCII = re.compile("[^ -~]")
_COMMENT = re.compile(r"^(\s*)#")
_NO_BOOL = ("ascii.ipac", "ascii.mrt", "ascii.rdb")
_TEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "hdf5": {"path": "table", "serialize_meta": True},
    "ascii.ipac": {"DBMS": False},
}


def prepare_other(table: Table) -> Table:
    """Return a table without bytes of file names that are no UTF-8."""
    return with_texts(table, no_surrogates)


def write_other(path: Path, layout: TableSchema, meta: dict[str, Any], kind: str) -> None:
    """Write a table, all of it in memory, by astropy.

    Parameters
    ----------
    path : Path
        What is there is written over.
    layout : Layout
    meta : dict
        Kept in HDF5 and, as comments, in ``.dat`` and ``.ipac``.
    kind : str
        What astropy calls the format.

    Raises
    ------
    GalaxtoolError
        If astropy cannot put this table into this format.

    Notes
    -----
    HDF5 holds the dataset ``table``, with units, descriptions and masks where astropy reads them. The rest are lines
    of text: arrays are JSON; ends of lines and what a reader would take for a comment are escaped.
    """
    stored = own_type if kind == "hdf5" else widened  # readers of lines know integers of 64 bits with a sign only
    table = vstack([layout.empty(stored), *layout.blocks(stored)], metadata_conflicts="silent")
    try:
        if kind == "hdf5":
            table.meta = dict(meta)
        else:
            table = _as_lines(table, kind)
            if kind in ("ascii.commented_header", "ascii.ipac"):
                table.meta["comments"] = [f"{key} = {escaped(str(value), _CONTROL)}" for key, value in meta.items()]
        table.write(path, format=kind, overwrite=True, **_OPTIONS.get(kind, {}))
    except OSError:
        raise
    except Exception as error:  # each of astropy's writers has its own
        why = str(error) if len(table) else "it has no rows"
        raise GalaxtoolError(
            f"astropy cannot write this table as {kind.removeprefix('ascii.')}: {why}.",
            hint="Write it as .fits, .vot, .ecsv, .csv or .parquet.",
        ) from error


def _as_lines(table: Table, kind: str) -> Table:
    """Return a table as the formats of lines can hold it."""
    names = _names(table.colnames, kind)
    columns = [_one_line(column, kind, first=not k) for k, column in enumerate(table.columns.values())]
    return Table(columns, names=names, copy=False)


def _one_line(column: Column, kind: str, *, first: bool) -> Column:
    data, mask = values_and_mask(column)
    if data.ndim > 1 or data.dtype.kind == "c" or (data.dtype.kind == "b" and kind in _NO_BOOL):
        hidden = whole(mask)
        cells = np.ma.asarray(column).tolist()
        texts = [json.dumps(cell, default=str) if data.ndim > 1 else str(cell) for cell in cells]
        data, mask = np.where(hidden, "", np.array(texts, dtype=str if texts else "U1")), hidden
    elif data.dtype.kind == "U":
        change = _changes(kind, first)
        values = [change(value) for value in data.tolist()]
        data = np.array(values, dtype=str if values else "U1")
    elif data.dtype == np.float32:
        data = np.array(data.astype(str).tolist(), dtype=float)  # else some writers print digits that are none
    if kind == "ascii.mrt" and data.dtype.kind == "U" and not (data != "").any():
        data, mask = np.full(len(data), " "), np.zeros(len(data), dtype=bool)  # astropy counts no byte for nothing
    plain = rebuilt(column, data, mask)
    if kind == "ascii.mrt" and data.dtype.kind == "f" and any("e" in str(value) for value in data[~mask].tolist()):
        plain.format = ".16e"  # astropy takes the digits from the values, and errs where only some have exponents
    return plain


def _changes(kind: str, first: bool) -> Callable[[str], str]:
    """Return what is done to texts; `first` says that lines begin with them."""
    if kind == "ascii.latex":
        return _tex
    if kind == "ascii.mrt":
        return lambda text: escaped(text, _NOT_ASCII)  # its columns are counted in bytes
    if kind == "ascii.html" or not first:
        return _no_control
    return lambda text: _COMMENT.sub(lambda match: match[1] + r"\x23", _no_control(text))


def _no_control(text: str) -> str:
    return escaped(text, _CONTROL)


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in _no_control(text))


def _names(names: list[str], kind: str) -> list[str]:
    """Return names of columns as a format allows them."""
    if kind not in ("ascii.ipac", "ascii.mrt"):
        return [_changes(kind, not k)(name) for k, name in enumerate(names)]
    odd, taken, result = (r"\W" if kind == "ascii.ipac" else r"[^!-~]"), set(), []
    for name in names:  # IPAC makes no difference between large and small letters
        plain = wanted = re.sub(odd, "_", name, flags=re.ASCII)
        number = 1
        while plain.lower() in taken:
            number += 1
            plain = f"{wanted}_{number}"
        taken.add(plain.lower())
        result.append(plain)
    return result
