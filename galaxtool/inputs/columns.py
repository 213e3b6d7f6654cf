"""The columns of several catalogues in one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table, vstack

from galaxtool.inputs.catalogue import Catalogue
from galaxtool.inputs.cells import list_texts
from galaxtool.inputs.items import InputPart
from galaxtool.tables.common_columns import convert_values, describe_units, find_common_unit, loses_digits
from galaxtool.tables.formats.plain_columns import get_values_and_mask, replace_values


def stack_columns(parts: Sequence[InputPart], notes: list[str]) -> Table | None:
    """Stack the columns of catalogues, with a row for every item of every part.

    Parameters
    ----------
    parts : sequence of InputPart
        Catalogues, and parts without columns.
    notes : list of str
        Receives sentences on columns that are in different units.

    Returns
    -------
    Table or None
        Masked where a part is not a catalogue or lacks the column; text where columns with the same name have
        different types, or integers of one would lose digits as floats. Values are converted to the unit of the first
        catalogue that states one, and have none where they cannot be. The table of the catalogue itself where it is the
        only part; None where no part is one with columns.
    """
    tables = [part.table for part in parts if isinstance(part, Catalogue) and part.table.colnames]
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
        _unify(filled, name, notes)
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


def _unify(tables: list[Table], name: str, notes: list[str]) -> None:
    """Give a column the same kind of values and the same unit in all tables that have it."""
    columns = [table[name] for table in tables if name in table.colnames]
    if len({(column.dtype.kind == "U", column.dtype.kind == "b", column.shape[1:]) for column in columns}) > 1 or (
        _lose_digits(columns)
    ):
        _replace(tables, name, _make_text)
    elif len({str(column.unit) for column in columns if column.unit is not None}) > 1:
        units = [column.unit for column in columns]
        common = find_common_unit(units) if all(column.dtype.kind in "iufc" for column in columns) else None
        _replace(tables, name, lambda column: _convert(column, common))
        notes.append(describe_units(name, units, common))


def _replace(tables: list[Table], name: str, change: Callable[[Column], Column]) -> None:
    for table in tables:
        if name in table.colnames:
            table[name] = change(table[name])


def _lose_digits(columns: Sequence[Column]) -> bool:
    """Tell whether integers would lose digits as they become floats beside those of another table."""
    if any(column.dtype.kind not in "iuf" for column in columns):
        return False
    becomes = np.result_type(*(column.dtype for column in columns))
    return becomes.kind == "f" and any(loses_digits(np.ma.filled(column.data, 0)) for column in columns)


def _make_text(column: Column) -> Column:
    plain = list_texts(column)
    hidden = [not value for value in plain]
    return MaskedColumn(plain, mask=hidden) if any(hidden) else Column(plain)


def _convert(column: Column, common: Any) -> Column:
    values, mask = get_values_and_mask(column)
    plain = Column(name=column.name, unit=common, description=column.description)
    return replace_values(plain, convert_values(values, column.unit, common), mask)
