"""Differences of scores with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from galaxtool.plotting.labels import name_class
from galaxtool.plotting.style import COLORS, MARKERS, make_figure, with_style

SIGNIFICANT = 0.05
"""Corrected p-value below which a marker is filled."""

_NAMES = {"f1_macro": "macro F1", "roc_auc": "ROC AUC", "ece": "ECE"}
_ROW, _MARGIN = 0.19, 0.62  # inches
_WIDTH_OF_NAME = 16  # characters


@with_style
def draw_differences(
    differences: Sequence[Mapping[str, Any]], metrics: Sequence[str] = (), *, columns: int = 1
) -> Figure:
    """Draw the difference of scores of pairs of classifiers, with their 95 % intervals and a line at 0.

    A filled marker is a difference with a corrected p-value below 0.05, and an open one may be chance.

    Parameters
    ----------
    differences : sequence of mapping
        Each has the keys ``first``, ``second``, ``metric``, ``difference`` (second minus first), ``low``, ``high`` and
        ``p_holm``, as in ``comparison.json``. Those without a value are left out.
    metrics : sequence of str
        The metrics to draw, in order; empty for all.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
    """
    known = [one for one in differences if one["difference"] is not None and one["low"] is not None]
    shown = list(metrics or dict.fromkeys(one["metric"] for one in known))
    pairs = list(dict.fromkeys((one["first"], one["second"]) for one in known))
    single = len(pairs) == 1
    rows = {key: row for row, key in enumerate((pair, metric) for pair in pairs for metric in shown)}
    height = _MARGIN + _ROW * len(rows) + (0 if single or len(shown) == 1 else 0.2)
    figure = make_figure(columns)
    figure.set_figheight(height)
    axes = figure.subplots()
    axes.axvline(0, color="0.5", linewidth=0.8, linestyle="--", zorder=1)
    styles = {metric: (COLORS[k % len(COLORS)], MARKERS[k % len(MARKERS)]) for k, metric in enumerate(shown)}
    for one in known:
        row = rows.get(((one["first"], one["second"]), one["metric"]))
        if row is not None:
            _draw_one(axes, one, row, *styles[one["metric"]])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    if single:
        first, second = pairs[0]
        axes.set_yticks(range(len(rows)), [_name_metric(metric) for metric in shown])
        axes.set_xlabel(f"difference, {name_class(second)} \N{MINUS SIGN} {name_class(first)}")
        return figure
    middle = (len(shown) - 1) / 2
    names = [f"{second} \N{MINUS SIGN} {first}" for first, second in pairs]
    axes.set_yticks(
        [k * len(shown) + middle for k in range(len(pairs))], [name_class(name, width=_WIDTH_OF_NAME) for name in names]
    )
    for k in range(1, len(pairs)):
        axes.axhline(k * len(shown) - 0.5, color="0.85", linewidth=0.6, zorder=0)
    if len(shown) == 1:
        axes.set_xlabel(f"difference in {_name_metric(shown[0])}")
    else:
        axes.set_xlabel("difference")
        handles = [
            Line2D([], [], color=color, marker=marker, label=_name_metric(metric))
            for metric, (color, marker) in styles.items()
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=min(4, len(shown)))
    return figure


def _draw_one(axes: Axes, one: Mapping[str, Any], row: int, color: str, marker: str) -> None:
    """Draw one difference."""
    value, p = one["difference"], one["p_holm"]
    filled = p is not None and p < SIGNIFICANT
    axes.errorbar(
        value,
        row,
        xerr=[[value - one["low"]], [one["high"] - value]],
        fmt=marker,
        color=color,
        markerfacecolor=color if filled else "white",
        markeredgewidth=0.9,
        elinewidth=1.0,
        capsize=1.6,
        zorder=3,
    )


def _name_metric(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " "))
