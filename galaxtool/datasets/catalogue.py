"""Labelled images named by a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.datasets.files import SPLITS, FileDataset
from galaxtool.errors import TableError
from galaxtool.io.catalogue import LABEL_COLUMNS, SPLIT_COLUMNS, column_named, listed, read_catalogue, texts, value
from galaxtool.io.walk import unique
from galaxtool.types import Item

_FIELDS = {"id", "path", "label", "split", "ra", "dec"}


def catalogue_dataset(
    *,
    path: str | Path,
    image_column: str | None = None,
    label_column: str | None = None,
    needs_labels: bool = True,
    name: str = "",
) -> FileDataset:
    """Open a table with a path and a label in each row.

    Parameters
    ----------
    path : str or Path
        CSV, ECSV, FITS, VOTable or Parquet. Zoobot's catalogues (``id_str``, ``file_loc``) work as they are.
    image_column, label_column : str, optional
        Which columns to take, where they do not have one of the usual names. A row without a label is unlabelled.
    needs_labels : bool
        Whether there must be a column of labels.
    name : str, optional
        Of the data set; the file's otherwise.

    Returns
    -------
    FileDataset
        One item for each row, in order. A column ``split`` is taken as the given split.

    Raises
    ------
    TableError
        If the table cannot be read, lacks a column, or has a split of an unknown name.
    """
    path = Path(path)
    catalogue = read_catalogue(path, image_column=image_column)
    table = catalogue.table
    labelled = column_named(table, label_column, LABEL_COLUMNS, path)
    if labelled is None and needs_labels:
        raise TableError(
            f"The catalogue '{path}' has no column of labels; its columns are {listed(table)}.",
            hint="Name the column with --label-column.",
        )
    labels = texts(table[labelled]) if labelled else [""] * len(table)
    splits = _splits(table, path)
    others = {other: list(table[other]) for other in table.colnames if other not in _FIELDS}
    items = [
        Item(
            id=identifier,
            path=catalogue.images[row],
            label=labels[row] or None,
            split=splits[row],
            ra=float(catalogue.ra[row]) if np.isfinite(catalogue.ra[row]) else None,
            dec=float(catalogue.dec[row]) if np.isfinite(catalogue.dec[row]) else None,
            columns={other: value(cells[row]) for other, cells in others.items()},
        )
        for row, identifier in enumerate(unique(catalogue.names))
    ]
    return FileDataset(name or path.stem, items)


def _splits(table: Table, path: Path) -> list[str]:
    """Return the split of each row, empty where the table does not say."""
    column = column_named(table, None, SPLIT_COLUMNS, path)
    if column is None:
        return [""] * len(table)
    written = [text.lower() for text in texts(table[column])]
    unknown = sorted({text for text in written if text and text not in SPLITS})
    if unknown:
        raise TableError(
            f"The column '{column}' of '{path}' has the split '{unknown[0]}', which is not known.",
            hint="Splits are train, valid and test; rename the column if it means something else.",
        )
    return [SPLITS.get(text, "") for text in written]
