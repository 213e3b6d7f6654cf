"""ROC and precision-recall curves, each class against the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from galaxtool.plotting.labels import name_class
from galaxtool.plotting.style import BLACK, COLORS, LINES, make_figure, place_legend_below, with_style

_GOOD, _CORNER = 0.97, 0.2  # area from which a corner of this size is enlarged
_GRID = np.linspace(0, 1, 501)

Curve = tuple[np.ndarray, np.ndarray, float]
"""Abscissae in ascending order, ordinates, and the area under them."""


@with_style
def draw_roc(
    scored: Mapping[str, tuple[np.ndarray, np.ndarray]], classes: Sequence[str], *, columns: int = 1
) -> Figure:
    """Draw ROC curves.

    Parameters
    ----------
    scored : mapping
        Name of a model -> probabilities (N, K) and indices of the true classes (N,).
    classes : sequence of str
        Slugs or names of the K classes.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
        For a single model, the curve of each class against the rest and their mean, else the mean of each model.
        Classes without an image, or with every image, are left out. The legend has the areas under the curves. If all
        means are over 0.97, the corner where the curves are is also drawn enlarged.
    """
    figure = make_figure(columns, 0.98)
    axes = figure.subplots()
    axes.plot((0, 1), (0, 1), color="0.6", linewidth=0.8, zorder=0)
    _draw(axes, scored, classes, find_roc_curve)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1))
    if all(average_curves(find_curves(*own, find_roc_curve))[2] > _GOOD for own in scored.values()):
        _add_corner(axes, scored, classes)
    axes.set_aspect("equal")
    place_legend_below(figure, axes, title="area under the curve")
    return figure


@with_style
def draw_precision_recall(
    scored: Mapping[str, tuple[np.ndarray, np.ndarray]], classes: Sequence[str], *, columns: int = 1
) -> Figure:
    """Draw precision-recall curves; parameters and result are as for `draw_roc`, with the average precision."""
    figure = make_figure(columns, 0.98)
    axes = figure.subplots()
    _draw(axes, scored, classes, find_precision_curve)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.01))
    axes.set_aspect("equal")
    place_legend_below(figure, axes, title="average precision")
    return figure


def find_roc_curve(positive: np.ndarray, score: np.ndarray) -> Curve:
    """Return false positive rates, true positive rates and the area, of booleans and scores (N,)."""
    false, true, _ = roc_curve(positive, score)
    return false, true, float(roc_auc_score(positive, score))


def find_precision_curve(positive: np.ndarray, score: np.ndarray) -> Curve:
    """Return recalls, precisions and the average precision, of booleans and scores (N,)."""
    precision, recall, _ = precision_recall_curve(positive, score)
    return recall[::-1], precision[::-1], float(average_precision_score(positive, score))


def find_curves(
    probabilities: np.ndarray, targets: np.ndarray, find: Callable[[np.ndarray, np.ndarray], Curve]
) -> dict[int, Curve]:
    """Return the curve of each class that some but not all images have, by its index."""
    found = {}
    for k in range(probabilities.shape[1]):
        positive = targets == k
        if 0 < positive.sum() < len(targets):
            found[k] = find(positive, probabilities[:, k])
    return found


def average_curves(curves: Mapping[int, Curve]) -> Curve:
    """Return the mean of the ordinates at 501 abscissae, and the mean area."""
    ordinates = np.mean([_interpolate(x, y) for x, y, _ in curves.values()], axis=0)
    return _GRID, ordinates, float(np.mean([area for *_, area in curves.values()]))


def _add_corner(axes: Axes, scored: Mapping[str, tuple[np.ndarray, np.ndarray]], classes: Sequence[str]) -> None:
    """Enlarge the upper left corner, where all the curves of good models are."""
    corner = axes.inset_axes((0.4, 0.13, 0.54, 0.54))
    _draw(corner, scored, classes, find_roc_curve)
    corner.set(xlim=(0, _CORNER), ylim=(1 - _CORNER, 1))
    corner.tick_params(labelsize=6)
    for axis in (corner.xaxis, corner.yaxis):
        axis.set_major_locator(MaxNLocator(4))
    for line in axes.indicate_inset_zoom(corner, edgecolor="0.4", linewidth=0.6).connectors or ():
        line.set_visible(False)


def _interpolate(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the ordinates at the grid: at a step, where several have one abscissa, the last of them."""
    last = np.append(np.diff(x) > 0, True)
    values: np.ndarray = np.interp(_GRID, x[last], y[last])
    return values


def _draw(
    axes: Axes,
    scored: Mapping[str, tuple[np.ndarray, np.ndarray]],
    classes: Sequence[str],
    find: Callable[[np.ndarray, np.ndarray], Curve],
) -> None:
    """Draw the curves of the classes of one model, or the means of several models."""
    for i, (name, (probabilities, targets)) in enumerate(scored.items()):
        curves = find_curves(probabilities, targets, find)
        if len(scored) > 1:
            _plot(axes, average_curves(curves), name, **_choose_style(i))
            continue
        for k, curve in curves.items():
            _plot(axes, curve, name_class(classes[k]), linewidth=0.9, **_choose_style(k))
        _plot(axes, average_curves(curves), "mean", color=BLACK, linewidth=1.6)


def _choose_style(number: int) -> dict[str, Any]:
    """Return a colour and dashes that no other of the first 24 numbers has."""
    bright = COLORS[:-1]  # black is for the mean
    dashes = LINES[(number + number // len(bright)) % len(LINES)]
    return {"color": bright[number % len(bright)], "linestyle": dashes}


def _plot(axes: Axes, curve: Curve, name: str, **style: Any) -> None:
    axes.plot(curve[0], curve[1], label=f"{name}  {curve[2]:.3f}", **style)
