"""Heat maps over pictures: where a network looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image, ImageFilter

from galaxtool.plotting.charts.picture_grid import Margins, make_grid, show_picture
from galaxtool.plotting.request import ONE_COLUMN, TWO_COLUMNS
from galaxtool.plotting.style import with_style

_CONTOURS = (0.35, 0.7)  # shares of the way from the sky to the brightest
_BAR, _LINE = 0.34, 0.13  # inches: the scale of colours, and a line of text
_CMAP = "inferno"
_SIDE = 0.8  # inches: narrower cells do not stand side by side
_GAP, _BETWEEN = 0.04, 0.12
_FAINT = 8  # gray levels: nothing stands out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeatRow:
    """A picture with its heat maps.

    Parameters
    ----------
    picture : ndarray of uint8, shape (size, size, 3)
        The picture, row 0 on top.
    maps : sequence of ndarray of float, shape (h, w)
        Heat maps of the whole picture, row 0 on top; they may differ in their numbers of cells.
    name : str
        Text at the left, or above where the maps have no titles; may be empty.
    """

    picture: np.ndarray
    maps: Sequence[np.ndarray]
    name: str = ""


@with_style
def draw_heat_maps(
    rows: Sequence[HeatRow],
    titles: Sequence[str],
    quantity: str,
    *,
    largest: float | None = None,
    smooth: bool = False,
    blocks: int = 0,
    columns: int = 2,
) -> Figure:
    """Draw pictures, each with its heat maps, all on one scale of colours.

    Thin lines are contours of the brightness of the picture.

    Parameters
    ----------
    rows : sequence of HeatRow
        Rows with the same number M of maps.
    titles : sequence of str
        Title of each of the M maps; empty to write the names of the rows above them.
    quantity : str
        What the colours show, with its unit.
    largest : float, optional
        Upper end of the scale; by default the 99.5th percentile of all maps. The lower end is 0.
    smooth : bool
        Whether maps are interpolated between the centres of their cells.
    blocks : int
        Number of rows that stand side by side; 0 for as many as have room.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
    """
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
    each = len(rows[0].maps) + 1
    blocks = min(len(rows), blocks or max(1, int(width / (each * _SIDE))))
    margins = Margins(
        left=0.17 if titles and any(row.name for row in rows) else 0.01,
        top=0.04 + _LINE * max(title.count("\n") + 1 for title in titles or ("",)),
        bottom=_BAR,
        gap=_GAP,
        row_gap=_GAP if titles else _GAP + _LINE,
    )
    figure, cells = _make_blocks(len(rows), each, blocks, width, margins)
    values = np.concatenate([np.ravel(heat) for row in rows for heat in row.maps])
    highest = float(np.percentile(values, 99.5)) if largest is None else largest
    norm = Normalize(0, highest or 1.0)
    for number, (axes, row) in enumerate(zip(cells, rows, strict=True)):
        if titles and number < blocks:
            for cell, title in zip(axes, ("image", *titles), strict=True):
                cell.text(0.5, 1.03, title, transform=cell.transAxes, ha="center", va="bottom", fontsize=7)
        _write_name(axes[0], row.name, is_above=not titles)
        show_picture(axes[0], row.picture)
        for cell, heat in zip(axes[1:], row.maps, strict=True):
            _show_heat(cell, heat, row.picture, norm, smooth=smooth)
    _add_bar(figure, norm, quantity, is_cut=bool(values.max() > 1.001 * (highest or 1.0)))
    return figure


def _write_name(axes: Axes, name: str, *, is_above: bool) -> None:
    if is_above:
        axes.text(0, 1.03, name, transform=axes.transAxes, ha="left", va="bottom", fontsize=6.5)
    else:
        axes.text(-0.05, 0.5, name, transform=axes.transAxes, ha="right", va="center", rotation=90, fontsize=7)


def _make_blocks(n: int, each: int, blocks: int, width: float, margins: Margins) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with `n` rows of `each` axes, of which `blocks` stand side by side."""
    lines = -(-n // blocks)
    right = (blocks - 1) * (margins.left + _BETWEEN) + 0.01
    figure, axes = make_grid(lines, each * blocks, width, replace(margins, right=right))
    shift = (margins.left + _BETWEEN) / width
    found = []
    for line, block in np.ndindex(lines, blocks):
        cells = list(axes[line, block * each : (block + 1) * each])
        for cell in cells:
            box = cell.get_position()
            cell.set_position((box.x0 + block * shift, box.y0, box.width, box.height))
        found.append(cells)
    return figure, found[:n]


def _show_heat(axes: Axes, heat: np.ndarray, picture: np.ndarray, norm: Normalize, *, smooth: bool) -> None:
    size = picture.shape[:2]
    axes.imshow(
        heat, cmap=_CMAP, norm=norm, extent=(0, size[1], size[0], 0), interpolation="bilinear" if smooth else "nearest"
    )
    _draw_contours(axes, picture)


def _add_bar(figure: Figure, norm: Normalize, quantity: str, *, is_cut: bool) -> None:
    """Add the scale of colours below, with its name to the left."""
    height = figure.get_figheight()
    bar = figure.colorbar(
        ScalarMappable(norm, _CMAP), cax=figure.add_axes((0.52, 0.23 / height, 0.4, 0.06 / height)),
        orientation="horizontal", extend="max" if is_cut else "neither",
    )  # fmt: skip
    bar.ax.tick_params(labelsize=6, pad=1, length=2)
    bar.ax.text(-0.04, 0.5, quantity, transform=bar.ax.transAxes, ha="right", va="center", fontsize=7)


def _draw_contours(axes: Axes, picture: np.ndarray) -> None:
    """Draw contours of the brightness of a picture, which show where the galaxy is."""
    soft = Image.fromarray(picture).convert("L").filter(ImageFilter.GaussianBlur(len(picture) / 40))
    gray = np.asarray(soft, dtype=float)
    sky, peak = np.median(gray), gray.max()
    if peak - sky < _FAINT:
        return
    levels = [sky + share * (peak - sky) for share in _CONTOURS]
    at = np.arange(gray.shape[1]) + 0.5, np.arange(gray.shape[0]) + 0.5
    axes.contour(*at, gray, levels=levels, colors="white", linewidths=0.5, alpha=0.8)
