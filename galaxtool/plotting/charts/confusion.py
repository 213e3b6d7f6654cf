"""The confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from galaxtool.plotting.labels import name_class
from galaxtool.plotting.style import fit_height, make_figure, with_style

_MAX_WRAPPED = 15  # characters of a line of a class name
_SMALL_CELL = 13  # points; names beside smaller cells are not divided into lines
_MATRIX = 0.7  # share of the width that the matrix takes
_SMALLEST = 4.5  # points; smaller numbers are left out


@with_style
def draw_confusion(
    targets: np.ndarray,
    predicted: np.ndarray,
    classes: Sequence[str],
    *,
    numbers: str = "count",
    columns: int = 1,
    title: str = "",
) -> Figure:
    """Draw a confusion matrix, coloured by the share of the true class.

    Parameters
    ----------
    targets, predicted : ndarray of int, shape (N,)
        Indices of the true and of the predicted classes.
    classes : sequence of str
        Slugs or names of the K classes, in the order of the indices.
    numbers : {"count", "percent", "none"}
        Numbers in the cells: of images, or percent of the true class.
    columns : {1, 2}
        Columns of a journal page that the figure spans.
    title : str
        Title, such as the split and the number of images.

    Returns
    -------
    Figure
    """
    k = len(classes)
    counts = np.bincount(targets * k + predicted, minlength=k * k).reshape(k, k)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = make_figure(columns, 1.2)
    figure.set_layout_engine("compressed")
    axes = figure.subplots()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    cells = counts if numbers == "count" else np.rint(100 * share).astype(int)
    side = 72 * _MATRIX * figure.get_figwidth() / k
    if numbers != "none":
        _write_numbers(axes, cells, share, side)
    names = [name_class(slug, width=_MAX_WRAPPED if side > _SMALL_CELL else 0) for slug in classes]
    lines = max(name.count("\n") for name in names) + 1
    size = min(7.0, side / (1.6 * lines - 0.35))
    axes.set_xticks(range(len(classes)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(classes)), names, fontsize=size)
    axes.set(xlabel="predicted class", ylabel="true class")
    if title:
        figure.suptitle(title, fontsize=8)
    axes.tick_params(length=0)
    bar = figure.colorbar(image, label="share of the true class", location="top", pad=0.02, aspect=35)
    bar.ax.tick_params(length=0)
    fit_height(figure)
    return figure


def _write_numbers(axes: Axes, cells: np.ndarray, share: np.ndarray, side: float) -> None:
    """Write the numbers other than 0 into cells of a side in points, dark on light and light on dark."""
    size = min(7.0, side / (0.7 * len(str(cells.max()))))
    if size < _SMALLEST:
        return
    for (row, column), number in np.ndenumerate(cells):
        if number:
            color = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, str(number), ha="center", va="center_baseline", color=color, fontsize=size)
