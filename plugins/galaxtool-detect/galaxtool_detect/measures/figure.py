"""A figure of an evaluation: completeness, reliability and flux ratio against signal-to-noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from galaxtool_detect.measures.evaluation import FinderScores

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v")
_SHIFT = 0.04  # of a factor, so that error bars of several finders do not hide each other
_TICKS = (3, 5, 10, 20, 50, 100, 200, 500)


def draw_scores(scores: Sequence[FinderScores], path: Path) -> None:
    """Draw the scores of finders beside each other.

    Parameters
    ----------
    scores : sequence of FinderScores
        Scores on the same images.
    path : Path
        Figure to write: .png or .pdf.
    """
    figure = Figure(figsize=(10.0, 3.5), layout="constrained")
    complete, reliable, flux = figure.subplots(1, 3)
    for number, one in enumerate(scores):
        style = {"color": _COLORS[number % len(_COLORS)], "marker": _MARKERS[number % len(_MARKERS)], "label": one.name}
        shift = 1 + _SHIFT * (number - (len(scores) - 1) / 2)
        _draw_rates(complete, one.tables["completeness_snr"], shift, style)
        _draw_rates(reliable, one.tables["reliability_snr"], shift, style)
        _draw_ratios(flux, one.tables["flux_bias"], shift, style)
    complete.set(xlabel="true S/N", ylabel="completeness", ylim=(-0.03, 1.03))
    reliable.set(xlabel="measured S/N", ylabel="reliability", ylim=(-0.03, 1.03))
    flux.set(xlabel="true S/N", ylabel="measured / true flux")
    flux.axhline(1, color="gray", linewidth=0.8, zorder=0)
    for axes in (complete, reliable, flux):
        axes.set_xscale("log")
        axes.set_xticks([tick for tick in _TICKS if _is_shown(axes, tick)])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.axvline(5, color="gray", linewidth=0.8, linestyle=":", zorder=0)
    if flux.get_lines():
        low, high = flux.get_ylim()
        flux.set_ylim(max(low, 0.3), min(high, 2.2))
    if complete.get_legend_handles_labels()[0]:  # nothing is drawn where no signal-to-noise is known
        complete.legend(frameon=False, fontsize=8, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=200)


def _is_shown(axes: Any, tick: float) -> bool:
    low, high = axes.get_xlim()
    return bool(low <= tick <= high)


def _draw_rates(axes: Any, table: Table, shift: float, style: dict[str, str]) -> None:
    rows = table[np.asarray(table["middle"], float) > 0]
    if not len(rows):
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", color="gray")
        return
    rate = np.asarray(rows["rate"])
    errors = np.abs(np.array([rows["rate_low"], rows["rate_high"]]) - rate)
    axes.errorbar(np.asarray(rows["middle"]) * shift, rate, yerr=errors, markersize=4, linewidth=1, capsize=2, **style)


def _draw_ratios(axes: Any, table: Table, shift: float, style: dict[str, str]) -> None:
    rows = table[np.asarray(table["middle"], float) > 0]
    if len(rows):
        x, ratio = np.asarray(rows["middle"]) * shift, np.asarray(rows["ratio"])
        axes.fill_between(x, rows["ratio_16"], rows["ratio_84"], color=style["color"], alpha=0.12, linewidth=0)
        axes.errorbar(x, ratio, yerr=np.nan_to_num(rows["ratio_error"]), markersize=4, linewidth=1, capsize=2, **style)
