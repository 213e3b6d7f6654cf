"""Read the runs of ``finetune``: their histories, scores and settings."""

from __future__ import annotations

import csv
import json
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import InputError, UnknownName
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.utils.suggestions import suggest_path

Row = dict[str, Any]

_RUN = "Give the folder of a run of `galaxtool finetune`."


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRun:
    """A run directory.

    Parameters
    ----------
    path : Path
        The folder.
    config : mapping
        Settings of ``finetune``.
    """

    path: Path
    config: Row

    @property
    def fraction(self) -> float:
        """Fraction of the training data that was used."""
        return float(self.config.get("fraction", 1.0))

    @property
    def series(self) -> str:
        """Method and backbone, which runs on different data have in common."""
        return f"{self.config.get('method', '')}, {self.config.get('backbone', '')}".strip(", ")

    @property
    def is_from_scratch(self) -> bool:
        """Whether the backbone began with random weights."""
        return str(self.config.get("backbone", "")).endswith("@none")

    def read_history(self) -> list[Row]:
        """Return the rows of ``history.csv``, with numbers for everything but the stage; NaN where a cell is empty.

        Raises
        ------
        InputError
            If there is none, or no epoch is in it.
        """
        file = self.path / "history.csv"
        if not file.is_file():
            raise InputError(f"The run '{self.path}' has no history: there is no history.csv.", hint=_RUN)
        rows: list[Row] = [
            {name: text if name == "stage" else _to_number(text) for name, text in row.items()}
            for row in _read_rows(file)
        ]
        if not rows or "stage" not in rows[0] or "loss" not in rows[0]:
            what = "has no columns 'stage' and 'loss'" if rows else "has no epoch yet"
            raise InputError(
                f"The history of the run '{self.path}' {what}.",
                hint="Wait for the first epoch to end, or train the run again.",
            )
        return rows

    def read_column(self, name: str) -> np.ndarray:
        """Return a column of the history, float (N,).

        Raises
        ------
        InputError
            As `read_history`, and if it has no such column.
        """
        rows = self.read_history()
        if name not in rows[0]:
            raise InputError(
                f"The history of the run '{self.path}' has no column '{name}'.",
                hint=f"Its columns are {', '.join(rows[0])}.",
            )
        return np.array([row[name] for row in rows])

    def read_metrics(self) -> Row:
        """Return the content of ``metrics.json``; raises `InputError` if the run is not finished."""
        file = self.path / "metrics.json"
        if not file.is_file():
            raise InputError(
                f"The run '{self.path}' has no scores: there is no metrics.json.",
                hint=f"If the run was interrupted, resume it with: galaxtool finetune --resume {self.path}",
            )
        try:
            found = json.loads(read_regular_text(file))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise InputError(f"The scores '{file}' are damaged.", hint="Train the run again, or leave it out.")
        return found

    def read_score(self, name: str, split: str) -> float:
        """Return a score on the validation or test split.

        Raises
        ------
        InputError
            If the run has no scores on that split, or the score is undefined.
        UnknownName
            If there is no such score.
        """
        metrics = self.read_metrics()
        if split == "test" and "test" not in metrics:
            raise InputError(
                f"The run '{self.path}' has no test split.", hint="Draw --split valid, or train with --test-fraction."
            )
        scores = metrics["test"] if split == "test" else metrics
        known = [key for key, entry in scores.items() if isinstance(entry, dict) and "value" in entry]
        if name not in known:
            raise UnknownName(f"score of the run '{self.path}'", name, known)
        value = scores[name]["value"]
        if value is None:
            raise InputError(f"The score '{name}' of the run '{self.path}' is undefined.", hint="Choose another score.")
        return float(value)

    def count_images(self, split: str = "train") -> int:
        """Return the number of images of a split, from ``split.csv``."""
        return sum(self.count_classes().get(split, {}).values())

    def count_classes(self) -> dict[str, dict[str, int]]:
        """Return the number of images of each label in each split, from ``split.csv``.

        Raises
        ------
        InputError
            If the run has no such table.
        """
        file = self.path / "split.csv"
        if not file.is_file():
            raise InputError(f"The run '{self.path}' has no split.csv.", hint=_RUN)
        counts: dict[str, Counter[str]] = {}
        for row in _read_rows(file):
            counts.setdefault(row.get("split", ""), Counter())[row.get("label", "")] += 1
        return {split: dict(own) for split, own in counts.items()}


def open_training(path: Path) -> TrainingRun:
    """Open a run directory.

    Raises
    ------
    InputError
        If it is not one.
    """
    if not path.exists():
        raise InputError(f"There is nothing at '{path}'.", hint=suggest_path(path))
    if not (path / "config.toml").is_file() and not (path / "history.csv").is_file():
        raise InputError(f"'{path}' is not a run: it has neither config.toml nor history.csv.", hint=_RUN)
    file = path / "config.toml"
    try:
        config = tomllib.loads(read_regular_text(file)) if file.is_file() else {}
    except ValueError as error:
        raise InputError(f"The settings '{file}' cannot be read: {error}.", hint=_RUN) from error
    return TrainingRun(path, config.get("finetune", {}))


def _read_rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file of a run; raises `InputError` if it is damaged."""
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"'{file}' is damaged.", hint="Train the run again, or leave it out.") from error


def _to_number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")
