"""The columns of several catalogues in one table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy.table import Column, MaskedColumn, Table, vstack

from galaxtool.inputs.catalogue import Catalogue, texts
from galaxtool.inputs.items import InputPart


def columns_of(parts: Sequence[InputPart]) -> Table | None:
    """Return the catalogues' columns with a row for every item of every part.

    Parameters
    ----------
    parts : sequence of Part

    Returns
    -------
    Table or None
        Masked where a part is no catalogue or has no such column; texts where columns of a name are of different
        kinds. The catalogue's own table where it is the only part; None where no part is one.
    """
    tables = [part.table for part in parts if isinstance(part, Catalogue)]
    if not tables:
        return None
    if len(parts) == 1:
        return tables[0]
    names = list(dict.fromkeys(name for table in tables for name in table.colnames))
    row = _free("row", names)
    filled = []
    for part in parts:
        table = part.table.copy(copy_data=False) if isinstance(part, Catalogue) else Table()
        table.meta = {}
        table[row] = np.arange(len(part))  # gives a part without a catalogue its rows
        filled.append(table)
    for name in names:
        _agree(filled, name)
    stacked = vstack(filled, metadata_conflicts="silent")
    return stacked[names]


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"_{name}"
    return name


def _agree(tables: list[Table], name: str) -> None:
    """Turn a column into texts everywhere where it holds numbers in one table and texts in another."""
    columns = [table[name] for table in tables if name in table.colnames]
    if len({(column.dtype.kind == "U", column.dtype.kind == "b", column.shape[1:]) for column in columns}) == 1:
        return
    for table in tables:
        if name in table.colnames:
            plain = texts(table[name])
            hidden = [not value for value in plain]
            table[name] = MaskedColumn(plain, mask=hidden) if any(hidden) else Column(plain)
