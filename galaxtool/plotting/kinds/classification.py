"""The kinds that draw images with a prediction and a true class."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from galaxtool.errors import ConfigError, InputError, TableError
from galaxtool.evaluation.cross_fit import CrossFit
from galaxtool.plotting.charts.by_column import draw_by_column
from galaxtool.plotting.charts.confusion import draw_confusion
from galaxtool.plotting.charts.curves import draw_precision_recall, draw_roc
from galaxtool.plotting.charts.reliability import draw_reliability
from galaxtool.plotting.class_names import name_classes
from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.scored import ScoredImages, is_numeric, read_scored, to_floats
from galaxtool.tables.column_names import find_column
from galaxtool.taxonomy.sentinels import blank_sentinels
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.regular_files import read_regular_text


def plot_confusion(request: PlotRequest) -> Figure:
    """Draw the confusion matrix of an evaluation."""
    scored = read_scored(request.single_input(), request.log, truth=request.truth)
    numbers = str(request.options["numbers"])
    names = name_classes(scored.classes)
    return draw_confusion(scored.targets, scored.predicted, names, numbers=numbers, columns=request.columns)


def plot_reliability(request: PlotRequest) -> Figure:
    """Draw the reliability diagram of one or more evaluations.

    If an evaluation has cross-fitted the temperature of its model, so does the figure, as its tables do.
    """
    scored, cross_fitted = {}, []
    for (name, one), text in zip(read_inputs(request).items(), request.inputs, strict=True):
        cross_fit = _read_cross_fit(Path(text))
        if cross_fit is None:
            scored[name] = one.probabilities, one.targets
        else:
            scored[name] = cross_fit.recalibrate(one.probabilities, one.targets), one.targets
            cross_fitted.append(name)
    return draw_reliability(scored, bins=read_bins(request), columns=request.columns, cross_fitted=cross_fitted)


def _read_cross_fit(path: Path) -> CrossFit | None:
    """Return how an evaluation has cross-fitted the temperature of its model; None if it has not."""
    try:
        calibration = json.loads(read_regular_text(path / "metrics.json"))["calibration"]
        return CrossFit(float(calibration["temperature"]), tuple(map(float, calibration["factors"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def plot_roc(request: PlotRequest) -> Figure:
    """Draw the ROC curves of one evaluation by class, or the means of several."""
    return _plot_curves(request, draw_roc)


def plot_precision_recall(request: PlotRequest) -> Figure:
    """Draw the precision-recall curves of one evaluation by class, or the means of several."""
    return _plot_curves(request, draw_precision_recall)


def plot_accuracy_by(request: PlotRequest) -> Figure:
    """Draw the accuracy of one or more evaluations in bins of a column."""
    if request.by is None:
        raise ConfigError(
            "'accuracy-by' needs the column to divide by.", hint="Name it with --by COLUMN, such as a magnitude."
        )
    series, title = {}, request.by
    lowest, highest = _read_range(str(request.options["range"]))
    for (name, scored), text in zip(read_inputs(request).items(), request.inputs, strict=True):
        values, unit = _read_column(scored, request.by, Path(text))
        known = np.isfinite(values) & (values >= lowest) & (values <= highest)
        if not known.any():
            raise TableError(
                f"No row of '{text}' has a value of '{request.by}' to draw.", hint="Name another column with --by."
            )
        if lacking := int((~known).sum()):
            beyond = "unknown or out of range" if request.options["range"] else "unknown"
            request.log.say(f"{format_count(lacking, 'row')} of '{text}' left out: '{request.by}' is {beyond}.")
        series[name] = values[known], (scored.predicted == scored.targets)[known]
        title = f"{request.by} ({unit})" if unit else request.by
    axis = str(request.options["axis"]) or title
    spacing = str(request.options["spacing"])
    return draw_by_column(series, axis, bins=read_bins(request), spacing=spacing, columns=request.columns)


def read_inputs(request: PlotRequest) -> dict[str, ScoredImages]:
    """Return the images of each input by its name in the legend; raises `ConfigError` if there is no input."""
    return dict(zip(request.name_inputs(), read_each(request), strict=True))


def read_each(request: PlotRequest) -> list[ScoredImages]:
    """Return the images of each input; raises `ConfigError` if there is no input."""
    if not request.inputs:
        raise ConfigError(
            f"'{request.kind}' draws evaluations, and none is given.",
            hint=f"Write: galaxtool plot {request.kind} EVALUATION -o FILE",
        )
    return [read_scored(Path(text), request.log, truth=request.truth) for text in request.inputs]


def read_bins(request: PlotRequest) -> int:
    """Return the setting ``bins``; raises `ConfigError` unless it is between 1 and 100."""
    bins = int(request.options["bins"])
    if not 1 <= bins <= 100:
        raise ConfigError(f"--option bins={bins}: it must be from 1 to 100.", hint="Leave it out for the default.")
    return bins


def _read_range(text: str) -> tuple[float, float]:
    """Return both ends of a range such as ``14:18``, either of which may be left out."""
    low, colon, high = text.partition(":")
    try:
        ends = float(low or "-inf"), float(high or "inf")
        if (colon or not text) and ends[0] < ends[1]:
            return ends
    except ValueError:
        pass
    raise ConfigError(f"--option range={text} is not a range.", hint="Write it as LOW:HIGH, such as range=14:18.")


def _plot_curves(request: PlotRequest, draw: Callable[..., Figure]) -> Figure:
    """Draw curves of one class against the rest."""
    inputs = read_inputs(request)
    for (_, scored), text in zip(inputs.items(), request.inputs, strict=True):
        present = np.unique(scored.targets)
        if len(present) < 2:
            raise InputError(
                f"All images of '{text}' are of one class, '{scored.classes[present[0]]}', and a curve needs two.",
                hint="Evaluate the model on images of several classes.",
            )
    (first, *_) = inputs.values()
    absent = [slug for k, slug in enumerate(first.classes) if not (first.targets == k).any()]
    if absent and len(inputs) == 1:
        request.log.say(
            f"No curve for {format_count(len(absent), 'class', 'classes')} without an image: {_list(absent)}."
        )
    scored_by_name = {name: (one.probabilities, one.targets) for name, one in inputs.items()}
    return draw(scored_by_name, name_classes(first.classes), columns=request.columns)


def _list(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _read_column(scored: ScoredImages, name: str, path: Path) -> tuple[np.ndarray, str]:
    """Return a column as float64, NaN where it has no value or one such as -99 in its place, and its unit."""
    if scored.table is None:
        raise InputError(
            f"The run '{path}' keeps no catalogue columns of its images.",
            hint=f"Run: galaxtool evaluate CATALOGUE --model {path} -o DIR, and draw DIR.",
        )
    found = find_column(scored.table, name, (), source=path)
    column: Any = scored.table[found]
    if not is_numeric(column):
        raise TableError(
            f"The column '{found}' of '{path}' is not numeric.", hint="Name a column of numbers with --by."
        )
    return blank_sentinels(to_floats(column)), str(column.unit or "")
