"""The kind ``pca-grid``."""

from __future__ import annotations

from dataclasses import replace

from matplotlib.figure import Figure

from galaxtool.plotting.charts.picture_grid import cell_pixels
from galaxtool.plotting.charts.picture_map import choose_cells, draw_picture_map
from galaxtool.plotting.images import check_whole
from galaxtool.plotting.kinds.projection import read_inputs
from galaxtool.plotting.pictures import make_pictures
from galaxtool.plotting.projections import project_pca
from galaxtool.plotting.request import PlotRequest


def plot_picture_map(request: PlotRequest) -> Figure:
    """Draw thumbnails at their places on the first two principal components."""
    request.single_input()
    side = check_whole(request.options["side"], "side", 2)
    (embedded,) = read_inputs(replace(request, options={**request.options, "most": 0, "balanced": False}))
    points, variance = project_pca(embedded.vectors, 2)
    rows, extent = choose_cells(points, side)
    cells = [(y, x) for y in range(side) for x in range(side) if rows[y, x] >= 0]
    pixels = cell_pixels(side, request.width)
    pictures = make_pictures(
        embedded.images, [int(rows[cell]) for cell in cells], pixels, embedded.preprocess, request.log
    )
    shown = {cell: picture for cell, picture in zip(cells, pictures, strict=True) if picture is not None}
    return draw_picture_map(shown, side, extent, (variance[0], variance[1]), columns=request.columns)
