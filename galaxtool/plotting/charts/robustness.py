"""Accuracy on perturbed images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from galaxtool.plotting.style import COLORS, LINES, MARKERS, make_figure, with_style
from galaxtool.vision.perturb import AXES

Curves = Mapping[str, Sequence[Mapping[str, Any]]]
"""Kind of perturbation -> its levels, as in the entry ``robustness`` of ``metrics.json``."""


@with_style
def draw_robustness(
    series: Mapping[str, Curves], *, axes_texts: Mapping[str, str] | None = None, columns: int = 2
) -> Figure:
    """Draw the accuracy by the level of each perturbation, a panel for each kind, with 95 % Wilson intervals.

    Parameters
    ----------
    series : mapping
        Name of a model -> its curves. Each level has ``level``, ``meaning`` (``unchanged`` for the images as they are)
        and ``accuracy`` with ``value``, ``low`` and ``high``.
    axes_texts : mapping, optional
        Kind of perturbation -> the text of the axis of its levels; by default that of pictures.
    columns : {1, 2}
        Columns of a journal page that the figure spans; two panels are side by side on one column, else up to five.

    Returns
    -------
    Figure
        A dotted line is the accuracy on the images as they are.
    """
    texts = {kind: of_pictures for kind, (of_pictures, _) in AXES.items()} | dict(axes_texts or {})
    kinds = list(dict.fromkeys(kind for curves in series.values() for kind in curves))
    across = min(len(kinds), 2 if columns == 1 else 5)
    rows = -(-len(kinds) // across)
    figure = make_figure(columns, (0.1 + 0.42 * rows) if columns == 1 else 0.06 + 0.26 * rows)
    panels = figure.subplots(rows, across, sharey=True, squeeze=False)
    for axes in panels.flat[len(kinds) :]:
        axes.set_visible(False)
    for axes, kind in zip(panels.flat, kinds, strict=False):
        for i, (label, curves) in enumerate(series.items()):
            levels = [one for one in curves.get(kind, ()) if one["accuracy"]["value"] is not None]
            if not levels:
                continue
            color, marker, line = COLORS[i % len(COLORS)], MARKERS[i % len(MARKERS)], LINES[i % len(LINES)]
            value, low, high = (np.array([one["accuracy"][key] for one in levels]) for key in ("value", "low", "high"))
            axes.errorbar(
                [one["level"] for one in levels], value, yerr=[value - low, high - value], fmt=marker + line,
                color=color, markersize=3, elinewidth=0.8, capsize=0, label=label,
            )  # fmt: skip
            for one in levels:
                if one["meaning"] == "unchanged":
                    axes.axhline(one["accuracy"]["value"], color=color, linewidth=0.7, linestyle=":")
        axes.set_xlabel(texts.get(kind, kind))
        axes.xaxis.set_major_locator(MaxNLocator(4))
        if kind == "crop":
            axes.invert_xaxis()
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy")
    low, high = panels[0, 0].get_ylim()
    panels[0, 0].set_ylim(max(low, 0), min(high, 1.02))
    if len(series) > 1:
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2 * columns)
    return figure
