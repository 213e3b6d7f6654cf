"""Validation curves of several trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from galaxtool.plotting.style import COLORS, LINES, make_figure, place_legend_above, with_style


@with_style
def draw_runs(
    histories: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    score: str = "valid_accuracy",
    score_name: str = "validation accuracy",
    training: bool = False,
    columns: int = 1,
) -> Figure:
    """Draw the validation losses and scores of several trainings by epoch.

    Parameters
    ----------
    histories : mapping
        Name of a run -> rows of its ``history.csv``.
    score : str
        Column of the scores.
    score_name : str
        Text of their axis.
    training : bool
        Draw the training losses too, as thin lines.
    columns : {1, 2}
        Columns of a journal page that the figure spans. The panels are side by side on two columns, else stacked.

    Returns
    -------
    Figure
    """
    figure = make_figure(columns, 0.38 if columns == 2 else 1.1)
    losses, scores = figure.subplots(*((1, 2) if columns == 2 else (2, 1)), sharex=columns == 1)
    for i, (name, history) in enumerate(histories.items()):
        style = {"color": COLORS[i % len(COLORS)], "linestyle": LINES[i % len(LINES)]}
        _plot(losses, history, "valid_loss", label=name, **style)
        _plot(scores, history, score, **style)
        if training:
            _plot(losses, history, "loss", linewidth=0.6, **style)
    losses.set_ylabel("loss" if training else "validation loss")
    if training:
        thin = Line2D([], [], color="0.3", linewidth=0.6, label="training")
        losses.add_artist(losses.legend(handles=[thin, Line2D([], [], color="0.3", label="validation")], loc="best"))
    scores.set_ylabel(score_name)
    for axes in (losses, scores) if columns == 2 else (scores,):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    place_legend_above(losses)
    figure.align_ylabels()
    return figure


def _plot(axes: Axes, history: Sequence[Mapping[str, Any]], column: str, **style: Any) -> None:
    """Plot a column by epoch, with a marker where it is a single point."""
    values = np.array([float(row.get(column, np.nan)) for row in history])
    axes.plot(np.arange(1, len(values) + 1), values, marker="o" if len(values) == 1 else "", **style)
