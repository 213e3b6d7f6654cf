"""The accuracy by the values of a column, such as magnitude, size or redshift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from galaxtool.errors import InputError, suggest_name
from galaxtool.evaluation.intervals import make_entry, make_wilson_entry
from galaxtool.taxonomy.sentinels import blank_sentinels

BINS = 8
"""Most bins of a column."""

_LEAST_IN_BIN = 10
_MOST_LISTED = 12
_ADDED = ("ra", "dec", "probability")


def read_numbers(table: Table, name: str) -> np.ndarray:
    """Return a column of numbers, float64 (N,), NaN where it has no finite value, or one such as -99 in its place.

    Raises
    ------
    InputError
        If there is no such column, or it is not numeric.
    """
    names = {column.lower(): column for column in reversed(table.colnames)}
    found = name if name in table.colnames else names.get(name.lower())
    numeric = [
        one
        for one in table.colnames
        if is_numeric(table[one]) and not one.startswith("p_") and not np.ma.getmaskarray(table[one]).all()
    ]
    more = ", ..." if len(numeric) > _MOST_LISTED else ""
    hint = (
        f"Columns of numbers are {', '.join(numeric[:_MOST_LISTED])}{more}."
        if numeric
        else "The data set has no column of numbers; they come from its labels.csv or catalogue."
    )
    if found is None:
        near = suggest_name(name, numeric)
        raise InputError(
            f"There is no column '{name}' to score by." + (f" Did you mean '{near}'?" if near else ""), hint=hint
        )
    column = table[found]
    if not is_numeric(column):
        shown = ", ".join(f"'{value}'" for value in list(dict.fromkeys(map(str, column)))[:3])
        raise InputError(
            f"The column '{name}' is not numeric ({shown}, ...), so it cannot be divided into bins.",
            hint=f"Score one value at a time with --where \"{name} = 'value'\". {hint}",
        )
    return blank_sentinels(np.ma.filled(column.astype(np.float64), np.nan))


def check_columns(columns: Table, names: Sequence[str]) -> None:
    """Raise `InputError` for a column that a data set does not have, or that is not numeric.

    Parameters
    ----------
    columns : Table
        Columns of the data set.
    names : sequence of str
        Columns to score by, which may also be some that the predictions add.
    """
    for name in names:
        if name.lower() not in _ADDED:
            read_numbers(columns, name)


def is_numeric(column: Column | MaskedColumn) -> bool:
    """Tell whether a column has numbers, one for each row."""
    return column.dtype.kind in "iuf" and column.ndim == 1


def tabulate_by_column(values: np.ndarray, predicted: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    """Return the accuracy in bins of a column with about equal numbers of images.

    Parameters
    ----------
    values : ndarray of float64, shape (N,)
        Values of the column; NaN where there is none.
    predicted, targets : ndarray of int, shape (N,)
        Most probable and true class.

    Returns
    -------
    dict
        ``bins``, each with ``low`` and ``high`` edges (the last one closed; the same for a column of few different
        values, each of which is a bin), the ``median`` value, ``n`` images and
        their ``accuracy`` with the Wilson interval; and ``missing``, the entry of the images without a value, if there
        are any.
    """
    known = np.isfinite(values)
    correct = predicted == targets
    bins: list[dict[str, Any]] = []
    if known.any():
        distinct = np.unique(values[known])
        count = max(1, min(BINS, int(known.sum()) // _LEAST_IN_BIN))
        if len(distinct) <= BINS:  # such as a flag or a number of arms
            lows = highs = distinct
        else:
            edges = np.unique(np.quantile(values[known], np.linspace(0, 1, count + 1)))
            lows, highs = edges[:-1], edges[1:]
        number = np.clip(np.searchsorted(lows, values, side="right") - 1, 0, None)
        for one, (low, high) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
            own = known & (number == one)
            if own.any():
                bins.append({
                    "low": low,
                    "high": high,
                    "median": float(np.median(values[own])),
                    **_score(correct[own]),
                })  # fmt: skip
    return {"bins": bins, **({"missing": _score(correct[~known])} if not known.all() else {})}


def _score(correct: np.ndarray) -> dict[str, Any]:
    n = len(correct)
    return {
        "n": n,
        "accuracy": make_wilson_entry(float(correct.mean()), n) if n else make_entry(np.nan, np.nan, np.nan),
    }
