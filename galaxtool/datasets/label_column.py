"""Labels in a column of a table, whatever the cells hold: names, numbers, lists of one name, one-hot vectors."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column, Table

from galaxtool.datasets.label_names import find_label_names
from galaxtool.errors import TableError
from galaxtool.tables.column_names import LABEL_COLUMNS, find_column, list_columns
from galaxtool.tables.formats.plain_columns import find_masked_cells, get_values_and_mask
from galaxtool.tables.whole_numbers import format_integer_valued

_OBVIOUS = ("label", "class")


@dataclass(frozen=True, slots=True)
class ColumnLabels:
    """Labels of N rows, empty where a row has none, and what to tell the user about them."""

    texts: list[str]
    notes: tuple[str, ...] = ()


def read_label_column(table: Table, given: str | None, path: Path, *, required: bool = True) -> ColumnLabels:
    """Read the labels of a table.

    Parameters
    ----------
    table : Table
        N rows.
    given : str or None
        Name of the column; by default the first of the usual names. Or the names of several columns of zeros and ones,
        separated by commas: the class of a row is then the name of the column with its one.
    path : Path
        File of the table, for messages, and for the names of numbered classes in Parquet files of Hugging Face.
    required : bool
        Whether to raise an error if no column is found.

    Returns
    -------
    ColumnLabels
        Numbers that are integers as such; a one-hot vector becomes the position of its one, from 0.

    Raises
    ------
    TableError
        If there is no such column, or its cells hold several values that are not one-hot.
    """
    if given is not None and given not in table.colnames and "," in given:
        return _read_indicators(table, [name.strip() for name in given.split(",")], path)
    name = find_column(table, given, LABEL_COLUMNS, path)
    if name is None:
        if required:
            raise _explain_no_column(table, path)
        return ColumnLabels([""] * len(table))
    found = read_cells(table[name], f"The column '{name}' of '{path}'")
    notes = list(found.notes)
    if given is None and name.lower() not in _OBVIOUS:
        notes.append(f"The labels are those of the column '{name}'; --label-column names another.")
    names = find_label_names(path, name)
    return ColumnLabels(apply_names(found.texts, names) if names else found.texts, tuple(notes))


def read_cells(column: Column, what: str) -> ColumnLabels:
    """Return the labels of a column, which `what` names as the subject of a sentence; see `read_label_column`."""
    values, mask = get_values_and_mask(column)
    if values.ndim == 1:
        texts = format_integer_valued(column)
        cells = _parse_lists(texts)
        if cells is None:
            return ColumnLabels(texts)
        return _read_lists(cells, what)
    rows = zip(values.reshape(len(values), -1).tolist(), find_masked_cells(mask).tolist(), strict=True)
    cells = [None if hidden else row for row, hidden in rows]
    return _read_lists(cells, what)


def apply_names(texts: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Replace class numbers by their names; a number without a name is unchanged."""
    return [names.get(text, text) for text in texts]


def _read_lists(cells: Sequence[list[Any] | None], what: str) -> ColumnLabels:
    """Return the labels of lists, each of one label or one-hot; None and an empty list are missing."""
    lengths = {len(cell) for cell in cells if cell}
    if lengths <= {1}:
        values = [cell[0] if cell else None for cell in cells]
        if any(isinstance(value, float) for value in values) and not any(isinstance(value, str) for value in values):
            return ColumnLabels(
                format_integer_valued(Column([np.nan if value is None else float(value) for value in values]))
            )
        return ColumnLabels(["" if value is None or value != value else str(value) for value in values])
    if len(lengths) == 1 and all(isinstance(v, bool | int | float) for cell in cells for v in cell or ()):
        length = lengths.pop()
        vectors = np.array([cell or [np.nan] * length for cell in cells], dtype=float)
        position = find_ones(vectors)
        if position is not None:
            texts = ["" if k < 0 else str(k) for k in position.tolist()]
            return ColumnLabels(
                texts, (f"{what} is one-hot: the class is the position of the one, from 0 to {length - 1}.",)
            )
        counted = f"arrays of {length} numbers that are not one-hot"
    else:
        counted = "lists of several values"
    raise TableError(
        f"{what} holds {counted}, and an image has one class.",
        hint="Write the class of each row into a separate column. Vote fractions are learned with --votes.",
    )


def find_ones(vectors: np.ndarray) -> np.ndarray | None:
    """Return the position of the one in each one-hot vector.

    Parameters
    ----------
    vectors : ndarray, shape (N, K)
        NaN where unknown.

    Returns
    -------
    ndarray of int, shape (N,), or None
        -1 for a vector of zeros or NaN; None if any vector has another value, or several ones, or all are -1.
    """
    known = np.nan_to_num(vectors, nan=0.0)
    ones = known == 1
    if not (ones | (known == 0)).all() or (ones.sum(axis=1) > 1).any() or not ones.any():
        return None
    return np.where(ones.any(axis=1), ones.argmax(axis=1), -1)


def _read_indicators(table: Table, names: list[str], path: Path) -> ColumnLabels:
    """Return the name of the column of zeros and ones that has the one of each row."""
    for name in names:
        find_column(table, name, (), path)
    vectors = _to_numbers(table, names)
    position = None if vectors is None else find_ones(vectors)
    if position is None:
        raise TableError(
            f"The columns {', '.join(names)} of '{path}' are not one-hot: each row needs a single 1 among zeros.",
            hint="Write the class of each row into one column. Vote fractions are learned with --votes.",
        )
    return ColumnLabels(["" if k < 0 else names[k] for k in position.tolist()])


def _explain_no_column(table: Table, path: Path) -> TableError:
    """Return the error for a table without labels, which names columns that are one-hot together."""
    binary = [name for name in table.colnames if _is_binary(table[name])]
    vectors = _to_numbers(table, binary) if len(binary) > 1 else None
    if vectors is not None and find_ones(vectors) is not None:
        hint = f"These are one-hot: --label-column {','.join(binary)}"
    else:
        hint = "Name the column with --label-column."
    return TableError(
        f"The catalogue '{path}' has no column of labels; its columns are {list_columns(table)}.", hint=hint
    )


def _is_binary(column: Column) -> bool:
    values, mask = get_values_and_mask(column)
    return values.ndim == 1 and values.dtype.kind in "biuf" and bool(np.isin(values[~mask], (0, 1)).all())


def _to_numbers(table: Table, names: Sequence[str]) -> np.ndarray | None:
    """Return columns as an array of shape (rows, columns), NaN where masked; None if one has other values."""
    columns = []
    for name in names:
        values, mask = get_values_and_mask(table[name])
        if values.ndim != 1 or values.dtype.kind not in "biuf":
            return None
        columns.append(np.where(mask, np.nan, values.astype(float)))
    return np.stack(columns, axis=1)


def _parse_lists(texts: Sequence[str]) -> list[list[Any] | None] | None:
    """Parse texts such as ``["ring"]``, ``[0, 1]`` and ``[0. 1.]``; None unless all of them are lists."""
    written = {text for text in texts if text}
    if not written or not all(text.startswith("[") and text.endswith("]") for text in written):
        return None
    parsed = {text: _parse_list(text) for text in written}
    return [parsed[text] if text else None for text in texts]


def _parse_list(text: str) -> list[Any]:
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        return list(found)
    words = [word for word in re.split(r"[\s,]+", text[1:-1]) if word]
    try:
        return [float(word) for word in words]
    except ValueError:
        return [word.strip("'\"") for word in words]
