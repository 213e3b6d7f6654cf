"""Embeddings as points in a plane, coloured by class or by a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from galaxtool.plotting.labels import name_class
from galaxtool.plotting.request import ONE_COLUMN, TWO_COLUMNS
from galaxtool.plotting.style import COLORS, MARKERS, with_style

UNKNOWN = -1
"""Index of the class of an image without one."""

_GRAY = "0.75"
_BATCHES = 12  # points are drawn in so many mixed lots, so that no class covers the others
_VECTORS = 2_000  # above this number, the points of a PDF are pixels
_LEGEND_LINE = 0.145  # inches
_TAILS = 1.0  # percent of the values at either end that the scale of colours leaves out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """The points of one input.

    Parameters
    ----------
    points : ndarray of float, shape (N, 2)
        Positions in the plane.
    values : ndarray, shape (N,)
        Indices of classes, int, with `UNKNOWN`; or values, float, with NaN.
    name : str
        Title, such as the name of the model; may be empty.
    """

    points: np.ndarray
    values: np.ndarray
    name: str = ""


@with_style
def draw_projection(
    panels: Sequence[Panel],
    axis: str,
    *,
    classes: Sequence[str] = (),
    quantity: str = "",
    columns: int = 1,
) -> Figure:
    """Draw embeddings as points in a plane.

    Parameters
    ----------
    panels : sequence of Panel
        Points of each input, side by side.
    axis : str
        Name of an axis of the plane, such as ``"t-SNE"``; its number is added.
    classes : sequence of str
        Slugs of the classes, if the points are coloured by class.
    quantity : str
        Name of the value, if the points are coloured by one; without either they are of one colour.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
    """
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
    per_row = min(len(panels), 2 if columns == 1 else 4)
    n_rows = -(-len(panels) // per_row)
    handles = _make_handles(panels, classes)
    side = width / per_row
    n_lines, n_across = _arrange_legend(handles, width)
    height = n_rows * min(side, 3.4) + n_lines * _LEGEND_LINE + (0.45 if quantity else 0.05)
    figure = Figure(figsize=(width, height))
    all_axes = figure.subplots(n_rows, per_row, squeeze=False)
    scale = _find_scale(panels) if quantity else None
    for axes, panel in zip(all_axes.flat, panels, strict=False):
        size = float(np.clip(130 / len(panel.points) ** 0.5, 0.5, 9.0)) * (1 if per_row == 1 else 0.7)
        if scale is not None:
            _scatter_values(axes, panel, size, scale)
        else:
            _scatter_classes(axes, panel, size, len(classes))
        axes.set(xlabel=f"{axis} 1", ylabel=f"{axis} 2", title=panel.name)
        _fit_axes(axes, panel.points)
    for axes in all_axes.flat[len(panels) :]:
        axes.set_axis_off()
    if scale is not None:
        bar = figure.colorbar(
            ScalarMappable(scale.norm, "viridis"), ax=all_axes, label=quantity, location="bottom",
            aspect=30, shrink=1.0 if columns == 1 else 0.5, extend=scale.extend, extendfrac=0.03, pad=0.02,
        )  # fmt: skip
        bar.outline.set_linewidth(0.4)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=n_across, columnspacing=1.0, handletextpad=0.2)
    return figure


@dataclass(frozen=True, slots=True, eq=False)
class _Scale:
    norm: Normalize
    extend: str


def _find_scale(panels: Sequence[Panel]) -> _Scale:
    """Return the scale of colours of all panels, without the outermost values where these lie far out."""
    values = np.concatenate([panel.values for panel in panels]).astype(float)
    values = values[np.isfinite(values)]
    lowest, low, high, highest = np.percentile(values, [0, _TAILS, 100 - _TAILS, 100])
    extends_low, extends_high = (high - low) * 1.2 < high - lowest, (high - low) * 1.2 < highest - low
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[int(extends_low), int(extends_high)]
    return _Scale(Normalize(low if extends_low else lowest, high if extends_high else highest), extend)


def _scatter_values(axes: Axes, panel: Panel, size: float, scale: _Scale) -> None:
    order = _shuffle(len(panel.points))
    points, values = panel.points[order], panel.values[order].astype(float)
    known = np.isfinite(values)
    raster = len(points) > _VECTORS
    axes.scatter(points[~known][:, 0], points[~known][:, 1], s=size, color=_GRAY, linewidths=0, rasterized=raster)
    axes.scatter(
        points[known][:, 0],
        points[known][:, 1],
        s=size,
        c=values[known],
        cmap="viridis",
        norm=scale.norm,
        linewidths=0,
        rasterized=raster,
    )


def _scatter_classes(axes: Axes, panel: Panel, size: float, n_classes: int) -> None:
    raster = len(panel.points) > _VECTORS
    unknown = panel.values == UNKNOWN
    color = _GRAY if n_classes else COLORS[0]
    axes.scatter(
        panel.points[unknown][:, 0],
        panel.points[unknown][:, 1],
        s=size * 0.7,
        color=color,
        linewidths=0,
        rasterized=raster,
    )
    for lot in np.array_split(_shuffle(len(panel.points)), _BATCHES):
        for k in range(n_classes):
            points = panel.points[lot[panel.values[lot] == k]]
            marker, factor = _marker(k)
            axes.scatter(
                points[:, 0], points[:, 1], s=size * factor, color=COLORS[k % len(COLORS)], marker=marker, linewidths=0,
                rasterized=raster,
            )  # fmt: skip


def _make_handles(panels: Sequence[Panel], classes: Sequence[str]) -> list[Line2D]:
    """Return an entry of the legend for each class that occurs."""
    present = set(np.concatenate([panel.values for panel in panels]).tolist()) if classes else set()
    handles = []
    for k, slug in enumerate(classes):
        if k in present:
            color = COLORS[k % len(COLORS)]
            handles.append(Line2D([], [], color=color, marker=_marker(k)[0], linestyle="", label=name_class(slug)))
    if classes and UNKNOWN in present:
        handles.append(Line2D([], [], color=_GRAY, marker="o", linestyle="", label="no class"))
    return handles


def _arrange_legend(handles: Sequence[Line2D], width: float) -> tuple[int, int]:
    """Return how many lines and columns a legend needs, going by the lengths of its texts."""
    if not handles:
        return 0, 1
    longest = max(len(str(handle.get_label())) for handle in handles)
    n_across = max(1, min(len(handles), int(width / (0.056 * longest + 0.3))))
    return -(-len(handles) // n_across), n_across


def _marker(k: int) -> tuple[str, float]:
    """Return the marker of a class, and the factor that makes its area look like that of a circle."""
    marker = MARKERS[k % len(MARKERS)]
    return marker, {"o": 1.0, "s": 0.85, "D": 0.7}.get(marker, 1.25)


def _fit_axes(axes: Axes, points: np.ndarray) -> None:
    """Give both axes the same scale and no ticks, because only distances mean something."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = max(float((high - low).max()) / 2, 1e-9) * 1.04
    middle = (low + high) / 2
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    axes.set_box_aspect(1)
    axes.set_xticks([])
    axes.set_yticks([])


def _shuffle(n: int) -> np.ndarray:
    return np.random.default_rng(0).permutation(n)
