"""The metrics that can be computed again for a resample of predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from galaxtool.errors import InputError, UnknownName
from galaxtool.evaluation.paired import Prepare
from galaxtool.evaluation.share_sizes import find_share_size
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import MetricSpec
from galaxtool.utils.debugging import is_debugging

_OF_LABELS = ("accuracy", "balanced_accuracy", "f1_macro", "precision_macro")
"""Metrics that need only the predicted class."""


@dataclass(frozen=True)
class ComparedMetric:
    """A metric that can be computed for resamples.

    Parameters
    ----------
    name : str
        Name as in ``metrics.json``.
    prepare : callable
        Makes a function of how often each item occurs of probabilities and targets.
    higher_is_better : bool
        Whether a higher value is a better one.
    is_biased : bool
        Whether a resample has systematically another value than its sample.
    find_share_size : callable
        Gives the number of items of which the score is a share, from the targets; None if it is no share.
    """

    name: str
    prepare: Prepare
    higher_is_better: bool
    is_biased: bool
    find_share_size: Callable[[np.ndarray], int | None]


def find_metrics(wanted: Sequence[str], *, has_probabilities: bool) -> tuple[list[ComparedMetric], tuple[str, ...]]:
    """Return the registered metrics that can be compared, and sentences on those that cannot.

    Parameters
    ----------
    wanted : sequence of str
        Names of metrics; empty for all.
    has_probabilities : bool
        Whether all evaluations have probabilities and not only a predicted class.

    Raises
    ------
    UnknownName
        If there is no metric of a name.
    InputError
        If none of the wanted metrics can be compared.
    """
    found: list[ComparedMetric] = []
    left_out: dict[str, list[str]] = {"embeddings": [], "interval": [], "probabilities": []}
    entries = _name_metrics()
    if unknown := [name for name in wanted if name not in entries and not _is_qualified(name)]:
        raise UnknownName("metric", unknown[0], [*entries])
    for name, entry in entries.items():
        spec = entry.spec
        if wanted and not {name, entry.qualified} & set(wanted):
            continue
        if spec.inputs == "embeddings":
            left_out["embeddings"].append(name)
        elif spec.interval == "own" and not spec.weighted:
            left_out["interval"].append(name)
        elif not has_probabilities and spec.name not in _OF_LABELS:
            left_out["probabilities"].append(name)
        else:
            found.append(
                ComparedMetric(
                    name=name,
                    prepare=_load_score(entry),
                    higher_is_better=spec.higher_is_better,
                    is_biased=spec.interval == "own",
                    find_share_size=partial(find_share_size, entry),
                )
            )
    reasons = {
        "embeddings": "scores of embeddings, which are not in a table of predictions",
        "interval": "whose value cannot be computed for a resample",
        "probabilities": "which need the probabilities of all evaluations, and one has only predicted classes",
    }
    told = {key: names for key, names in left_out.items() if names and (wanted or key != "embeddings")}
    notes = tuple(f"Not compared: {', '.join(names)}, {reasons[key]}." for key, names in told.items())
    if not found:
        raise InputError(
            notes[0] if notes else "No metric is registered.",
            hint=f"Choose others with --metric, such as {', '.join(name for name in entries if name in _OF_LABELS)}.",
        )
    return found, notes


def _name_metrics() -> dict[str, Registration[MetricSpec]]:
    """Return the registered metrics by the names that they have in ``metrics.json``."""
    entries: dict[str, Registration[MetricSpec]] = {}
    for entry in get_registry().metrics:
        entries[entry.qualified if entry.spec.name in entries else entry.spec.name] = entry
    return entries


def _is_qualified(name: str) -> bool:
    return any(name == entry.qualified for entry in get_registry().metrics)


def _load_score(entry: Registration[MetricSpec]) -> Prepare:
    """Return a function that prepares a metric for resamples; it gives NaN where the metric of a plugin fails."""
    prepare = entry.load(entry.spec.weighted) if entry.spec.weighted else _repeat_items(entry.load())
    isolates = entry.origin != "built-in" and not is_debugging()

    def prepare_score(probabilities: np.ndarray, targets: np.ndarray) -> Callable[[np.ndarray], float]:
        statistic = _run(prepare, probabilities, targets) if isolates else prepare(probabilities, targets)

        def score(weights: np.ndarray) -> float:
            values = np.atleast_1d(_run(statistic, weights) if isolates else statistic(weights))
            known = values[np.isfinite(values)]  # of the scores of single classes, those that have one
            return float(known.mean()) if len(known) else np.nan

        return score

    return prepare_score


def _run(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a plugin's function returns, NaN if it fails: one score must not end the comparison."""
    try:
        return function(*arguments)
    except Exception:
        return np.nan


def _repeat_items(score: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[np.ndarray, np.ndarray], Any]:
    """Return a score without a form for weights as a function of how often each item occurs."""

    def prepare(probabilities: np.ndarray, targets: np.ndarray) -> Callable[[np.ndarray], float]:
        def weigh(weights: np.ndarray) -> float:
            rows = np.repeat(np.arange(len(targets)), weights.astype(np.int64))
            return float(score(probabilities[rows], targets[rows]))

        return weigh

    return prepare
