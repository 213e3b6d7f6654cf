"""Numbers of images of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from galaxtool.plotting.labels import name_class
from galaxtool.plotting.style import COLORS, HATCHES, make_figure, place_legend_above, with_style

_LARGE = 40  # the largest class is so many times the smallest: a scale of logarithms


@with_style
def draw_class_counts(counts: Mapping[str, np.ndarray], classes: Sequence[str], *, columns: int = 1) -> Figure:
    """Draw numbers of images of each class as bars.

    Parameters
    ----------
    counts : mapping
        Name of a series, such as a split -> numbers of images of the K classes, shape (K,). Several series are stacked;
        the number beside a bar is their sum.
    classes : sequence of str
        Slugs or names of the K classes, which are drawn from top to bottom.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
        The scale is logarithmic for a single series whose largest class is over 40 times its smallest.
    """
    rows = np.arange(len(classes))
    figure = make_figure(columns, inches=0.62 + 0.19 * len(classes))
    axes = figure.subplots()
    total = np.zeros(len(classes))
    for (name, values), color, hatch in zip(counts.items(), COLORS, HATCHES, strict=False):
        axes.barh(
            rows, values, 0.72, left=total, color=color, hatch=hatch, edgecolor="white", linewidth=0.3, label=name
        )
        total = total + values
    filled = total[total > 0]
    is_log = len(counts) == 1 and len(filled) > 0 and filled.max() > _LARGE * filled.min()
    if is_log:
        axes.set_xscale("log")
        axes.set_xlim(max(0.5, filled.min() / 3), filled.max() * 4)
    else:
        axes.set_xlim(0, max(1.0, total.max()) * 1.16)
    for row, number in zip(rows, total, strict=True):
        place = (max(number, axes.get_xlim()[0]), row)
        axes.annotate(
            f"{number:,.0f}", place, (3, 0), textcoords="offset points", va="center_baseline", ha="left", fontsize=6.5
        )
    axes.set_yticks(rows, [name_class(slug) for slug in classes])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("number of images")
    if len(counts) > 1:
        place_legend_above(axes)
    return figure
