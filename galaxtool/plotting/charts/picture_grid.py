"""Grids of pictures with exact sizes and gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

PIXELS_PER_INCH = 300
"""Resolution at which pictures are drawn."""

_MISSING = "0.93"


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Space around the cells of a grid and between them, in inches."""

    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0
    gap: float = 0.03
    row_gap: float = 0.03


def make_grid(n_rows: int, n_columns: int, width: float, margins: Margins) -> tuple[Figure, np.ndarray]:
    """Return a figure with square axes in rows and columns.

    Parameters
    ----------
    n_rows, n_columns : int
        Numbers of cells.
    width : float
        Width of the figure in inches; the height follows from it.
    margins : Margins
        Space around and between the cells.

    Returns
    -------
    figure : Figure
    axes : ndarray of Axes, shape (n_rows, n_columns)
        Without ticks and frames; row 0 is the top row.
    """
    side = (width - margins.left - margins.right - margins.gap * (n_columns - 1)) / n_columns
    height = margins.top + margins.bottom + n_rows * side + (n_rows - 1) * margins.row_gap
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("none")
    axes = np.empty((n_rows, n_columns), dtype=object)
    for row, column in np.ndindex(n_rows, n_columns):
        left = margins.left + column * (side + margins.gap)
        bottom = height - margins.top - (row + 1) * side - row * margins.row_gap
        cell = figure.add_axes((left / width, bottom / height, side / width, side / height))
        cell.set_axis_off()
        axes[row, column] = cell
    return figure, axes


def cell_pixels(n_columns: int, width: float) -> int:
    """Return a side in pixels that pictures in a grid of so many columns need on paper."""
    return max(32, round(PIXELS_PER_INCH * width / n_columns))


def find_side(axes: Axes) -> float:
    """Return the width of axes in inches."""
    figure = axes.get_figure(root=True)
    return float(axes.get_position().width * figure.get_figwidth()) if figure is not None else 0.0


def show_picture(axes: Axes, picture: np.ndarray | None, **style: Any) -> None:
    """Show a picture, uint8 (ny, nx, 3) or values (ny, nx), row 0 on top; an empty field if it is None."""
    if picture is None:
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.add_patch(Rectangle((0, 0), 1, 1, facecolor=_MISSING, edgecolor="none"))
        axes.text(0.5, 0.5, "not\nreadable", ha="center", va="center", fontsize=6, color="0.4")
        return
    axes.imshow(picture, aspect="equal", interpolation="nearest", **style)


def outline(axes: Axes, color: str, *, width: float = 1.5, line: str = "-", inside: bool = True) -> None:
    """Draw a frame along the edge of axes, `width` points wide."""
    shift = width / 2 / 72 * (1 if inside else -1)
    dx = dy = shift / find_side(axes)
    axes.add_patch(
        Rectangle(
            (dx, dy),
            1 - 2 * dx,
            1 - 2 * dy,
            transform=axes.transAxes,
            facecolor="none",
            edgecolor=color,
            linewidth=width,
            linestyle=line,
            clip_on=False,
            joinstyle="miter",
            zorder=5,
        )
    )


def write_in_corner(axes: Axes, text: str, color: str, *, size: float = 6.0, place: str = "lower right") -> None:
    """Write white text on a coloured ground into a corner of a picture."""
    top, right = place.startswith("upper"), place.endswith("right")
    axes.text(
        0.96 if right else 0.04,
        0.96 if top else 0.04,
        text,
        transform=axes.transAxes,
        ha="right" if right else "left",
        va="top" if top else "bottom",
        fontsize=size,
        color="white",
        bbox={"boxstyle": "square,pad=0.15", "facecolor": color, "edgecolor": "none"},
        zorder=6,
    )
