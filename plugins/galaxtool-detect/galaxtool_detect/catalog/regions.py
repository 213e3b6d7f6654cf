"""Regions for DS9 and CASA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool import ConfigError, atomic_write
from galaxtool_detect.catalog.colors import choose_colors
from galaxtool_detect.catalog.maps import PixelMap

DS9, CASA = (".reg",), (".crtf", ".casa")
_CORNERS = ((0, 1), (2, 1), (2, 3), (0, 3))  # columns of x and y in x0, y0, x1, y1


def write_regions(image: PixelMap, sources: Table, path: Path) -> None:
    """Write the boxes of sources as regions.

    Parameters
    ----------
    image : PixelMap
        The image. With a WCS, regions are polygons on the sky (ICRS); without one, boxes in pixels.
    sources : Table
        Catalogue with id, label, x0, y0, x1 and y1.
    path : Path
        File to write: ``.reg`` for DS9 (and CARTA), ``.crtf`` for CASA.

    Raises
    ------
    ConfigError
        If the suffix is another one.
    """
    suffix = path.suffix.lower()
    if suffix not in (*DS9, *CASA):
        raise ConfigError(f"'{path}' has no suffix of regions.", hint="Use .reg for DS9, or .crtf for CASA.")
    boxes = np.column_stack([np.asarray(sources[key], float) for key in ("x0", "y0", "x1", "y1")])
    corners = [image.to_sky(boxes[:, i], boxes[:, j]) for i, j in _CORNERS]
    sky = np.moveaxis(np.array(corners), 2, 0) if len(boxes) else np.zeros((0, 4, 2))
    write = _list_ds9 if suffix in DS9 else _list_casa
    text = "\n".join(write(sources, boxes, sky, on_sky=image.pixel_scale is not None)) + "\n"
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _list_ds9(sources: Table, boxes: np.ndarray, sky: np.ndarray, *, on_sky: bool) -> list[str]:
    lines = ["# Region file format: DS9 version 4.1", 'global font="helvetica 10 normal roman" width=1']
    lines.append("icrs" if on_sky else "image")
    colors = choose_colors(sources)
    for row, (box, polygon) in enumerate(zip(boxes, sky, strict=True)):
        if on_sky:
            shape = "polygon(" + ",".join(f"{value:.7f}" for value in polygon.ravel()) + ")"
        else:
            x, y = (box[0] + box[2]) / 2 + 1, (box[1] + box[3]) / 2 + 1  # DS9 counts from 1
            shape = f"box({x:.3f},{y:.3f},{box[2] - box[0]:.3f},{box[3] - box[1]:.3f},0)"
        label = str(sources["label"][row])
        lines.append(f"{shape} # color={colors[label]} text={{{_plain(sources['id'][row])}}} tag={{{_plain(label)}}}")
    return lines


def _list_casa(sources: Table, boxes: np.ndarray, sky: np.ndarray, *, on_sky: bool) -> list[str]:
    lines = ["#CRTFv0 CASA Region Text Format version 0"]
    colors = choose_colors(sources)
    for row, (box, polygon) in enumerate(zip(boxes, sky, strict=True)):
        if on_sky:
            points = ", ".join(f"[{ra:.7f}deg, {dec:.7f}deg]" for ra, dec in polygon)
            shape = f"poly [{points}] coord=ICRS"
        else:
            shape = f"box [[{box[0]:.3f}pix, {box[1]:.3f}pix], [{box[2]:.3f}pix, {box[3]:.3f}pix]]"
        lines.append(f"{shape}, color={colors[str(sources['label'][row])]}, label='{_plain(sources['id'][row])}'")
    return lines


def _plain(text: object) -> str:
    """Return a text without characters that end it in a region file, or that are not printed."""
    return "".join(" " if letter in "{}'\"" or not letter.isprintable() else letter for letter in str(text))
