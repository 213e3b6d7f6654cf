"""Thumbnails at their places on two principal components."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from galaxtool.plotting.style import make_figure, with_style


def choose_cells(points: np.ndarray, side: int) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """Choose the point that is nearest to the centre of each cell of a grid, among the points in that cell.

    Parameters
    ----------
    points : ndarray of float, shape (N, 2)
        Positions; the grid covers all but the outermost percent in each direction, which go into its outermost cells.
    side : int
        Number of cells in each direction.

    Returns
    -------
    rows : ndarray of int, shape (side, side)
        Row of the chosen point, -1 in an empty cell; row 0 of the grid is the lowest.
    extent : tuple of 4 float
        Left, right, bottom and top of the grid.
    """
    low, high = np.percentile(points, [1, 99], axis=0)
    span = np.where(high > low, high - low, 1.0)
    placed = np.clip((points - low) / span, 0, 1 - 1e-9) * side
    cells = placed.astype(int)
    distance = ((placed - cells - 0.5) ** 2).sum(axis=1)
    rows = np.full((side, side), -1)
    order = np.argsort(-distance, kind="stable")  # the nearest is written last
    rows[cells[order, 1], cells[order, 0]] = order
    return rows, (float(low[0]), float(low[0] + span[0]), float(low[1]), float(low[1] + span[1]))


@with_style
def draw_picture_map(
    pictures: dict[tuple[int, int], np.ndarray],
    side: int,
    extent: tuple[float, float, float, float],
    variance: tuple[float, float],
    *,
    columns: int = 2,
) -> Figure:
    """Draw thumbnails on a grid over two principal components.

    Parameters
    ----------
    pictures : dict
        Row and column of a cell, counted from the lower left -> picture, uint8 (pixels, pixels, 3), row 0 on top.
    side : int
        Number of cells in each direction.
    extent : tuple of 4 float
        Left, right, bottom and top of the grid, in units of the components.
    variance : tuple of 2 float
        Share of the variance of each component.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
    """
    pixels = len(next(iter(pictures.values())))
    mosaic = np.full((side * pixels, side * pixels, 3), 255, dtype=np.uint8)
    for (row, column), picture in pictures.items():
        top = (side - 1 - row) * pixels
        mosaic[top : top + pixels, column * pixels : (column + 1) * pixels] = picture
    figure = make_figure(columns, 1.0)
    figure.set_layout_engine("compressed")
    axes = figure.subplots()
    axes.imshow(mosaic, extent=extent, aspect="auto", interpolation="antialiased")
    axes.set_box_aspect(1)
    axes.tick_params(direction="out", top=False, right=False)
    axes.set(
        xlabel=f"principal component 1 ({variance[0]:.0%} of the variance)",
        ylabel=f"principal component 2 ({variance[1]:.0%} of the variance)",
    )
    return figure
