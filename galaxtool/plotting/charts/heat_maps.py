"""Heat maps over pictures: where a network looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image, ImageFilter

from galaxtool.plotting.charts.picture_grid import Margins, make_grid, show_picture
from galaxtool.plotting.request import ONE_COLUMN, TWO_COLUMNS
from galaxtool.plotting.style import styled

_CONTOURS = (0.35, 0.7)  # shares of the way from the sky to the brightest
_BAR = 0.34  # inches
_CMAP = "inferno"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeatRow:
    """One row of heat maps.

    Parameters
    ----------
    picture : ndarray of uint8, shape (size, size, 3)
        The picture, row 0 on top.
    maps : ndarray of float, shape (M, h, w)
        Heat maps of the whole picture, row 0 on top.
    name : str
        Text at the left; may be empty.
    """

    picture: np.ndarray
    maps: np.ndarray
    name: str = ""


@styled
def draw_heat_maps(
    rows: Sequence[HeatRow], titles: Sequence[str], quantity: str, *, largest: float | None = None, columns: int = 2
) -> Figure:
    """Draw pictures, each with its heat maps, all on one scale of colours.

    Thin lines are contours of the brightness of the picture.

    Parameters
    ----------
    rows : sequence of HeatRow
        Rows with the same number M of maps.
    titles : sequence of str
        Title of each of the M maps.
    quantity : str
        What the colours show, with its unit.
    largest : float, optional
        Upper end of the scale; by default the 99.5th percentile of all maps. The lower end is 0.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
    """
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
    has_names = any(row.name for row in rows)
    n_lines = max(title.count("\n") + 1 for title in titles)
    margins = Margins(
        left=0.17 if has_names else 0.01, right=0.01, top=0.04 + 0.13 * n_lines, bottom=_BAR, gap=0.04, row_gap=0.04
    )
    figure, axes = make_grid(len(rows), len(titles) + 1, width, margins)
    values = np.concatenate([row.maps.ravel() for row in rows])
    top = float(np.percentile(values, 99.5)) if largest is None else largest
    norm = Normalize(0, top or 1.0)
    for cell, title in zip(axes[0], ("image", *titles), strict=True):
        cell.text(0.5, 1.03, title, transform=cell.transAxes, ha="center", va="bottom", fontsize=7)
    for cells, row in zip(axes, rows, strict=True):
        show_picture(cells[0], row.picture)
        cells[0].text(
            -0.05, 0.5, row.name, transform=cells[0].transAxes, ha="right", va="center", rotation=90, fontsize=7
        )
        for cell, heat in zip(cells[1:], row.maps, strict=True):
            size = row.picture.shape[:2]
            cell.imshow(heat, cmap=_CMAP, norm=norm, extent=(0, size[1], size[0], 0), interpolation="nearest")
            _draw_contours(cell, row.picture)
    height = figure.get_figheight()
    box = (0.3, 0.23 / height, 0.4, 0.06 / height)
    bar = figure.colorbar(
        ScalarMappable(norm, _CMAP), cax=figure.add_axes(box), orientation="horizontal",
        extend="max" if values.max() > 1.001 * (top or 1.0) else "neither",
    )  # fmt: skip
    bar.ax.tick_params(labelsize=6, pad=1, length=2)
    bar.outline.set_linewidth(0.4)
    bar.ax.text(-0.05, 0.5, quantity, transform=bar.ax.transAxes, ha="right", va="center", fontsize=7)
    return figure


def _draw_contours(axes: Axes, picture: np.ndarray) -> None:
    """Draw contours of the brightness of a picture, which show where the galaxy is."""
    soft = Image.fromarray(picture).convert("L").filter(ImageFilter.GaussianBlur(len(picture) / 40))
    gray = np.asarray(soft, dtype=float)
    sky, peak = np.median(gray), gray.max()
    if peak - sky < 8:  # gray levels: nothing stands out
        return
    at = np.arange(gray.shape[1]) + 0.5, np.arange(gray.shape[0]) + 0.5
    axes.contour(
        *at, gray, levels=[sky + share * (peak - sky) for share in _CONTOURS], colors="white", linewidths=0.5, alpha=0.8
    )
