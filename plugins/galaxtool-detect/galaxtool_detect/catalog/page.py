"""The gallery: an HTML page with a picture of every source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy.table import Row, Table
from matplotlib.colors import to_rgb
from PIL import Image

from galaxtool import GalleryCard, GallerySection, write_gallery
from galaxtool_detect.catalog.colors import choose_colors
from galaxtool_detect.catalog.fluxes import MEANINGS
from galaxtool_detect.catalog.maps import PixelMap
from galaxtool_detect.catalog.pictures import stretch

_MOST = 400
_SIDE = 160  # pixels of a picture
_FRAME, _LEAST = 3.0, 24.0  # side shown, in sides of the box and in pixels


def write_page(
    image: PixelMap, sources: Table, path: Path, *, title: str, settings: Mapping[str, str] | None = None
) -> None:
    """Write a page with a picture of every source, by class, the brightest first.

    Parameters
    ----------
    image : PixelMap
        The image.
    sources : Table
        Its catalogue, from `galaxtool_detect.catalog.build.build_catalogue`.
    path : Path
        Page to write.
    title : str
        Heading.
    settings : mapping of str, optional
        How the catalogue was made.
    """
    snr = np.nan_to_num(np.asarray(sources["snr"], float), nan=-1)
    order = np.argsort(-snr, kind="stable")[:_MOST]
    labels = np.asarray(sources["label"], str)
    colors = choose_colors(sources)
    sections = []
    for label in sorted(set(labels.tolist())):
        rows = [row for row in order.tolist() if labels[row] == label]
        total = int((labels == label).sum())
        remark = "" if len(rows) == total else f"The brightest {len(rows)} of {total}."
        cards = [_make_card(sources, row) for row in rows]
        sections.append(GallerySection(title=label, remark=remark, groups=[cards], number=total))
    count = f"{len(sources)} sources" if len(sources) != 1 else "1 source"
    used = {flag for text in sources["flags"] for flag in str(text).split()}
    meanings = {flag: MEANINGS[flag] for flag in MEANINGS if flag in used}
    write_gallery(
        path,
        title=title,
        summary=count,
        sections=sections or [GallerySection(title="Sources", remark="No source was found.")],
        make_picture=lambda row: _draw(image, sources[row], colors[str(labels[row])]),
        settings={**(settings or {}), **meanings},
    )


def _make_card(sources: Table, row: int) -> GalleryCard:
    one = sources[row]
    lines = [f"S/N {one['snr']:.1f}, score {one['score']:.2f}"]
    for key in ("flux", "peak"):
        if math.isfinite(one[key]):
            unit = str(sources[key].unit or "").replace(" / ", "/")
            lines.append(f"{key} {one[key]:.3g} {unit}".strip())
    if math.isfinite(one["ra"]):
        lines.append(f"{one['ra']:.5f} {one['dec']:+.5f}")
    if one["n_parts"] > 1:
        lines.append(f"{one['n_parts']} parts")
    if one["flags"]:
        lines.append(str(one["flags"]))
    return GalleryCard(row=row, id=str(one["id"]), lines=tuple(lines))


def _draw(image: PixelMap, one: Row, color: str) -> np.ndarray | None:
    """Return the picture of a source with its box, uint8 of shape (side, side, 3), row 0 on top."""
    _, ny, nx = image.shape
    side = max(_LEAST, _FRAME * max(one["x1"] - one["x0"], one["y1"] - one["y0"]))
    left, bottom = (one["x0"] + one["x1"] - side) / 2, (one["y0"] + one["y1"] - side) / 2
    x0, y0 = round(left), round(bottom)
    n = math.ceil(side)
    shown = np.full((n, n), np.nan, np.float32)
    ya, yb, xa, xb = max(0, y0), min(ny, y0 + n), max(0, x0), min(nx, x0 + n)
    if ya >= yb or xa >= xb:
        return None
    shown[ya - y0 : yb - y0, xa - x0 : xb - x0] = image.read(ya, yb, xa, xb)[0]
    gray = stretch(shown, float(one["background"]), float(one["rms"]))
    picture = np.where(np.isfinite(gray), gray * 255, 225).astype(np.uint8)
    large = np.asarray(Image.fromarray(picture).resize((_SIDE, _SIDE), Image.Resampling.NEAREST))
    colored = np.repeat(large[:, :, None], 3, axis=2)
    scale = _SIDE / n
    xs = [round((one[key] + 0.5 - x0) * scale) for key in ("x0", "x1")]
    ys = [round((one[key] + 0.5 - y0) * scale) for key in ("y0", "y1")]
    shade = np.array([round(255 * value) for value in to_rgb(color)], np.uint8)
    x_low, x_high, y_low, y_high = (int(np.clip(value, 0, _SIDE - 1)) for value in (*xs, *ys))
    colored[y_low : y_high + 1, [x_low, x_high]] = shade
    colored[[y_low, y_high], x_low : x_high + 1] = shade
    return colored[::-1]
