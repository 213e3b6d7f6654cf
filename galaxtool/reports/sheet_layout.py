"""Lay out a sheet of captioned pictures, for a raster image or for a PDF page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

TILE = 192
"""Side of a picture in pixels."""
COLUMNS = 6

_GAP = 16
_TEXT, _LINE = 15, 20
_TITLE = 20
_NOTE = 12
_MARGIN = 10  # between the edge of a picture and its scale bar
_BAR, _PAD = 3, 4  # height of a scale bar, and space around it
_MAX_BAR = 0.4  # of the side of a picture
_LENGTHS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)

Color = tuple[int, int, int]
Measure = Callable[[str, int], float]
"""A function of a text and a font size, both in pixels, to the width of the text."""

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


@dataclass(frozen=True)
class Style:
    """Colours of a sheet: background, empty tiles, space around a picture, text, dim text and frame."""

    ground: Color
    panel: Color
    around: Color
    text: Color
    dim: Color
    accent: Color


STYLES = {
    "dark": Style((18, 20, 26), (38, 42, 52), BLACK, (236, 238, 242), (150, 156, 168), (255, 196, 77)),
    "light": Style(WHITE, (238, 240, 243), (238, 240, 243), (24, 26, 32), (98, 104, 116), (204, 92, 0)),
}
"""Name -> colours."""


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet.

    Parameters
    ----------
    picture : ndarray of uint8, shape (ny, nx, 3), or None
        Picture, row 0 on top; if it is None, `note` is shown instead.
    caption : str
        Bright text below the picture, shortened in the middle if it is too long.
    detail : str
        Dim text below the caption.
    note : str
        Text in place of a picture: the text of a query, or the reason why the picture is missing.
    chosen : bool
        Whether to draw a frame, as around the query.
    scale : float or None
        Arcsec per pixel of the picture, for its scale bar; None where it is unknown.
    label : str
        Bright text below the detail; a sheet of which no tile has one has no line for it.
    """

    picture: np.ndarray | None
    caption: str
    detail: str = ""
    note: str = ""
    chosen: bool = False
    scale: float | None = None
    label: str = ""


@dataclass(frozen=True)
class Box:
    """A rectangle, filled or as a frame of some width; coordinates are in pixels from the top left corner."""

    x: float
    y: float
    width: float
    height: float
    fill: Color | None = None
    outline: Color | None = None
    line: int = 0


@dataclass(frozen=True)
class PlacedPicture:
    """A picture, stretched to a rectangle."""

    x: int
    y: int
    width: int
    height: int
    pixels: np.ndarray


@dataclass(frozen=True)
class Label:
    """A line of text, from its left top corner or, if `centered`, around its centre."""

    x: float
    y: float
    text: str
    size: int
    color: Color
    centered: bool = False


@dataclass(frozen=True)
class Sheet:
    """A sheet as a list of elements in the order of drawing."""

    width: int
    height: int
    ground: Color
    elements: list[Box | PlacedPicture | Label]


