"""The captions of the images of a data set."""

from __future__ import annotations

from galaxtool.datasets.protocols import Dataset
from galaxtool.types import Item
from galaxtool.utils.captions import COLUMN, split_captions


def read_captions(dataset: Dataset, index: int) -> tuple[str, ...]:
    """Return the captions of ``items[index]``, if there are any.

    They are what the method ``captions`` of the data set returns, if it has one, or else the cell of the column
    ``caption`` in any spelling.
    """
    find = getattr(dataset, "captions", None)
    if callable(find):
        captions: tuple[str, ...] = find(index)
        return captions
    whole, rows = getattr(dataset, "whole", None), getattr(dataset, "rows", None)
    if whole is not None:
        return read_captions(whole, index if rows is None else rows[index])
    return _read_column(dataset.items[index])


def _read_column(item: Item) -> tuple[str, ...]:
    if COLUMN in item.columns:
        return split_captions(item.columns[COLUMN])
    return next((split_captions(cell) for name, cell in item.columns.items() if name.lower() == COLUMN), ())
