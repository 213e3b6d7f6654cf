"""Scores of each class, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from galaxtool.plotting.charts.bars import find_bars
from galaxtool.plotting.labels import name_class
from galaxtool.plotting.style import COLORS, MARKERS, make_figure, place_legend_above, with_style

_ROW = 0.2  # inches a class takes, and as much again for every three series


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """Scores of the classes of one set of labels.

    Parameters
    ----------
    title : str
        Title of the panel; may be empty.
    classes : tuple of str
        Slugs or names of the K classes.
    scores : mapping
        Name of a series, such as a model -> value, low and high of each class, float (K, 3); NaN where undefined.
    """

    title: str
    classes: tuple[str, ...]
    scores: Mapping[str, np.ndarray]


@with_style
def draw_class_scores(panels: Sequence[ClassScores], *, score: str = "F1 score", columns: int = 1) -> Figure:
    """Draw a score of each class with its interval, one panel above the other for each set of labels.

    Parameters
    ----------
    panels : sequence of ClassScores
        Sets of labels, such as the classes themselves and their numbers of peaks.
    score : str
        Text of the axis.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.scores))
    row = _ROW * (1 + (len(names) - 1) / 3)
    heights = [row * len(panel.classes) + (0.2 if panel.title else 0.05) for panel in panels]
    figure = make_figure(columns, inches=sum(heights) + 0.4)
    every = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, panel in zip(every, panels, strict=True):
        _draw_panel(axes, panel, names)
    every[-1].set(xlabel=score, xlim=(-0.02, 1.02))
    if len(names) > 1:
        handles = {line.get_label(): line for axes in every for line in axes.containers}
        place_legend_above(every[0], handles=[handles[name] for name in names])
    return figure


def _draw_panel(axes: Axes, panel: ClassScores, names: Sequence[str]) -> None:
    """Draw the classes from top to bottom, the series of each beside each other."""
    rows = np.arange(len(panel.classes))
    spread = 0.6 * (np.arange(len(names)) - (len(names) - 1) / 2) / max(len(names), 2)
    for name, values in panel.scores.items():
        k = names.index(name)
        value, low, high = values.T
        axes.errorbar(
            value, rows + spread[k], xerr=find_bars(value, low, high), fmt=MARKERS[k % len(MARKERS)],
            color=COLORS[k % len(COLORS)], elinewidth=0.8, markersize=3, capsize=1.5, label=name,
        )  # fmt: skip
    axes.set_yticks(rows, [name_class(slug, width=24) for slug in panel.classes])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.hlines(rows[:-1] + 0.5, -0.02, 1.02, color="0.88", linewidth=0.4, zorder=0)
    if panel.title:
        axes.set_title(panel.title)
