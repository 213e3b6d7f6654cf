"""Curves of one training: losses and validation scores by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from galaxtool.plotting.style import BLACK, BLUE, GREEN, LINES, VERMILION, make_figure, place_legend_above, with_style

SCORES = {"valid_accuracy": "accuracy", "valid_f1_macro": "macro F1", "valid_mean_error": "mean error"}
"""Columns of ``history.csv`` with validation scores, and their names."""

_PANEL = 1.5  # inches


@with_style
def draw_training(history: Sequence[Mapping[str, Any]], best_epoch: int | None = None, *, columns: int = 2) -> Figure:
    """Draw losses and validation scores by epoch.

    Each stage has a panel of its own for its training loss, because stages minimize different losses, whose values
    cannot be compared. With a single stage, the validation loss is in the same panel.

    Parameters
    ----------
    history : sequence of mapping
        Rows of ``history.csv``.
    best_epoch : int, optional
        Epoch whose weights were kept, counted from 1 over all stages.
    columns : {1, 2}
        Columns of a journal page that the figure spans. The panels are side by side on two columns, else stacked.

    Returns
    -------
    Figure
    """
    epochs = np.arange(1, len(history) + 1)
    stages = [list(rows) for _, rows in groupby(range(len(history)), key=lambda i: history[i]["stage"])]
    has_own_panel = len(stages) > 1
    n_panels = len(stages) + has_own_panel + 1
    figure = make_figure(columns, 0.3 if columns == 2 else 0.1 + 0.42 * n_panels)
    panels = figure.subplots(*((1, n_panels) if columns == 2 else (n_panels, 1)))
    for axes, rows in zip(panels, stages, strict=False):
        _plot(axes, epochs[rows], [history[i]["loss"] for i in rows], color=BLACK, label="training")
        axes.set(title=history[rows[0]]["stage"], ylabel="training loss" if has_own_panel else "loss")
    valid_loss = [row.get("valid_loss", np.nan) for row in history]
    valid_axes = panels[len(stages)] if has_own_panel else panels[0]
    _plot(valid_axes, epochs, valid_loss, color=VERMILION, linestyle="--", label="validation")
    if has_own_panel:
        valid_axes.set(ylabel="validation loss")
    else:
        valid_axes.legend()
    _draw_scores(panels[-1], epochs, history)
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    for axes in panels[len(stages) - (not has_own_panel) :]:
        if best_epoch is not None:
            _mark_epoch(axes, best_epoch)
    place_legend_above(panels[-1], share=0.99 / (n_panels if columns == 2 else 1))
    figure.align_ylabels()
    return figure


def _draw_scores(axes: Axes, epochs: np.ndarray, history: Sequence[Mapping[str, Any]]) -> None:
    """Draw the validation scores that every epoch has."""
    names = {key: text for key, text in SCORES.items() if all(key in row for row in history)}
    for (key, text), color, line in zip(names.items(), (BLUE, GREEN, VERMILION), LINES, strict=False):
        _plot(axes, epochs, [row[key] for row in history], color=color, linestyle=line, label=text)
    axes.set(ylabel="validation score", ylim=(0, 1))


def _mark_epoch(axes: Axes, epoch: int) -> None:
    """Mark the epoch whose weights were kept."""
    axes.axvline(epoch, color="0.5", linestyle=":", linewidth=0.8, zorder=0)
    axes.annotate(
        "kept", (epoch, 1), (-1.5, -3), xycoords=("data", "axes fraction"), textcoords="offset points", rotation=90,
        ha="right", va="top", fontsize=6, color="0.35",
    )  # fmt: skip


def _plot(axes: Axes, epochs: np.ndarray, values: Sequence[float], **style: Any) -> None:
    """Plot a curve, with a marker where it is a single point."""
    axes.plot(epochs, values, marker="o" if len(values) == 1 else "", **style)
