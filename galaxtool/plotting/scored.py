"""Read images with their probabilities and true classes: evaluations, runs and tables of predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from galaxtool.containers.npz_files import BROKEN, read_arrays
from galaxtool.datasets.clean_labels import read_class_column
from galaxtool.errors import InputError, TableError
from galaxtool.models.readouts import choose_readout
from galaxtool.tables.class_probabilities import read_class_probabilities
from galaxtool.tables.column_names import find_column
from galaxtool.tables.formats.find import find_table_format
from galaxtool.tables.read import read_table
from galaxtool.types import Progress
from galaxtool.utils.counts import format_count
from galaxtool.utils.suggestions import suggest_path

PREDICTIONS, READOUTS = "predictions.parquet", "readouts.npz"
"""Files of an evaluation directory and of a run directory."""

_EVALUATE = "Run: galaxtool evaluate DATASET --model {path} -o DIR, and draw DIR."
_MAX_LISTED = 5


@dataclass(frozen=True, slots=True, eq=False)
class ScoredImages:
    """Images with a prediction and a true class.

    Parameters
    ----------
    classes : tuple of str
        Slugs of the K classes.
    probabilities : ndarray of float64, shape (N, K)
        Probabilities of the classes.
    targets : ndarray of int, shape (N,)
        Indices of the true classes.
    table : Table or None
        Rows of the N images, with all columns of the table of predictions; None for a run.
    """

    classes: tuple[str, ...]
    probabilities: np.ndarray
    targets: np.ndarray
    table: Table | None = None

    @property
    def predicted(self) -> np.ndarray:
        """Indices of the most probable classes, int (N,)."""
        best: np.ndarray = self.probabilities.argmax(axis=1)
        return best


def read_scored(path: Path, log: Progress, *, truth: str = "truth") -> ScoredImages:
    """Read the images of an evaluation directory, of a run trained with ``--readouts``, or of a table of predictions.

    Parameters
    ----------
    path : Path
        The directory or table.
    log : Progress
        Receives the number of rows without a prediction or a true class, which are left out.
    truth : str
        Column of a table with the slugs of the true classes.

    Raises
    ------
    InputError
        If there are no predictions, no true classes, or true classes that the predictions do not have.
    """
    if not path.exists():
        raise InputError(f"There is nothing at '{path}'.", hint=suggest_path(path))
    if path.is_dir():
        if (path / PREDICTIONS).is_file():
            return _read_predictions(path / PREDICTIONS, truth, log)
        if (path / READOUTS).is_file():
            return _read_readout(path / READOUTS)
        if members := sorted(path.glob(f"models/*/{PREDICTIONS}")):
            raise InputError(
                f"'{path}' is an evaluation of {len(members)} models, and a figure shows one.",
                hint=f"Draw one of them: {members[0].parent}",
            )
        is_run = (path / "history.csv").is_file()
        raise InputError(
            f"The {'run' if is_run else 'folder'} '{path}' has no predictions of images with a true class.",
            hint=_EVALUATE.format(path=path if is_run else "MODEL"),
        )
    if find_table_format(path) is None:
        raise InputError(
            f"'{path}' is neither a directory nor a table.",
            hint="Give an evaluation directory or a table of predictions.",
        )
    return _read_predictions(path, truth, log)


def read_labels(path: Path, truth: str, log: Progress) -> list[str]:
    """Return the true classes of a table of predictions, or of any table with a column of classes.

    Raises
    ------
    TableError
        If there is no such column.
    """
    table = read_table(path)
    labels = [label for label in _get_labels(table, truth, path) if label]
    if lacking := len(table) - len(labels):
        log.say(f"{format_count(lacking, 'row')} of '{path}' without a true class left out.")
    return labels


def _get_labels(table: Table, truth: str, path: Path) -> np.ndarray:
    """Return the true classes as texts, empty where there is none."""
    if truth not in table.colnames and truth == "truth":
        raise TableError(
            f"'{path}' has no true classes: it has no column 'truth'.",
            hint="Name the column with --truth COLUMN, or run `galaxtool evaluate`.",
        )
    column = find_column(table, truth, (), source=path)
    return np.array(read_class_column(table[column]), dtype=str)


def _read_predictions(path: Path, truth: str, log: Progress) -> ScoredImages:
    table = read_table(path)
    slugs, probabilities = read_class_probabilities(table, path)
    if not slugs:
        raise TableError(
            f"'{path}' has no probabilities: no column begins with p_.",
            hint="Give the table that `galaxtool classify` or `galaxtool evaluate` writes.",
        )
    labels = _get_labels(table, truth, path)
    known = np.isfinite(probabilities).all(axis=1) & (labels != "")
    if not known.any():
        raise TableError(
            f"No row of '{path}' has both a prediction and a true class.",
            hint="Name another column with --truth, or look at the column 'error' of the table.",
        )
    if lacking := len(table) - int(known.sum()):
        log.say(f"{format_count(lacking, 'row')} of '{path}' without a prediction or a true class left out.")
    _check_known(labels[known], slugs, truth, path)
    number = {slug: k for k, slug in enumerate(slugs)}
    targets = np.array([number[label] for label in labels[known]])
    return ScoredImages(slugs, probabilities[known], targets, table[known])


def _check_known(labels: np.ndarray, slugs: tuple[str, ...], truth: str, path: Path) -> None:
    """Raise `TableError` if a true class is none of those that were predicted."""
    strange = sorted({*labels} - {*slugs})
    if strange:
        more = f" and {len(strange) - _MAX_LISTED} more" if len(strange) > _MAX_LISTED else ""
        raise TableError(
            f"The column '{truth}' of '{path}' has {format_count(len(strange), 'class', 'classes')} that the "
            f"predictions do not have: {', '.join(strange[:_MAX_LISTED])}{more}.",
            hint=f"The predictions are of {', '.join(slugs)}. `galaxtool evaluate --coarse` scores finer classes.",
        )


def is_numeric(column: Any) -> bool:
    """Tell whether a column has a number in each row."""
    return column.dtype.kind in "iufb" and column.ndim == 1


def to_floats(column: Any) -> np.ndarray:
    """Return a column as float64, NaN where it has no value."""
    values: np.ndarray = np.ma.filled(np.ma.asarray(column, dtype=float), np.nan)
    return values


def _read_readout(path: Path) -> ScoredImages:
    """Return the test images of a run, as the head that was trained scores them."""
    try:
        arrays = read_arrays(path)
        name = choose_readout(path.parent, [name for name in arrays if name not in ("classes", "targets")])
        classes, probabilities, targets = (arrays[key] for key in ("classes", name, "targets"))
    except BROKEN as error:
        raise InputError(
            f"'{path}' is damaged.", hint="Train the run again with --readouts, or evaluate it."
        ) from error
    known = (targets >= 0) & (targets < len(classes))
    slugs = tuple(str(slug) for slug in classes)
    return ScoredImages(slugs, probabilities[known].astype(np.float64), targets[known])
