"""A sheet of captioned pictures, the first one set apart; drawn by Pillow alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

TILE = 192
"""Side of a picture in pixels."""

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_GAP = 16
_COLUMNS = 6
_TEXT = 15
_LINE = 20
_TITLE = 20
_GROUND, _PANEL = (18, 20, 26), (38, 42, 52)
_BRIGHT, _DIM, _ACCENT = (236, 238, 242), (150, 156, 168), (255, 196, 77)


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet.

    Parameters
    ----------
    picture : ndarray of uint8, shape (ny, nx, 3), or None
        Row 0 is the top row. None shows `note` in its place.
    caption : str
        Below it, bright; cut in the middle where it is too long.
    detail : str
        Below that, dim.
    note : str
        What to show instead of a picture: a text that was asked for, or why there is no picture.
    chosen : bool
        Framed, as the query is.
    """

    picture: np.ndarray | None
    caption: str
    detail: str = ""
    note: str = ""
    chosen: bool = False


def contact_sheet(tiles: Sequence[Tile], title: str, *, tile: int = TILE, columns: int = _COLUMNS) -> Image.Image:
    """Draw pictures in rows with a title above.

    Parameters
    ----------
    tiles : sequence of Tile
        From left to right, then down.
    title : str
        One line; cut where it is too long.
    tile : int
        Side of a picture, in pixels; larger ones are reduced, smaller ones enlarged without smoothing.
    columns : int
        Tiles in a row at most.

    Returns
    -------
    PIL.Image.Image
        RGB.
    """
    columns = max(1, min(columns, len(tiles)))
    rows = -(-len(tiles) // columns)
    step_x, step_y = tile + _GAP, tile + 2 * _LINE + _GAP + 6
    width = max(columns * step_x + _GAP, 3 * step_x)
    top = _GAP + _TITLE + _GAP
    sheet = Image.new("RGB", (width, top + rows * step_y + _GAP // 2), _GROUND)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(_TITLE), ImageFont.load_default(_TEXT)
    draw.text((_GAP, _GAP), _fitted(draw, title, large, width - 2 * _GAP), font=large, fill=_BRIGHT)
    for number, one in enumerate(tiles):
        x, y = _GAP + number % columns * step_x, top + number // columns * step_y
        _place(sheet, draw, one, (x, y), tile, small)
        colour = _ACCENT if one.chosen else _BRIGHT
        draw.text((x, y + tile + 5), _fitted(draw, one.caption, small, tile), font=small, fill=colour)
        draw.text((x, y + tile + 5 + _LINE), _fitted(draw, one.detail, small, tile), font=small, fill=_DIM)
    return sheet


def _place(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, one: Tile, at: tuple[int, int], tile: int, font: _Font
) -> None:
    """Draw a picture, or its note, and the frame."""
    x, y = at
    if one.picture is not None:
        picture = Image.fromarray(one.picture)
        method = Image.Resampling.NEAREST if max(picture.size) < tile else Image.Resampling.LANCZOS
        scale = tile / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        if size != picture.size:
            picture = picture.resize(size, method)
        draw.rectangle((x, y, x + tile - 1, y + tile - 1), fill=(0, 0, 0))
        sheet.paste(picture, (x + (tile - size[0]) // 2, y + (tile - size[1]) // 2))
    else:
        draw.rectangle((x, y, x + tile - 1, y + tile - 1), fill=_PANEL)
        text = "\n".join(_wrapped(draw, one.note, font, tile - 2 * _GAP)[: (tile - _GAP) // _LINE])
        colour = _BRIGHT if one.chosen else _DIM
        draw.multiline_text((x + tile / 2, y + tile / 2), text, font=font, fill=colour, anchor="mm", align="center")
    if one.chosen:
        draw.rectangle((x - 3, y - 3, x + tile + 2, y + tile + 2), outline=_ACCENT, width=3)


def _fitted(draw: ImageDraw.ImageDraw, text: str, font: _Font, width: float) -> str:
    """Return a text in one line, its middle left out where it is too wide: names differ at their ends."""
    text = " ".join(text.split())
    if draw.textlength(text, font) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if draw.textlength(_cut(text, middle), font) <= width else (low, middle - 1)
    return _cut(text, low)


def _cut(text: str, keep: int) -> str:
    return text[: keep // 2] + "..." + text[len(text) - (keep - keep // 2) :]


def _wrapped(draw: ImageDraw.ImageDraw, text: str, font: _Font, width: float) -> list[str]:
    """Break a text into lines that fit, between words, or within one that is too long for a line."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if draw.textlength(joined, font) <= width:
            lines[-1] = joined
        else:
            lines.append(_fitted(draw, word, font, width))
    return [line for line in lines if line]
