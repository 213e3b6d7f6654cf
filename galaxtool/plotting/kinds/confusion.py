"""The kind ``confusion``."""

from __future__ import annotations

from matplotlib.figure import Figure

from galaxtool.plotting.charts.confusion import draw_confusion
from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.scored import read_scored


def plot_confusion(request: PlotRequest) -> Figure:
    """Draw the confusion matrix of an evaluation."""
    scored = read_scored(request.single_input(), request.log, truth=request.truth)
    numbers = str(request.options["numbers"])
    return draw_confusion(scored.targets, scored.predicted, scored.classes, numbers=numbers, columns=request.columns)
