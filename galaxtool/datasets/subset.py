"""Select items of a data set by an SQL condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import InputError
from galaxtool.tables.filter import filter_rows
from galaxtool.types import Cutout, Item


class Subset:
    """Some items of a data set; a `galaxtool.datasets.protocols.Dataset`.

    Parameters
    ----------
    whole : Dataset
        The data set to select from; the subset has the same name.
    rows : sequence of int
        Indices of the items, in order.
    """

    def __init__(self, whole: Dataset, rows: Sequence[int]) -> None:
        self.whole = whole
        self.rows = list(rows)
        self.name = whole.name
        self.items: Sequence[Item] = [whole.items[row] for row in self.rows]

    def cutout(self, index: int) -> Cutout:
        """Read the image of ``items[index]``; raises `UnreadableImage` if that fails."""
        return self.whole.cutout(self.rows[index])


def select_items(dataset: Dataset, where: str) -> Subset:
    """Select the items that satisfy an SQL condition.

    Parameters
    ----------
    dataset : Dataset
        The data set to select from.
    where : str
        Condition on the columns of `create_items_table`; see `galaxtool.tables.filter`.

    Raises
    ------
    TableError
        If the condition is not valid or names an unknown column.
    InputError
        If no item satisfies it.
    """
    rows = np.flatnonzero(filter_rows(create_items_table(dataset.items), where)).tolist()
    if not rows:
        raise InputError(f"'{where}' holds for none of the {len(dataset.items)} images of '{dataset.name}'.")
    return Subset(dataset, rows)


def create_items_table(items: Sequence[Item]) -> Table:
    """Return the items as a table: their own columns, then ``id, path, label, split, ra, dec``.

    Parameters
    ----------
    items : sequence of Item
        The N items.

    Returns
    -------
    Table
        One row per item, masked where an item has no value.
    """
    names = list(dict.fromkeys(name for item in items for name in item.columns))
    table = Table()
    for name in names:
        table[name] = _create_column([item.columns.get(name) for item in items])
    table["id"] = _create_column([item.id for item in items])
    table["path"] = _create_column([str(item.ref) if item.ref else None for item in items])
    table["label"] = _create_column([item.label for item in items])
    table["split"] = _create_column([item.split or None for item in items])
    table["ra"] = _create_column([item.ra for item in items], empty=np.nan)
    table["dec"] = _create_column([item.dec for item in items], empty=np.nan)
    return table


def _create_column(values: list[Any], empty: Any = "") -> Column:
    """Return values as a column, masked where they are None; if any is a text, all become texts."""
    mask = [value is None for value in values]
    filler = next((value for value in values if value is not None), empty)
    data = np.array([filler if value is None else value for value in values])
    return MaskedColumn(data, mask=mask) if any(mask) else Column(data)
