"""A score against the number of training images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from galaxtool.plotting.charts.bars import find_bars
from galaxtool.plotting.style import COLORS, LINES, MARKERS, make_figure, place_legend_above, with_style

_WIDE = 5  # the largest size is so many times the smallest: a scale of logarithms


@with_style
def draw_training_size(
    series: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    score: str = "F1 score",
    size: str = "number of training images",
    bars: str = "range",
    columns: int = 1,
) -> Figure:
    """Draw a score against the number of training images, with error bars over repeated trainings.

    Parameters
    ----------
    series : mapping
        Name of a model or method -> numbers of training images and scores of N trainings, each (N,).
    score : str
        Text of the axis of scores.
    size : str
        Text of the axis of sizes, which may also be percentages of the training data.
    bars : {"range", "std"}
        Bars of trainings on the same number of images: from the lowest to the highest score, or the sample's standard
        deviation on either side of the mean. A single training has none.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
        The points are means.
    """
    figure = make_figure(columns, 0.8 if columns == 1 else 0.5)
    axes = figure.subplots()
    every = np.unique(np.concatenate([sizes for sizes, _ in series.values()]))
    is_log = every.max() > _WIDE * every.min()
    for i, (name, (sizes, scores)) in enumerate(series.items()):
        distinct, mean, low, high = summarize_sizes(sizes, scores, bars)
        shift = 1 + 0.012 * (i - (len(series) - 1) / 2)  # bars of several series at one size stay apart
        axes.errorbar(
            distinct * shift, mean, yerr=find_bars(mean, low, high), label=name, elinewidth=0.8,
            marker=MARKERS[i % len(MARKERS)], color=COLORS[i % len(COLORS)], linestyle=LINES[i % len(LINES)],
        )  # fmt: skip
    if is_log:
        _show_sizes(axes, every)
    axes.set(xlabel=size, ylabel=score)
    axes.margins(x=0.06, y=0.08)
    if len(series) > 1:
        place_legend_above(axes)
    return figure


def summarize_sizes(
    sizes: np.ndarray, scores: np.ndarray, bars: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct sizes, and the mean score of each with the ends of its bar; see `draw_training_size`."""
    distinct = np.unique(sizes)
    rows = []
    for size in distinct:
        own = scores[sizes == size]
        mean = own.mean()
        spread = own.std(ddof=1) if len(own) > 1 else 0.0
        rows.append((mean, own.min(), own.max()) if bars == "range" else (mean, mean - spread, mean + spread))
    mean, low, high = np.array(rows).T
    return distinct, mean, low, high


def _show_sizes(axes: Axes, sizes: np.ndarray) -> None:
    """Use a scale of logarithms, with plain numbers at the sizes themselves if there are few."""
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    if len(sizes) <= 6:
        axes.set_xticks(sizes)
        axes.minorticks_off()
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