def lay_out(
    tiles: Sequence[Tile | None],
    title: str,
    measure: Measure,
    style: Style,
    *,
    tile: int = TILE,
    columns: int = COLUMNS,
) -> Sheet:
    """Lay out pictures in rows with a title above.

    Parameters
    ----------
    tiles : sequence of Tile or None
        Tiles in the order of the rows; None leaves a place free.
    title : str
        One line of text, shortened if it is too long.
    measure : callable
        Function that measures text.
    style : Style
        Colours.
    tile : int
        Side of a picture in pixels.
    columns : int
        Most tiles in a row.
    """
    columns = max(1, min(columns, len(tiles)))
    rows = -(-len(tiles) // columns)
    lines = 3 if any(one is not None and one.label for one in tiles) else 2
    step_x, step_y = tile + _GAP, tile + lines * _LINE + _GAP + 6
    width = max(columns * step_x + _GAP, 3 * step_x)
    top = _GAP + _TITLE + _GAP
    elements: list[Box | PlacedPicture | Label] = []
    elements.append(Label(_GAP, _GAP, fit_text(title, measure, _TITLE, width - 2 * _GAP), _TITLE, style.text))
    for number, one in enumerate(tiles):
        if one is None:
            continue
        x, y = _GAP + number % columns * step_x, top + number // columns * step_y
        elements += _lay_out_picture(one, x, y, tile, measure, style)
        color = style.accent if one.chosen else style.text
        below = y + tile + 5
        elements.append(Label(x, below, fit_text(one.caption, measure, _TEXT, tile), _TEXT, color))
        elements.append(Label(x, below + _LINE, fit_text(one.detail, measure, _TEXT, tile), _TEXT, style.dim))
        if one.label:
            label = fit_text(one.label, measure, _TEXT, tile)
            elements.append(Label(x, below + 2 * _LINE, label, _TEXT, style.text))
    return Sheet(width, top + rows * step_y + _GAP // 2, style.ground, elements)


def fit_text(text: str, measure: Measure, size: int, width: float) -> str:
    """Return a text in one line, shortened in the middle if it is too wide, because names differ at their ends."""
    text = " ".join(text.split())
    if measure(text, size) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(_shorten(text, middle), size) <= width else (low, middle - 1)
    return _shorten(text, low)


def choose_bar_length(arcsec: float) -> float | None:
    """Return the length of the scale bar of a picture with a side in arcsec; None if no round length fits."""
    return next((length for length in reversed(_LENGTHS) if length <= _MAX_BAR * arcsec), None)


def _lay_out_picture(
    one: Tile, x: int, y: int, tile: int, measure: Measure, style: Style
) -> Iterator[Box | PlacedPicture | Label]:
    """Yield a picture or its note, the scale bar and the frame."""
    if one.picture is None:
        yield Box(x, y, tile, tile, fill=style.panel)
        lines = _wrap_text(one.note, measure, tile - 2 * _GAP)[: (tile - _GAP) // _LINE]
        color = style.text if one.chosen else style.dim
        for row, line in enumerate(lines):
            middle = y + tile / 2 + (row - (len(lines) - 1) / 2) * _LINE
            yield Label(x + tile / 2, middle, line, _TEXT, color, centered=True)
    else:
        ny, nx = one.picture.shape[:2]
        zoom = tile / max(ny, nx)
        width, height = max(1, round(nx * zoom)), max(1, round(ny * zoom))
        left, top = x + (tile - width) // 2, y + (tile - height) // 2
        yield Box(x, y, tile, tile, fill=style.around)
        yield PlacedPicture(left, top, width, height, one.picture)
        if one.scale is not None:
            yield from lay_out_bar(left, top + height, width, one.scale / zoom, measure)
    if one.chosen:
        yield Box(x - 3, y - 3, tile + 6, tile + 6, outline=style.accent, line=3)


def lay_out_bar(left: int, bottom: int, width: int, scale: float, measure: Measure) -> Iterator[Box | Label]:
    """Yield the scale bar of a picture, white on black, which is seen on any sky; `scale` is in arcsec per pixel."""
    length = choose_bar_length(width * scale)
    if length is None:
        return
    text = f'{length:g}"' if length < 60 else f"{length / 60:g}'"
    x, y, pixels = left + _MARGIN, bottom - _MARGIN - _BAR, round(length / scale)
    label_y = y - _NOTE - 5
    below = y + _BAR + _PAD
    yield Box(
        x - _PAD, label_y - _PAD, max(pixels, measure(text, _NOTE)) + 2 * _PAD, below - label_y + _PAD, fill=BLACK
    )
    yield Box(x, y, pixels, _BAR, fill=WHITE)
    yield Label(x, label_y, text, _NOTE, WHITE)


def _shorten(text: str, keep: int) -> str:
    return text[: keep // 2] + "..." + text[len(text) - (keep - keep // 2) :]


def _wrap_text(text: str, measure: Measure, width: float) -> list[str]:
    """Break a text into lines that fit, and shorten words that are too long for a line."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if measure(joined, _TEXT) <= width:
            lines[-1] = joined
        else:
            lines.append(fit_text(word, measure, _TEXT, width))
    return [line for line in lines if line]
