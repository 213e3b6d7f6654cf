"""The part of a data set for which an expression holds."""

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
        What they are taken from; its name is kept.
    rows : sequence of int
        Which of its items, in the order wanted.
    """

    def __init__(self, whole: Dataset, rows: Sequence[int]) -> None:
        self.whole = whole
        self.rows = list(rows)
        self.name = whole.name
        self.items: Sequence[Item] = [whole.items[row] for row in self.rows]

    def cutout(self, index: int) -> Cutout:
        """Return the image of ``items[index]``; raise `UnreadableImage` where it cannot be read."""
        return self.whole.cutout(self.rows[index])


def matching(dataset: Dataset, where: str) -> Subset:
    """Return the items for which an expression holds.

    Parameters
    ----------
    dataset : Dataset
        What to choose from.
    where : str
        Over the columns of `items_table`; see `galaxtool.tables.filter`.

    Raises
    ------
    TableError
        If the expression is wrong or names a column that is not there.
    InputError
        If it holds for no item.
    """
    rows = np.flatnonzero(filter_rows(items_table(dataset.items), where)).tolist()
    if not rows:
        raise InputError(f"'{where}' holds for none of the {len(dataset.items)} images of '{dataset.name}'.")
    return Subset(dataset, rows)


def items_table(items: Sequence[Item]) -> Table:
    """Return what is known of items as a table: their columns, then ``id, path, label, split, ra, dec``.

    Parameters
    ----------
    items : sequence of Item
        N of them.

    Returns
    -------
    Table
        N rows; masked where an item does not say.
    """
    names = list(dict.fromkeys(name for item in items for name in item.columns))
    table = Table()
    for name in names:
        table[name] = _column([item.columns.get(name) for item in items])
    table["id"] = _column([item.id for item in items])
    table["path"] = _column([str(item.ref) if item.ref else None for item in items])
    table["label"] = _column([item.label for item in items])
    table["split"] = _column([item.split or None for item in items])
    table["ra"] = _column([item.ra for item in items], empty=np.nan)
    table["dec"] = _column([item.dec for item in items], empty=np.nan)
    return table


def _column(values: list[Any], empty: Any = "") -> Column:
    """Return values as a column, masked where they are None; of texts, where some of them are texts."""
    mask = [value is None for value in values]
    filler = next((value for value in values if value is not None), empty)
    data = np.array([filler if value is None else value for value in values])
    return MaskedColumn(data, mask=mask) if any(mask) else Column(data)
