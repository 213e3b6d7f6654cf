"""Labelled images listed in a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.datasets.files import FileDataset, Splits, read_splits
from galaxtool.datasets.label_column import read_label_column
from galaxtool.datasets.label_log import find_valid_labels, is_label_log
from galaxtool.errors import ConfigError
from galaxtool.inputs.band_files import Pattern
from galaxtool.inputs.catalogue import read_catalogue
from galaxtool.inputs.cells import list_texts, to_plain_value
from galaxtool.inputs.lists import RelativePathResolver
from galaxtool.inputs.names import make_unique
from galaxtool.tables.column_names import (
    ID_COLUMNS,
    LABEL_COLUMNS,
    PATH_COLUMNS,
    SPLIT_COLUMNS,
    find_column,
)
from galaxtool.tables.read import read_table
from galaxtool.types import ImageRef, Item
from galaxtool.utils.files.path_texts import make_lacking_path

_FIELDS = {"id", "path", "label", "split", "ra", "dec"}


def open_catalogue(
    *,
    path: str | Path,
    image_column: str | None = None,
    label_column: str | None = None,
    needs_labels: bool = True,
    name: str = "",
    pattern: str | None = None,
    bands: Sequence[str] = (),
    ra_column: str | None = None,
    dec_column: str | None = None,
    table: str | None = None,
) -> FileDataset:
    """Open a table with a path and a label in each row.

    Parameters
    ----------
    path : str or Path
        CSV, ECSV, FITS, VOTable or Parquet. Catalogues for Zoobot (``id_str``, ``file_loc``) work unchanged. Paths may
        point into archives, and a column ``hdu`` gives the HDU of each row.
    image_column, label_column : str, optional
        Columns of paths and labels, if they do not have one of the usual names. A row without a label is unlabelled.
        ``{band}_path`` stands for one column of paths per band.
    needs_labels : bool
        Whether a column of labels is required.
    name : str, optional
        Name of the data set; by default that of the file.
    pattern : str, optional
        Pattern of the file names if each band has its own file, see `galaxtool.inputs.band_files.Pattern`. ``{id}``
        stands for the path of a row, or for its identifier if there are no paths.
    bands : sequence of str
        Bands of the pattern, or of the columns, in order.
    ra_column, dec_column : str, optional
        Columns of positions, see `galaxtool.inputs.positions.find.read_positions`.
    table : str, optional
        Name or number of the table in a file with several; by default the first that has the wanted columns.

    Returns
    -------
    FileDataset
        One item for each row, in order. A column ``split`` gives the splits. Of a log of ``galaxtool label``, an item
        for each object that has a label, see `galaxtool.datasets.label_log`.

    Raises
    ------
    TableError
        If the table cannot be read, lacks a column, or contains an unknown split.
    ConfigError
        If the pattern is not valid, or is given without bands.
    """
    path = Path(path)
    band_pattern = None if pattern is None else _create_pattern(pattern, bands, path)
    if band_pattern is not None:
        image_column = find_column(read_table(path, table=table), image_column, (*PATH_COLUMNS, *ID_COLUMNS), path)
    catalogue = read_catalogue(
        path,
        image_column=image_column,
        bands=bands,
        ra_column=ra_column,
        dec_column=dec_column,
        table_name=table,
        also_wanted=[label_column.lower().split(",") if label_column else LABEL_COLUMNS],
        names_id_column=False,  # finetune has no option to choose another
    )
    cells = catalogue.table
    labels = read_label_column(cells, label_column, path, required=needs_labels)
    splits = _read_splits(cells, path)
    nothing = [""] * len(catalogue)  # for a table without columns, as the only one had images in its cells
    others = {other: list(cells[other]) for other in cells.colnames if other not in _FIELDS}
    units = {other: str(unit) for other in others if (unit := cells[other].unit) is not None}
    valid, valid_notes = find_valid_labels(cells) if is_label_log(cells) else (None, ())
    used = range(len(catalogue)) if valid is None else sorted(valid)
    names = list(catalogue.names)
    for row, unique in zip(used, make_unique(names[row] for row in used), strict=True):
        names[row] = unique
    if band_pattern is None:
        refs = [catalogue.item(row, each).ref for row, each in enumerate(names)]
    else:
        refs = _create_band_refs(list_texts(cells[image_column]), band_pattern, path.parent)
    items = [
        Item(
            id=identifier,
            ref=refs[row],
            label=(labels.texts or nothing)[row] or None,
            split=(splits.texts or nothing)[row],
            ra=float(catalogue.ra[row]) if np.isfinite(catalogue.ra[row]) else None,
            dec=float(catalogue.dec[row]) if np.isfinite(catalogue.dec[row]) else None,
            columns={other: to_plain_value(values[row]) for other, values in others.items()},
            units=units,
        )
        for row, identifier in ((row, names[row]) for row in used)
    ]
    notes = (*catalogue.notes, *labels.notes, *splits.notes, *valid_notes)
    return FileDataset(name or path.stem, items, notes=notes)


def _create_pattern(text: str, bands: Sequence[str], path: Path) -> Pattern:
    """Return the pattern for the files of the bands."""
    if not bands:
        raise ConfigError(
            f"--pattern was given with the catalogue '{path}', but no bands.",
            hint="Name the bands, e.g. --bands g,r,z.",
        )
    return Pattern(text, bands)


def _create_band_refs(written: Sequence[str], pattern: Pattern, folder: Path) -> list[ImageRef]:
    """Return the images of the rows, each with one file per band."""
    beside = RelativePathResolver(folder)
    refs = []
    for row, text in enumerate(written):
        files = [Path(beside.path(pattern.path(text, band))) for band in pattern.bands] if text else []
        first = files[0] if files else folder / make_lacking_path(row)
        refs.append(ImageRef(first, bands=tuple(zip(pattern.bands, files, strict=False))))
    return refs


def _read_splits(table: Table, path: Path) -> Splits:
    """Return the split of each row, empty if not given."""
    column = find_column(table, None, SPLIT_COLUMNS, path)
    if column is None:
        return Splits([""] * len(table))
    return read_splits(list_texts(table[column]), f"The column '{column}' of '{path}'")
