"""The figure of a replay: recall, wanted objects found against objects seen, and other scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from galaxtool.labeling.replay_scores import SHARES
from galaxtool.plotting.style import BLUE, GREEN, ORANGE, VERMILION, make_figure, with_style

_STYLES = {
    "loop": ("the loop", BLUE, "o", "-"),
    "one_example": ("one example", GREEN, "s", "--"),
    "isolation_forest": ("isolation forest", VERMILION, "^", "-."),
    "random": ("random order", ORANGE, "D", ":"),
}
"""Method -> its name, colour, marker and line."""

_OTHERS = {
    "precision_top_1pct": "precision\nin the top 1 %",
    "auroc": "AUROC",
    "average_precision": "average\nprecision",
}
_MOST_POINTS = 400


@with_style
def draw_replay(record: Mapping[str, Any], found: Mapping[str, np.ndarray], *, seen: int, wanted: int) -> Figure:
    """Draw the scores of a replay; lines are means over runs, and bands go from the lowest to the highest run.

    Parameters
    ----------
    record : mapping
        Content of ``replay.json``.
    found : mapping of str to ndarray, shape (runs, N + 1)
        Method -> number of wanted objects among the first n that one sees.
    seen : int
        Number of objects that the loop labels.
    wanted : int
        Number of wanted objects.
    """
    figure = make_figure(2, inches=2.5)
    figure.set_layout_engine("constrained", wspace=0.06)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1.1, 0.95))
    _draw_recall(left, record)
    _draw_found(middle, found, seen, wanted)
    _draw_others(right, record)
    handles, labels = middle.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), columnspacing=1.4)
    return figure


def _draw_recall(axes: Axes, record: Mapping[str, Any]) -> None:
    shares = [100 * share for share in SHARES.values()]
    for method, (_, color, marker, line) in _STYLES.items():
        entries = [record[method][f"recall_top_{name}"] for name in SHARES]
        low, value, high = ([entry[name] for entry in entries] for name in ("low", "value", "high"))
        axes.fill_between(shares, low, high, color=color, alpha=0.15, linewidth=0)
        axes.plot(shares, value, color=color, marker=marker, linestyle=line)
    best = [min(1.0, share / 100 * record["count"] / record["wanted_count"]) for share in shares]
    axes.plot(shares, best, color="0.55", linewidth=0.6, zorder=0)
    axes.annotate("perfect order", (shares[1], best[1]), (2, 3), textcoords="offset points", fontsize=6, color="0.45")
    axes.set(xscale="log", xlabel="top of the ranking (%)", ylabel="recall", ylim=(0, 1.03))
    axes.set_xticks(shares, [f"{share:g}" for share in shares])
    axes.xaxis.set_minor_locator(NullLocator())


def _draw_found(axes: Axes, found: Mapping[str, np.ndarray], seen: int, wanted: int) -> None:
    count = next(iter(found.values())).shape[1] - 1
    last = min(count, max(2 * seen, round(0.2 * count)))
    numbers = np.unique(np.linspace(0, last, min(last + 1, _MOST_POINTS)).astype(int))
    for method, (title, color, _, line) in _STYLES.items():
        runs = found[method][:, numbers]
        axes.fill_between(numbers, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.15, linewidth=0)
        axes.plot(numbers, runs.mean(axis=0), color=color, linestyle=line, label=title)
    axes.axhline(wanted, color="0.55", linewidth=0.6, zorder=0)
    axes.axvline(seen, color="0.55", linewidth=0.6, linestyle=":", zorder=0)
    axes.annotate("labelled", (seen, 0.02), (2, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
                  fontsize=6, color="0.45")  # fmt: skip
    axes.set(xlabel="objects seen", ylabel="wanted objects found", xlim=(0, last), ylim=(0, wanted * 1.05))


def _draw_others(axes: Axes, record: Mapping[str, Any]) -> None:
    places = np.arange(len(_OTHERS))
    for number, (method, (_, color, marker, _)) in enumerate(_STYLES.items()):
        entries = [record[method][name] for name in _OTHERS]
        low, value, high = (np.array([entry[name] for entry in entries]) for name in ("low", "value", "high"))
        shift = 0.16 * (number - (len(_STYLES) - 1) / 2)
        axes.errorbar(places + shift, value, (value - low, high - value), color=color, marker=marker, linestyle="")
    axes.set(ylim=(0, 1.03), xlim=(-0.5, len(_OTHERS) - 0.5))
    axes.set_xticks(places, list(_OTHERS.values()))
    axes.tick_params(axis="x", top=False, length=0)
