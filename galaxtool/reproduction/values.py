"""The numbers of a table, read from the files of a run directory.

The value of a score is written as ``source:rest``:

* ``test.accuracy``: an entry of ``metrics.json`` with its interval;
* ``history:max:valid_accuracy``: a column of ``history.csv``, reduced by max, min, mean, sum, minutes (the sum of
  seconds over 60), last or count;
* ``cluster:accuracy``: an entry of ``cluster.json``;
* ``evaluation:retrieval.dot_product.map``: an entry of the ``metrics.json`` of an evaluation on the test images;
* ``f1:2c_3p``: F1 of a class, from the test images of ``readouts.npz``, with an interval of 1,000 resamples.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError
from galaxtool.models.readouts import choose_readout
from galaxtool.utils.files.regular_files import read_regular_text

_REDUCE: dict[str, Callable[[Sequence[float]], float]] = {
    "max": max,
    "min": min,
    "sum": sum,
    "minutes": lambda values: sum(values) / 60,
    "mean": lambda values: sum(values) / len(values),
    "last": lambda values: values[-1],
    "count": len,
}
_RESAMPLES = 1000

EVALUATION = "evaluation"
"""Source of the scores of an evaluation."""


@dataclass(frozen=True)
class Value:
    """A number with the ends of its 95 % interval, which are None where it has none."""

    value: float
    low: float | None = None
    high: float | None = None


def place_evaluation(run: Path) -> Path:
    """Return the folder of the evaluation of a training, given its run directory."""
    return run.parent.parent / "evaluations" / run.name


def read_value(run: Path, text: str, readout: str = "") -> Value | None:
    """Read one number of a run; None where it is not defined.

    Parameters
    ----------
    run : Path
        Run directory.
    text : str
        Value of a score, see above.
    readout : str
        Way to read the training out, such as ``prompt``; empty for the head of the training.

    Raises
    ------
    ConfigError
        If a run has no such number.
    """
    source, _, rest = text.partition(":")
    if source == "history":
        reduce, _, column = rest.partition(":")
        return Value(float(_REDUCE[reduce](_read_history(run, column))))
    if source == "cluster":
        return _find_entry(json.loads(read_regular_text(run / "cluster.json")), rest, run)
    if source == EVALUATION:
        folder = place_evaluation(run)
        return _find_entry(json.loads(read_regular_text(folder / "metrics.json")), rest, folder)
    if source == "f1":
        return _compute_class_f1(run, rest, readout)
    if readout:
        part, _, score = text.rpartition(".")
        text = ".".join(filter(None, (part, "readouts", readout, score)))
    return _find_entry(json.loads(read_regular_text(run / "metrics.json")), text, run)


def _find_entry(metrics: Mapping[str, Any], text: str, run: Path) -> Value | None:
    found: Any = metrics
    for name in text.split("."):
        if not isinstance(found, Mapping) or name not in found:
            raise ConfigError(f"The scores of '{run}' have no '{text}'.")
        found = found[name]
    if isinstance(found, Mapping):
        return None if found["value"] is None else Value(found["value"], found["low"], found["high"])
    return None if found is None else Value(float(found))


def _read_history(run: Path, column: str) -> Sequence[float]:
    with (run / "history.csv").open(encoding="utf-8", newline="") as stream:
        values = [row.get(column, "") for row in csv.DictReader(stream)]
    numbers = [float(value) for value in values if value not in ("", None)]
    if not numbers:
        raise ConfigError(f"The history of '{run}' has no '{column}'.")
    return numbers


def _compute_class_f1(run: Path, slug: str, readout: str) -> Value | None:
    """Return F1 of one class on the test images, with a bootstrap interval."""
    with np.load(run / "readouts.npz", allow_pickle=False) as arrays:
        classes, targets = arrays["classes"].tolist(), arrays["targets"]
        name = readout or choose_readout(run, [key for key in arrays.files if key not in ("classes", "targets")])
        known = (targets >= 0) & (targets < len(classes))  # others have a coarser label, or none
        targets, predicted = targets[known], arrays[name].argmax(axis=1)[known]
    if slug not in classes or not len(targets):
        return None
    number = classes.index(slug)
    truth, chosen = targets == number, predicted == number
    draws = np.random.default_rng(0).integers(0, len(truth), (_RESAMPLES, len(truth)))
    scores = [_f1(truth[rows], chosen[rows]) for rows in draws]
    low, high = np.nanpercentile(scores, [2.5, 97.5]) if np.isfinite(scores).any() else (np.nan, np.nan)
    value = _f1(truth, chosen)
    return None if np.isnan(value) else Value(value, float(low), float(high))


def _f1(truth: np.ndarray, chosen: np.ndarray) -> float:
    total = truth.sum() + chosen.sum()
    return float(2 * (truth & chosen).sum() / total) if total else float("nan")
