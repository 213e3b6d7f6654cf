"""Write a sheet of captioned pictures as a PDF page, with text and lines as vectors and pictures as they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.patches import Rectangle
from PIL import ImageFont

from galaxtool.reports.sheet_layout import STYLES, Box, Color, Label, PlacedPicture, Tile, lay_out

_DPI = 144  # of the layout, so that its captions have 7.5 points
_SMALLER, _SHIFT = 0.87, 0.2  # this font is wider than that of the raster images, and starts higher
_FONT = FontProperties(family="DejaVu Sans")
_SETTINGS: dict[Any, Any] = {"text.parse_math": False, "pdf.fonttype": 42, "image.composite_image": False}


def save_pdf(path: Path, tiles: Sequence[Tile | None], title: str, style: str, columns: int) -> None:
    """Write a sheet as a PDF file."""
    sheet = lay_out(tiles, title, _measure, STYLES[style], columns=columns)
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(sheet.width / _DPI, sheet.height / _DPI), facecolor=_to_color(sheet.ground))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, sheet.width), ylim=(sheet.height, 0))
        axes.set_axis_off()
        for order, one in enumerate(sheet.elements):
            _draw(axes, one, order)
        axes.set(xlim=(0, sheet.width), ylim=(sheet.height, 0))
        figure.savefig(path, format="pdf", metadata={"CreationDate": None, "Title": title})


def _draw(axes: Axes, one: Box | PlacedPicture | Label, order: int) -> None:
    """Draw an element above all earlier ones."""
    if isinstance(one, PlacedPicture):
        extent = (one.x, one.x + one.width, one.y + one.height, one.y)
        axes.imshow(one.pixels, extent=extent, interpolation="none", aspect="auto", zorder=order)
    elif isinstance(one, Label):
        y = one.y if one.centered else one.y + _SHIFT * one.size
        axes.text(
            one.x, y, one.text, color=_to_color(one.color), font=_FONT, size=_SMALLER * one.size * 72 / _DPI,
            ha="center" if one.centered else "left", va="center" if one.centered else "top", zorder=order,
        )  # fmt: skip
    else:
        inside = one.line / 2  # a frame lies inside its box
        corner, size = (one.x + inside, one.y + inside), (one.width - one.line, one.height - one.line)
        fill, outline = (_to_color(color) if color else "none" for color in (one.fill, one.outline))
        width = one.line * 72 / _DPI
        axes.add_patch(Rectangle(corner, *size, linewidth=width, facecolor=fill, edgecolor=outline, zorder=order))


def _to_color(color: Color) -> tuple[float, float, float]:
    red, green, blue = color
    return red / 255, green / 255, blue / 255


def _measure(text: str, size: int) -> float:
    return _SMALLER * float(_load_font(size).getlength(text))


@lru_cache
def _load_font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(findfont(_FONT), size)
