"""Best accuracy and lowest loss of trainings on fractions of the data."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from galaxtool.plotting.style import BLUE, VERMILION, make_figure, with_style


@with_style
def draw_fractions(
    fractions: np.ndarray,
    accuracies: np.ndarray,
    losses: np.ndarray,
    *,
    scratch_accuracy: float | None = None,
    scratch_loss: float | None = None,
    columns: int = 1,
) -> Figure:
    """Draw the highest validation accuracy and the lowest validation loss by the fraction of the data trained on.

    Parameters
    ----------
    fractions : ndarray, shape (N,)
        Fraction of the training data of each of N trainings, 0 to 1.
    accuracies, losses : ndarray, shape (N,)
        Best accuracy, and lowest loss, of each training; each over all epochs by itself.
    scratch_accuracy, scratch_loss : float, optional
        The same of a training from random weights, drawn as a dotted line.
    columns : {1, 2}
        Columns of a journal page that the figure spans. The panels are side by side on two columns, else stacked.

    Returns
    -------
    Figure
        A point for each training, and a line through the means.
    """
    figure = make_figure(columns, 0.36 if columns == 2 else 1.1)
    upper, lower = figure.subplots(*((1, 2) if columns == 2 else (2, 1)), sharex=True)
    _draw(upper, fractions, accuracies, scratch_accuracy)
    _draw(lower, fractions, losses, scratch_loss)
    upper.set_ylabel("best validation accuracy")
    lower.set_ylabel("lowest validation loss")
    for axes in (upper, lower) if columns == 2 else (lower,):
        axes.set_xlabel("training data used (%)")
    if scratch_accuracy is not None:
        upper.legend(loc="best")
    return figure


def _draw(axes: Axes, fractions: np.ndarray, values: np.ndarray, scratch: float | None) -> None:
    """Draw the points, the line through their means, and the line of the training from scratch."""
    distinct = np.unique(fractions)
    means = [values[fractions == fraction].mean() for fraction in distinct]
    axes.plot(100 * distinct, means, color=BLUE, label="pretrained" if scratch is not None else None)
    axes.plot(100 * fractions, values, "o", color=BLUE, markerfacecolor="white")
    if scratch is not None:
        axes.axhline(scratch, color=VERMILION, linestyle=":", label="from scratch")
    axes.margins(x=0.06, y=0.12)
