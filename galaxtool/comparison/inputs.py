"""The evaluations that `compare` is given: evaluation directories, tables of predictions, and runs."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.containers.npz_files import BROKEN, read_arrays
from galaxtool.datasets.clean_labels import read_class_column
from galaxtool.errors import InputError, ModelError, TableError, UnknownName
from galaxtool.models.readouts import choose_readout
from galaxtool.tables.class_probabilities import read_class_probabilities
from galaxtool.tables.read import read_table
from galaxtool.tables.whole_numbers import format_integer_valued
from galaxtool.utils.counts import format_count
from galaxtool.utils.suggestions import suggest_path

PREDICTIONS = "predictions.parquet"
READOUTS = "readouts.npz"


@dataclass(frozen=True, eq=False)
class EvaluationPredictions:
    """What a classifier said about N images whose class is known.

    Parameters
    ----------
    name : str
        Name to show it by; several of one name are trainings of the same kind that differ in their seed.
    source : str
        Where it is from, as the user wrote it.
    ids : list of str
        Identifiers of the images, each once.
    truth : list of str
        Their true classes.
    classes : tuple of str
        The K classes.
    probabilities : ndarray of float64, shape (N, K)
        Probabilities of the classes; 1 for the predicted class and 0 for the others where only that is known.
    has_probabilities : bool
        Whether they are known.
    unlabeled, unread : int
        Numbers of rows that were left out because they have no true class, and because they have no prediction.
    """

    name: str
    source: str
    ids: list[str]
    truth: list[str]
    classes: tuple[str, ...]
    probabilities: np.ndarray
    has_probabilities: bool = True
    unlabeled: int = 0
    unread: int = 0


def open_predictions(given: Sequence[str]) -> list[EvaluationPredictions]:
    """Open what the user wants to compare.

    Parameters
    ----------
    given : sequence of str
        Evaluation directories, tables of predictions with the columns ``id``, ``truth`` and ``label``, or run
        directories with ``readouts.npz``, perhaps as ``RUN:READOUT``; each perhaps as ``NAME=PATH``.

    Raises
    ------
    GalaxtoolError
        If one does not exist, has no predictions, or no image with a true class and a prediction.
    """
    named = [_split_name(text) for text in given]
    names = name_evaluations([path for _, path in named])
    opened = [
        _open(own or name, member)
        for (own, path), name in zip(named, names, strict=True)
        for member in _list_members(path)
    ]
    _check_once([one.source for one in opened])
    return opened


def _check_once(sources: Sequence[str]) -> None:
    """Raise `InputError` if an evaluation is there twice, also by another path or as one of several in a folder."""
    files = [Path(text) / PREDICTIONS for text in sources]
    pairs = zip(sources, files, strict=True)
    places = [os.path.realpath(file if file.is_file() else text) for text, file in pairs]
    place, n = Counter(places).most_common(1)[0]
    if n > 1:
        raise InputError(
            f"'{sources[places.index(place)]}' is given {n} times.",
            hint="Name each evaluation once; the folder of several models stands for all of them.",
        )


def _list_members(path: str) -> list[str]:
    """Return the evaluations of several models in a folder that `evaluate` wrote; the path itself if it is one."""
    found = sorted(Path(path).glob(f"models/*/{PREDICTIONS}"))
    return [str(file.parent) for file in found] if not (Path(path) / PREDICTIONS).exists() and found else [path]


def _split_name(text: str) -> tuple[str, str]:
    """Return the name and the path of ``NAME=PATH``; the name is empty if there is none."""
    name, equals, path = text.partition("=")
    if not equals or not name or not path or Path(text).exists():
        return "", text
    return name, path


def name_evaluations(paths: Sequence[str]) -> list[str]:
    """Return a short name for each path: its last parts, as many as are needed to tell it from the others."""
    parts = [[part for part in Path(path).parts if part != "/"] or [path] for path in paths]
    distinct = len({tuple(own) for own in parts})
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(own[-depth:]) for own in parts]
        if len(set(names)) == distinct:
            break
    return [name.removesuffix(f"/{PREDICTIONS}") for name in names]


def _open(name: str, text: str) -> EvaluationPredictions:
    path = Path(text)
    if (path / PREDICTIONS).is_file():
        return _read_predictions(name, path / PREDICTIONS, text)
    if path.is_file():
        return _read_predictions(name, path, text)
    folder, _, readout = (text, "", "") if path.is_dir() else text.rpartition(":")
    if folder and (Path(folder) / "split.csv").is_file():
        return _read_run(name, Path(folder), readout)
    if path.is_dir():
        raise InputError(
            f"'{text}' is neither an evaluation nor a run: it has no {PREDICTIONS}.",
            hint=f"Score a model with: galaxtool evaluate DATASET --model MODEL -o {text}",
        )
    raise InputError(f"There is no evaluation at '{text}'.", hint=suggest_path(path))


def _read_predictions(name: str, path: Path, source: str) -> EvaluationPredictions:
    """Read a table of predictions."""
    table = read_table(path)
    for column, what in (("id", "identifiers of the images"), ("truth", "true classes")):
        if column not in table.colnames:
            raise TableError(
                f"'{path}' has no column '{column}' with the {what}.",
                hint="galaxtool evaluate writes such a table; one of classify has no true classes. Rename the column "
                f"to '{column}' if it has another name.",
            )
    ids, truth = format_integer_valued(table["id"]), read_class_column(table["truth"])
    classes, probabilities, has_probabilities = _read_probabilities(table, path)
    known = np.array([bool(text) for text in truth], dtype=bool)
    read = np.isfinite(probabilities).all(axis=1)
    kept = np.flatnonzero(known & read)
    if not len(kept):
        raise InputError(
            f"None of the {format_count(len(table), 'row')} of '{path}' has both a true class and a prediction.",
            hint=f"{int(known.sum()):,} have a true class, and {int(read.sum()):,} a prediction.",
        )
    found = EvaluationPredictions(
        name=name,
        source=source,
        ids=[ids[i] for i in kept],
        truth=[truth[i] for i in kept],
        classes=classes,
        probabilities=probabilities[kept],
        has_probabilities=has_probabilities,
        unlabeled=int((~known).sum()),
        unread=int((known & ~read).sum()),
    )
    _check_unique(found.ids, str(path))
    return found


def _read_probabilities(table: Table, path: Path) -> tuple[tuple[str, ...], np.ndarray, bool]:
    """Return the classes, the probabilities (N, K) and whether the table has them, or else only the best class."""
    classes, probabilities = read_class_probabilities(table, path)
    if classes:
        return classes, probabilities, True
    if "label" not in table.colnames:
        raise TableError(
            f"'{path}' has neither probabilities (columns p_<class>) nor a column 'label' with the predicted class.",
            hint="galaxtool evaluate writes both.",
        )
    labels = read_class_column(table["label"])
    classes = tuple(dict.fromkeys(text for text in labels if text))
    values_of = dict(zip(classes, np.eye(len(classes)), strict=True))
    nothing = np.full(len(classes), np.nan)
    return classes, np.array([values_of.get(text, nothing) for text in labels]).reshape(len(labels), -1), False


def _check_unique(ids: Sequence[str], path: str) -> None:
    if len(set(ids)) < len(ids):
        twice = [name for name, n in Counter(ids).items() if n > 1]
        raise InputError(
            f"{format_count(len(twice), 'identifier')} in '{path}' {'is' if len(twice) == 1 else 'are'} that of "
            f"several images: {', '.join(map(repr, twice[:3]))}{', ...' if len(twice) > 3 else ''}.",
            hint="Images are paired by the column id, which must tell them apart.",
        )


def _read_run(name: str, folder: Path, readout: str) -> EvaluationPredictions:
    """Read the probabilities of the test images of a run, and their identifiers from its table of splits."""
    evaluate = f"galaxtool evaluate DATASET --model {folder} -o DIR"
    if not (folder / READOUTS).is_file():
        raise ModelError(
            f"The run '{folder}' has not kept what its model says about each image, so it cannot be compared.",
            hint=f"Score it: {evaluate}. Runs of finetune --readouts --test-fraction can be compared as they are.",
        )
    try:
        found = read_arrays(folder / READOUTS)
        classes, targets = tuple(map(str, found.pop("classes").tolist())), found.pop("targets")
    except BROKEN as error:
        raise ModelError(
            f"'{folder / READOUTS}' cannot be read: {error}.", hint=f"Score the run: {evaluate}"
        ) from error
    readout = readout or choose_readout(folder, list(found))
    if readout not in found:
        raise UnknownName(f"readout of the run '{folder}'", readout, list(found))
    with (folder / "split.csv").open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "test"]
    labels = [classes[target] if 0 <= target < len(classes) else "" for target in targets.tolist()]
    if len(rows) != len(targets) or any(text and text != row["label"] for text, row in zip(labels, rows, strict=True)):
        raise ModelError(
            f"The {len(targets)} images in '{folder / READOUTS}' are not the {len(rows)} test images of its split.csv, "
            "of which some could perhaps not be read, so they cannot be told apart.",
            hint=f"Score the run: {evaluate}",
        )
    kept = [i for i, text in enumerate(labels) if text]
    return EvaluationPredictions(
        name=name,
        source=f"{folder}:{readout}",
        ids=[rows[i]["id"] for i in kept],
        truth=[labels[i] for i in kept],
        classes=classes,
        probabilities=found[readout][kept].astype(np.float64),
        unlabeled=len(labels) - len(kept),
    )
