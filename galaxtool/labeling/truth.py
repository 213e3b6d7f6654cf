"""The labels of objects in a table that stands in for a person."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from astropy.table import Table

from galaxtool.datasets.label_column import read_label_column
from galaxtool.datasets.label_log import find_valid_labels, is_label_log
from galaxtool.errors import InputError, TableError, suggest_name
from galaxtool.inputs.cells import list_texts
from galaxtool.inputs.lists import RelativePathResolver
from galaxtool.search.features import Features
from galaxtool.tables.column_names import ID_COLUMNS, PATH_COLUMNS, find_column, list_columns
from galaxtool.tables.read import read_table
from galaxtool.utils.counts import format_count

_LISTED = 12


@dataclass(frozen=True, eq=False)
class KnownLabels:
    """The labels of objects.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Rows of the objects that have a label, in order.
    labels : ndarray of str, shape (n,)
        Their labels.
    notes : tuple of str
        What was left out.
    """

    rows: np.ndarray
    labels: np.ndarray
    notes: tuple[str, ...] = ()

    def find_wanted(self, wanted: str, path: Path) -> np.ndarray:
        """Return which objects have a label, ndarray of bool, shape (n,).

        Raises
        ------
        InputError
            If none or all of them have it.
        """
        is_wanted: np.ndarray = self.labels == wanted
        if 0 < is_wanted.sum() < len(is_wanted):
            return is_wanted
        counts = Counter(self.labels.tolist())
        named = ", ".join(f"{label} ({n})" for label, n in counts.most_common(_LISTED))
        if is_wanted.any():
            raise InputError(
                f"All {len(is_wanted):,} objects of '{path}' have the label '{wanted}'.",
                hint="Give a table that also has other objects.",
            )
        near = suggest_name(wanted, counts)
        raise InputError(
            f"No object of '{path}' has the label '{wanted}'." + (f" Did you mean '{near}'?" if near else ""),
            hint=f"Its labels are {named}" + (", ..." if len(counts) > _LISTED else "."),
        )


def read_truth(features: Features, path: Path, label_column: str | None = None) -> KnownLabels:
    """Read the labels of objects from a table.

    Parameters
    ----------
    features : Features
        The objects.
    path : Path
        Table with the paths or identifiers of objects and their labels, perhaps a log of ``galaxtool label``.
    label_column : str, optional
        Column of the labels, if it has none of the usual names.

    Raises
    ------
    InputError
        If the table cannot be read, lacks a column, names none of the objects, or gives an object different labels.
    """
    table = read_table(path)
    labels = dict(enumerate(read_label_column(table, label_column, path).texts))
    notes: tuple[str, ...] = ()
    if is_label_log(table) and label_column is None:
        labels, notes = find_valid_labels(table)
    id_column, path_column = (find_column(table, None, usual, path) for usual in (ID_COLUMNS, PATH_COLUMNS))
    if id_column is None and path_column is None:
        raise TableError(
            f"'{path}' has no column of paths or identifiers; its columns are {list_columns(table)}.",
            hint="Name it path or id.",
        )
    rows = _match(features, table, id_column, path_column, path.parent)
    found: dict[int, str] = {}
    unknown = unlabeled = 0
    for place, label in labels.items():
        row = rows[place]
        unknown += row < 0
        unlabeled += not label
        if row >= 0 and label and found.setdefault(row, label) != label:
            name = features.items["id"][row].as_py()
            raise InputError(
                f"'{path}' gives '{name}' two labels, '{found[row]}' and '{label}'.", hint="Leave one of them out."
            )
    if not found:
        raise InputError(
            f"None of the {format_count(len(labels), 'row')} of '{path}' labels an object of '{features.name}'.",
            hint="Give a table with the paths or identifiers of these objects, and their labels.",
        )
    if unknown:
        notes += (f"{format_count(unknown, 'row')} of '{path}' that '{features.name}' does not have, left out.",)
    if unlabeled:
        notes += (f"{format_count(unlabeled, 'row')} of '{path}' without a label, left out.",)
    if len(found) < len(features):
        rest = format_count(len(features) - len(found), "object")
        notes += (f"{rest} of '{features.name}' that '{path}' does not label, left out.",)
    ordered = sorted(found)
    return KnownLabels(np.array(ordered), np.array([found[row] for row in ordered]), notes)


def _match(features: Features, table: Table, id_column: str | None, path_column: str | None, folder: Path) -> list[int]:
    """Return the row of each object of a table, by its path or else by its identifier; -1 where there is none."""
    own_ids = {name: row for row, name in enumerate(features.items["id"].to_pylist())}
    # Path.resolve would follow links
    own_paths = {
        os.path.abspath(text): row  # noqa: PTH100
        for row, text in enumerate(features.items["path"].to_pylist())
        if text
    }
    count = len(table)
    rows = [-1] * count
    if path_column is not None:
        beside = RelativePathResolver(folder)
        for place, text in enumerate(list_texts(table[path_column])):
            if text:
                row = own_paths.get(os.path.abspath(beside.path(text)), -1)  # noqa: PTH100
                # the table may have been moved: the usual identifier of an image is its path without the suffix
                bare = PurePosixPath(text).with_suffix("")
                names = (str(bare), bare.name) if row < 0 else ()
                rows[place] = next((own_ids[name] for name in names if name in own_ids), row)
    if id_column is not None:
        for place, text in enumerate(list_texts(table[id_column])):
            if rows[place] < 0:
                rows[place] = own_ids.get(text, -1)
    return rows
