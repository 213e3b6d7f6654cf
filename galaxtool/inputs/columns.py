"""The columns of several catalogues in one table."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn, Table, vstack

from galaxtool.inputs.catalogue import Catalogue
from galaxtool.inputs.cells import list_texts
from galaxtool.inputs.items import InputPart


def stack_columns(parts: Sequence[InputPart]) -> Table | None:
    """Stack the columns of catalogues, with a row for every item of every part.

    Parameters
    ----------
    parts : sequence of InputPart
        Catalogues, and parts without columns.

    Returns
    -------
    Table or None
        Masked where a part is not a catalogue or lacks the column; text where columns with the same name have
        different types; in the unit of the first part that has one, or without a unit where they cannot be converted.
        The table of the catalogue itself where it is the only part; None where no part is one.
    """
    tables = [part.table for part in parts if isinstance(part, Catalogue)]
    if not tables:
        return None
    if len(parts) == 1:
        return tables[0]
    names = list(dict.fromkeys(name for table in tables for name in table.colnames))
    row = _unused_name("row", names)
    filled = []
    for part in parts:
        table = part.table.copy(copy_data=False) if isinstance(part, Catalogue) else Table()
        table.meta = {}
        table[row] = np.arange(len(part))  # gives a part without a catalogue its rows
        filled.append(table)
    for name in names:
        _unify_types(filled, name)
        _unify_units(filled, name)
    stacked = vstack(filled, metadata_conflicts="silent")
    return stacked[names]


def hash_columns(table: Table) -> str:
    """Return the SHA-256 of names, units, types and values of all columns, in hexadecimal; masked values are equal."""
    digest = sha256()
    for column in table.itercols():
        digest.update(f"{column.name}\0{column.unit}\0{column.dtype.str}\0{column.shape}\0".encode())
        values, mask = np.ma.filled(column.data), np.ma.getmaskarray(column.data)
        digest.update(np.packbits(mask).tobytes())
        digest.update(
            repr(values.tolist()).encode("utf-8", "surrogatepass") if values.dtype.hasobject else values.tobytes()
        )
    return digest.hexdigest()


def _unused_name(name: str, taken: Sequence[str]) -> str:
    """Return a name that is not taken, with underscores in front if need be."""
    while name in taken:
        name = f"_{name}"
    return name


def _unify_types(tables: list[Table], name: str) -> None:
    """Turn a column into text in all tables if it holds numbers in one of them and text in another."""
    columns = [table[name] for table in tables if name in table.colnames]
    if len({(column.dtype.kind == "U", column.dtype.kind == "b", column.shape[1:]) for column in columns}) == 1:
        return
    for table in tables:
        if name in table.colnames:
            plain = list_texts(table[name])
            hidden = [not value for value in plain]
            table[name] = MaskedColumn(plain, mask=hidden) if any(hidden) else Column(plain)


def _unify_units(tables: list[Table], name: str) -> None:
    """Convert a column to its first unit in all tables; numbers that cannot be converted lose their unit."""
    found = [table for table in tables if name in table.colnames and table[name].unit is not None]
    units = list(dict.fromkeys(table[name].unit for table in found))
    if len(units) < 2:
        return
    factors = {unit: _find_factor(unit, units[0]) for unit in units}
    is_known = None not in factors.values() and all(table[name].dtype.kind in "iuf" for table in found)
    for table in found:
        column = table[name].copy()  # that of the catalogue stays as it is
        factor = factors[column.unit] if is_known else None
        column = column if factor in (None, 1) else column * factor
        column.unit = units[0] if is_known else None
        table[name] = column


def _find_factor(unit: u.UnitBase, wanted: u.UnitBase) -> float | None:
    """Return what numbers are multiplied with for another unit; None if there is no such number."""
    try:
        return float(unit.to(wanted)) if isinstance(unit, u.UnitBase) and isinstance(wanted, u.UnitBase) else None
    except (u.UnitsError, TypeError, ValueError):
        return None
