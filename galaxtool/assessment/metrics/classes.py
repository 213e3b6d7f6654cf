"""The scores of predicted probabilities, each with its stratified bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from galaxtool.evaluation.calibration_error import CalibrationError
from galaxtool.evaluation.intervals import make_entry
from galaxtool.evaluation.resamples import Statistic, StratifiedResamples, make_resampled_entry
from galaxtool.evaluation.share_sizes import OF_CALIBRATION, find_share_size
from galaxtool.evaluation.weighted_scores import weigh_confusion
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import MetricSpec
from galaxtool.types import Progress
from galaxtool.utils.cores import count_cores
from galaxtool.utils.debugging import is_debugging

_ECE = "ece"


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions that are scored: N images with a known class and a prediction.

    Parameters
    ----------
    slugs : tuple of str
        The K classes.
    targets : ndarray of int64, shape (N,)
        Index of the true class of each image.
    probabilities : ndarray of float64, shape (N, K)
        Probabilities of the classes.
    calibrated : ndarray of float64, shape (N, K)
        Probabilities for the scores of calibration: the same, or those of temperatures that were not fitted to the
        image.
    """

    slugs: tuple[str, ...]
    targets: np.ndarray
    probabilities: np.ndarray
    calibrated: np.ndarray


def measure_classes(predictions: Predictions, *, seed: int, progress: Progress) -> dict[str, Any]:
    """Compute every registered metric of probabilities.

    Parameters
    ----------
    predictions : Predictions
        What is scored.
    seed : int
        Random seed of the resamples.
    progress : Progress
        Receiver of the progress.

    Returns
    -------
    dict
        The metrics by name, ``{"value", "low", "high"}``; ``classes``, the scores of each class by slug; and
        ``confusion``, the numbers of images by true class and most probable class. A metric that is undefined is left
        out, such as the share within the best 5 of 4 classes.
    """
    resamples = StratifiedResamples(predictions.targets, seed=seed)
    metrics = [metric for metric in get_registry().metrics if metric.spec.inputs == "probabilities"]
    error = CalibrationError(predictions.calibrated, predictions.targets)
    usual: dict[str, Statistic] = {_ECE: error.resample}
    names, failed = {}, {}
    for metric in metrics:
        name = metric.qualified if metric.spec.name in names else metric.spec.name
        names[name] = metric
        if _is_own_ece(metric):
            continue
        try:
            usual[name] = _prepare(metric, predictions)
            usual[name](np.ones(len(predictions.targets)))
            if metric.origin != "built-in":
                usual[name] = partial(_compute_isolated, usual[name])
        except Exception as problem:
            if metric.origin == "built-in" or is_debugging():
                raise
            failed[name] = f"{type(problem).__name__}: {problem}"
            usual.pop(name, None)
    progress.start("Resampling", resamples.count)
    drawn = resamples.apply(list(usual.values()), workers=count_cores(), advance=progress.advance)
    resampled = dict(zip(usual, drawn, strict=True))
    entries: dict[str, Any] = {}
    classes = _list_counts(predictions)
    for name, metric in names.items():
        if name in failed:
            entries[name] = {**make_entry(np.nan, np.nan, np.nan), "error": failed[name]}
        elif _is_own_ece(metric):
            low, high = error.find_interval(resampled[_ECE], np.random.default_rng(seed))
            entries[name] = make_entry(error.value, low, high)
        else:
            _add_entries(entries, classes, name, metric, usual[name], resampled[name], predictions)
    defined = {name: entry for name, entry in entries.items() if entry["value"] is not None or "error" in entry}
    counts = weigh_confusion(predictions.probabilities, predictions.targets)(np.ones(len(predictions.targets)))
    confusion = {"classes": list(predictions.slugs), "counts": counts.astype(int).tolist()}
    return {**defined, "classes": classes, "confusion": confusion}


def _is_own_ece(metric: Registration[MetricSpec]) -> bool:
    return metric.origin == "built-in" and metric.spec.name == _ECE


def _prepare(metric: Registration[MetricSpec], predictions: Predictions) -> Statistic:
    """Return a metric as a function of the weights of the images."""
    is_of_calibration = metric.spec.name in OF_CALIBRATION
    values = predictions.calibrated if is_of_calibration else predictions.probabilities
    targets = predictions.targets
    if metric.spec.weighted:
        weigh: Callable[[np.ndarray, np.ndarray], Statistic] = metric.load(metric.spec.weighted)
        return weigh(values, targets)
    score = metric.load()
    if metric.spec.interval == "own":
        return lambda weights: float(score(*_repeat(values, targets, weights), 0)[0])
    return lambda weights: float(score(*_repeat(values, targets, weights)))


def _compute_isolated(statistic: Statistic, weights: np.ndarray) -> Any:
    """Return the metric of a plugin for a resample; NaN if the resample lacks what it needs and it fails."""
    try:
        return statistic(weights)
    except Exception:
        if is_debugging():
            raise
        return np.nan


def _repeat(values: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the images as often as their weights say."""
    rows = np.repeat(np.arange(len(targets)), weights.astype(np.int64))
    return values[rows], targets[rows]


def _list_counts(predictions: Predictions) -> dict[str, dict[str, Any]]:
    """Return the numbers of images of each class and of those taken for it, by slug."""
    k = len(predictions.slugs)
    n = np.bincount(predictions.targets, minlength=k)
    taken = np.bincount(predictions.probabilities.argmax(axis=1), minlength=k)
    return {
        slug: {"n": int(n[number]), "n_predicted": int(taken[number])} for number, slug in enumerate(predictions.slugs)
    }


def _add_entries(
    entries: dict[str, Any],
    classes: dict[str, dict[str, Any]],
    name: str,
    metric: Registration[MetricSpec],
    statistic: Statistic,
    resampled: np.ndarray,
    predictions: Predictions,
) -> None:
    """Add a metric, and its values for single classes if it has them."""
    value = statistic(np.ones(len(predictions.targets)))
    share_of = find_share_size(metric, predictions.targets)
    if not metric.spec.of_classes:
        entries[name] = make_resampled_entry(float(value), resampled, share_of=share_of)
        return
    entries[name] = make_resampled_entry(_mean(value[None])[0], _mean(resampled), share_of=share_of)
    for number, scores in enumerate(classes.values()):
        n = scores["n_predicted"] if name.startswith("precision") else scores["n"]
        entry = make_resampled_entry(value[number], resampled[:, number], share_of=n if share_of else None)
        scores[metric.spec.of_classes] = entry


def _mean(values: np.ndarray) -> np.ndarray:
    """Return the mean over the classes that have a value, NaN without any; (count, K) to (count,)."""
    known = np.isfinite(values)
    n = known.sum(axis=1)
    sums = np.where(known, values, 0).sum(axis=1)
    means: np.ndarray = np.divide(sums, n, out=np.full(len(values), np.nan), where=n > 0)
    return means
