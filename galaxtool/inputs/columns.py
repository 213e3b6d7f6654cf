"""The columns of several catalogues in one table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
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
        different types. The table of the catalogue itself where it is the only part; None where no part is one.
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
    stacked = vstack(filled, metadata_conflicts="silent")
    return stacked[names]


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
