"""The probabilities of classes in a table of predictions: the columns ``p_<class>``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.errors import TableError

PREFIX = "p_"
_NUMERIC = "iufb"


def read_class_probabilities(table: Table, source: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the classes of a table of predictions, and their probabilities.

    A catalogue may have columns of such names, as ``p_value``. In a table that `classify` or `evaluate` wrote, those
    come before the columns ``label`` and ``probability``, and the probabilities after them.

    Parameters
    ----------
    table : Table, N rows
        Table of predictions of galaxtool, or any table with columns ``p_<class>``.
    source : Path
        Where it is from, for messages.

    Returns
    -------
    classes : tuple of str
        Slugs of the K classes; empty if there are no probabilities.
    probabilities : ndarray of float64, shape (N, K)
        Probabilities, NaN where there is none.

    Raises
    ------
    TableError
        If the table is not one of galaxtool, and a column of probabilities is not numeric.
    """
    names = _list_columns(table)
    for name in names:
        if not _is_numeric(table, name):
            raise TableError(
                f"The column '{name}' of '{source}' is not numeric.", hint="A probability is a number from 0 to 1."
            )
    values = [np.ma.filled(np.ma.asarray(table[name], dtype=np.float64), np.nan) for name in names]
    probabilities = np.column_stack(values) if values else np.zeros((len(table), 0))
    return tuple(name.removeprefix(PREFIX) for name in names), probabilities


def _list_columns(table: Table) -> list[str]:
    names: list[str] = table.colnames
    after_label = names[names.index("label") + 1 :] if "label" in names else []
    if "probability" in after_label:
        own = after_label[after_label.index("probability") + 1 :]
        return [name for name in own if name.startswith(PREFIX) and _is_numeric(table, name)]
    found = [name for name in after_label if name.startswith(PREFIX)]
    return found or [name for name in names if name.startswith(PREFIX)]


def _is_numeric(table: Table, name: str) -> bool:
    return table[name].dtype.kind in _NUMERIC and table[name].ndim == 1
