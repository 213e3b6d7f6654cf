"""Clusters: their typical images, and the labels in each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from galaxtool.plotting.labels import name_class
from galaxtool.plotting.style import VERMILION, fit_height, make_figure, with_style

_LABEL = 0.16  # share of the width that the titles of rows take
_SIDE, _GAP = 192, 5  # pixels of a picture, and between two
_SMALLEST = 4.5  # points; smaller numbers are left out
_MOST_NUMBERED = 30  # clusters; numbers of more would not be legible


@with_style
def draw_cluster_images(
    pictures: Sequence[Sequence[np.ndarray | None]], titles: Sequence[tuple[str, str, int]]
) -> Figure:
    """Draw a row of images for each cluster, across both columns of a page.

    Parameters
    ----------
    pictures : sequence of sequences of ndarray of uint8, shape (ny, nx, 3), or None
        Images of each cluster, row 0 on top; None for one that cannot be read.
    titles : sequence of (str, str, int)
        Number, name (may be empty) and number of images of each cluster.

    Returns
    -------
    Figure
    """
    mosaic = _join_pictures(pictures)
    figure = make_figure(2, (1 - _LABEL) * mosaic.shape[0] / mosaic.shape[1])
    figure.set_layout_engine("none")
    axes = figure.add_axes((_LABEL, 0, 1 - _LABEL, 1))
    axes.set_axis_off()
    axes.imshow(mosaic, interpolation="lanczos", aspect="auto")
    for row, (number, name, size) in enumerate(titles):
        text = "\n".join(filter(None, [f"cluster {number}", name_class(name, width=15), f"{size:,} images"]))
        height = 1 - (row + 0.5) / len(titles)
        figure.text(0, height, text, va="center", ha="left", fontsize=7, linespacing=1.15)
    return figure


def _join_pictures(pictures: Sequence[Sequence[np.ndarray | None]]) -> np.ndarray:
    """Return rows of pictures as one, on white; a picture that cannot be read is gray."""
    shapes = [picture.shape for row in pictures for picture in row if picture is not None]
    side = max([max(shape[:2]) for shape in shapes], default=_SIDE)
    step = side + _GAP
    mosaic = np.full((step * len(pictures), step * max(map(len, pictures)), 3), 255, dtype=np.uint8)
    for i, row in enumerate(pictures):
        for j, picture in enumerate(row):
            ny, nx = (side, side) if picture is None else picture.shape[:2]
            top, left = i * step + (step - ny) // 2, j * step + (step - nx) // 2
            mosaic[top : top + ny, left : left + nx] = 200 if picture is None else picture
    return mosaic


@with_style
def draw_cluster_counts(counts: np.ndarray, classes: Sequence[str], matches: np.ndarray) -> Figure:
    """Draw how many images of each label are in each cluster, coloured by the share of the label.

    Parameters
    ----------
    counts : ndarray of int, shape (K + 1, C)
        Numbers; the last row is of the images in no cluster, and is left out if it is empty.
    classes : sequence of str
        The C labels.
    matches : ndarray of int, shape (K,)
        Label that each cluster is matched with, -1 for none; these cells are framed.

    Returns
    -------
    Figure
    """
    rows = counts if counts[-1].any() else counts[:-1]
    share = rows / np.maximum(rows.sum(axis=0, keepdims=True), 1)
    figure = make_figure(1, max(0.5, min(2.4, 0.35 + 0.75 * len(rows) / max(len(classes), 4))))
    figure.set_layout_engine("compressed")
    axes = figure.subplots()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    size = min(7.0, 72 * 0.7 * figure.get_figwidth() / len(classes) / (0.7 * len(str(rows.max()))))
    if size >= _SMALLEST and len(rows) <= _MOST_NUMBERED:
        for (k, c), number in np.ndenumerate(rows):
            if number:
                color = "white" if share[k, c] > 0.5 else "black"
                axes.text(c, k, str(number), ha="center", va="center_baseline", color=color, fontsize=size)
    for k, c in enumerate(matches.tolist()):
        if c >= 0:
            corner, color = (c - 0.5, k - 0.5), VERMILION
            frame = Rectangle(corner, 1, 1, fill=False, edgecolor=color, linewidth=1.4, zorder=3, clip_on=False)
            axes.add_patch(frame)
    names = [str(k) for k in range(len(counts) - 1)] + (["none"] if len(rows) == len(counts) else [])
    step = max(1, len(names) // _MOST_NUMBERED)
    axes.set_yticks(range(0, len(names), step), names[::step])
    axes.set_xticks(range(len(classes)), [name_class(one, width=15) for one in classes], rotation=90)
    axes.set(xlabel="label", ylabel="cluster")
    axes.tick_params(length=0)
    bar = figure.colorbar(image, label="share of the label", location="top", pad=0.02, aspect=35)
    bar.ax.tick_params(length=0)
    fit_height(figure)
    return figure
