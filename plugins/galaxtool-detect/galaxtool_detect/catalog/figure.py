"""The overlay: an image with the boxes of the sources that were found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from astropy.table import Table
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from galaxtool import ConfigError, atomic_write
from galaxtool_detect.catalog.colors import choose_colors
from galaxtool_detect.catalog.maps import PixelMap
from galaxtool_detect.catalog.pictures import measure_picture, shrink, stretch

_SIDE = 7.0  # inches
_PIXELS = 1800
_MOST_NAMES = 40
_EDGE = 0.95


def draw_overlay(image: PixelMap, sources: Table, path: Path, *, title: str = "") -> None:
    """Draw the boxes of sources over the image.

    Parameters
    ----------
    image : PixelMap
        The image, of any size; a large one is averaged over blocks of pixels.
    sources : Table
        Catalogue with id, label, x0, y0, x1 and y1.
    path : Path
        Figure to write: .png, .jpg or .pdf.
    title : str
        Text above the figure.

    Raises
    ------
    ConfigError
        If matplotlib does not know the format.
    """
    pixels, factor = shrink(image, _PIXELS)
    background, rms = measure_picture(pixels)
    ny, nx = image.shape[1:]
    height = _SIDE * min(1.6, max(0.4, ny / nx))
    figure = Figure(figsize=(_SIDE + 0.6, height + 0.5), layout="constrained")
    wcs = getattr(image, "wcs", None) or getattr(getattr(image, "field", None), "wcs", None)
    axes: Any = figure.add_subplot(projection=wcs.celestial if wcs is not None else None)
    shown = np.ma.masked_invalid(stretch(pixels, background, rms))
    axes.set_facecolor("#e8e8e8")
    extent = (-0.5, pixels.shape[1] * factor - 0.5, -0.5, pixels.shape[0] * factor - 0.5)
    axes.imshow(shown, origin="lower", cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest")
    axes.set(xlim=(-0.5, nx - 0.5), ylim=(-0.5, ny - 0.5))
    if wcs is not None:
        axes.coords[0].set_axislabel("right ascension")
        axes.coords[1].set_axislabel("declination")
    else:
        axes.set(xlabel="x (pixels)", ylabel="y (pixels)")
    labels, colors = sorted(set(map(str, sources["label"]))), choose_colors(sources)
    for label in labels:
        rows = sources[np.asarray(sources["label"], str) == label]
        patches = [Rectangle((r["x0"], r["y0"]), r["x1"] - r["x0"], r["y1"] - r["y0"]) for r in rows]
        axes.add_collection(PatchCollection(patches, facecolor="none", edgecolor=colors[label], linewidth=1))
    if len(sources) <= _MOST_NAMES:
        for row in sources:
            number = str(row["id"]).rsplit("-", 1)[-1].lstrip("0")
            side = "right" if row["x1"] > _EDGE * nx else "left"
            axes.text(row["x1"] + 1, row["y1"] + 1, number, color="#F0E442", fontsize=6, ha=side)
    counts = [int((np.asarray(sources["label"], str) == label).sum()) for label in labels]
    handles = [
        Patch(facecolor="none", edgecolor=colors[label], label=f"{label} ({count})")
        for label, count in zip(labels, counts, strict=True)
    ]
    if handles:
        figure.legend(
            handles=handles, loc="outside lower center", ncols=min(4, len(handles)), frameon=False, fontsize=8
        )
    axes.set_title(title or f"{len(sources)} sources", fontsize=9)
    try:
        # a map or a class may be called "S$_0$"
        with atomic_write(path) as temporary, matplotlib.rc_context({"text.parse_math": False}):
            figure.savefig(temporary, dpi=200, format=path.suffix.lower().removeprefix("."))
    except ValueError as error:
        raise ConfigError(f"The figure '{path}' cannot be written: {error}.", hint="Use .png, .jpg or .pdf.") from error
