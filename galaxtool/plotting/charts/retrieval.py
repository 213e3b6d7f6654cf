"""Retrieval sheets: queries with their nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from galaxtool.plotting.charts.picture_grid import Margins, find_side, make_grid, outline, show_picture, write_in_corner
from galaxtool.plotting.request import ONE_COLUMN, TWO_COLUMNS
from galaxtool.plotting.style import BLUE, ORANGE, VERMILION, with_style

_RIGHT, _WRONG = "✓", "✗"
_LINE = 0.11  # inches, of text of 6 points
_TEXT = 0.8  # inches, beside a row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownNeighbor:
    """One neighbour of a query.

    Parameters
    ----------
    picture : ndarray of uint8, shape (size, size, 3), or None
        Picture, row 0 on top; None if it cannot be read.
    similarity : float
        Cosine of its embedding with that of the query.
    is_right : bool or None
        Whether it has the class of the query; None if either is unknown.
    """

    picture: np.ndarray | None
    similarity: float
    is_right: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RetrievalQuery:
    """A query with its neighbours, the nearest first.

    Parameters
    ----------
    picture : ndarray of uint8, shape (size, size, 3), or None
        Picture, row 0 on top; None if it cannot be read.
    caption : str
        Class or identifier of the query, in one or two lines.
    neighbors : tuple of ShownNeighbor
        Its neighbours.
    """

    picture: np.ndarray | None
    caption: str
    neighbors: tuple[ShownNeighbor, ...]


@with_style
def draw_retrieval(queries: Sequence[RetrievalQuery], *, layout: str = "rows", columns: int = 2) -> Figure:
    """Draw queries with their nearest neighbours.

    The query has an orange frame. A neighbour of its class has a check mark on blue, one of another class a cross on
    vermilion and a dashed frame. The number in the corner is the cosine similarity.

    Parameters
    ----------
    queries : sequence of RetrievalQuery
        Queries with the same number of neighbours.
    layout : {"rows", "columns"}
        Whether each query has a row, beginning with it, or a column, with the query on top.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
    """
    k = max(len(query.neighbors) for query in queries)
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
    in_rows = layout == "rows"
    n_lines = max(query.caption.count("\n") + 1 for query in queries)
    # a frame around the query reaches beyond its cell
    text = _TEXT if in_rows else n_lines * _LINE + 0.06
    margins = Margins(
        left=text if in_rows else 0.03,
        right=0.03,
        top=0.03 if in_rows else text,
        bottom=0.03,
        gap=0.05 if in_rows else 0.09,
        row_gap=0.09 if in_rows else 0.05,
    )
    shape = (len(queries), k + 1) if in_rows else (k + 1, len(queries))
    figure, axes = make_grid(*shape, width, margins)
    grid = axes if in_rows else axes.T
    longest = max(len(line) for query in queries for line in query.caption.split("\n"))
    caption_size = min(7.0, 72 * (_TEXT - 0.08) / (0.62 * max(longest, 1)))
    size = min(6.0, 72 * find_side(grid[0, 0]) / 5.5)
    for cells, query in zip(grid, queries, strict=True):
        show_picture(cells[0], query.picture)
        outline(cells[0], ORANGE, width=2.0, inside=False)
        if in_rows:
            cells[0].text(
                -0.07, 0.5, query.caption, transform=cells[0].transAxes, ha="right", va="center", fontsize=caption_size
            )
        else:
            cells[0].text(0.5, 1.06, query.caption, transform=cells[0].transAxes, ha="center", va="bottom", fontsize=6)
        for cell, neighbor in zip(cells[1:], query.neighbors, strict=False):
            show_picture(cell, neighbor.picture)
            _mark(cell, neighbor, size)
    return figure


def _mark(axes: Axes, neighbor: ShownNeighbor, size: float) -> None:
    """Mark a neighbour as right or wrong, and write its similarity."""
    write_in_corner(axes, f"{neighbor.similarity:.2f}", "#000000aa", size=size, place="lower right")
    if neighbor.is_right is None:
        return
    color = BLUE if neighbor.is_right else VERMILION
    write_in_corner(axes, _RIGHT if neighbor.is_right else _WRONG, color, size=size, place="upper left")
    if not neighbor.is_right:
        outline(axes, color, width=1.2, line="--")
