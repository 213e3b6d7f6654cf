"""Accuracy against a column of a catalogue."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from astropy.stats import binom_conf_interval
from matplotlib.figure import Figure

from galaxtool.plotting.charts.bars import LEAST_IN_BIN, find_bars
from galaxtool.plotting.style import COLORS, MARKERS, make_figure, place_legend_above, with_style

_FINE = 30  # steps of the distribution


@with_style
def draw_by_column(
    series: Mapping[str, tuple[np.ndarray, np.ndarray]],
    name: str,
    *,
    bins: int = 8,
    spacing: str = "number",
    columns: int = 1,
) -> Figure:
    """Draw the accuracy in bins of a column, and above it the distribution of its values.

    Parameters
    ----------
    series : mapping
        Name of a model -> values of the column (N,) and whether each prediction is right, bool (N,).
    name : str
        Name of the column with its unit, for the axis.
    bins : int
        Most bins. There are fewer for few images. If a column has no more different values, such as a number of arms,
        each of them is a bin.
    spacing : {"number", "width"}
        Whether the bins have equal numbers of images or equal widths.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
        Vertical bars are 95 % Wilson intervals, horizontal bars the widths of the bins; the points are at the medians.
    """
    figure = make_figure(columns, 0.9 if columns == 1 else 0.55)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.6))
    every = np.concatenate([values for values, _ in series.values()])
    edges = find_edges(every, bins, spacing)
    has_own_bins = spacing == "width" or len(np.unique(every)) <= bins
    fine = edges if has_own_bins else np.linspace(edges[0], edges[-1], _FINE + 1)
    first = next(iter(series.values()))[0]
    has_several = not all(np.array_equal(values, first) for values, _ in series.values())
    for i, (label, (values, right)) in enumerate(series.items()):
        color = COLORS[i % len(COLORS)]
        center, share, low, high, _ = measure_bins(values, right, edges)
        if i == 0 or has_several:
            upper.hist(values, fine, histtype="step", color=color if has_several else "0.4", linewidth=0.9)
        lower.errorbar(
            center, share, xerr=find_bars(center, edges[:-1], edges[1:]), yerr=find_bars(share, low, high),
            fmt=MARKERS[i % len(MARKERS)], color=color, elinewidth=0.8, capsize=0, label=label,
        )  # fmt: skip
        lower.axhline(right.mean(), color=color, linewidth=0.7, linestyle=":")
    upper.set(ylabel="images", ylim=(0, None))
    lower.set(xlabel=name, ylabel="accuracy", xlim=(edges[0], edges[-1]))
    low, high = lower.get_ylim()
    lower.set_ylim(max(low, 0), min(high, 1.02))
    if len(series) > 1:
        place_legend_above(lower)
    figure.align_ylabels()
    return figure


def find_edges(values: np.ndarray, bins: int, spacing: str) -> np.ndarray:
    """Return the edges of bins of equal numbers or widths, or between values if there are no more of them than bins."""
    distinct = np.unique(values)
    if len(distinct) <= bins:
        middle = (distinct[1:] + distinct[:-1]) / 2
        half = np.diff(distinct).min() / 2 if len(middle) else 0.5
        return np.concatenate([[distinct[0] - half], middle, [distinct[-1] + half]])
    if spacing == "number":
        bins = max(1, min(bins, len(values) // LEAST_IN_BIN))
    steps = np.linspace(0, 1, bins + 1)
    equal = np.quantile(values, steps) if spacing == "number" else values.min() + steps * np.ptp(values)
    edges: np.ndarray = np.unique(equal)
    return edges


def measure_bins(
    values: np.ndarray, right: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return for each of the B bins between `edges` the median value, the accuracy and its interval, and the count.

    A bin includes its lower edge, the last one also its upper edge. Everything but the count is NaN in empty bins.
    """
    number = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    counts = np.bincount(number, minlength=len(edges) - 1)
    hits = np.bincount(number, right, minlength=len(edges) - 1)
    filled = counts > 0
    center, share, low, high = np.full((4, len(counts)), np.nan)
    center[filled] = [np.median(values[number == b]) for b in np.flatnonzero(filled)]
    share[filled] = hits[filled] / counts[filled]
    low[filled], high[filled] = binom_conf_interval(
        hits[filled], counts[filled], interval="wilson", confidence_level=0.95
    )
    return center, share, low, high, counts
