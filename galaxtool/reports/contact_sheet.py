"""Draw a sheet of captioned pictures."""

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
        Picture, row 0 on top; if it is None, `note` is shown instead.
    caption : str
        Bright text below the picture, shortened in the middle if it is too long.
    detail : str
        Dim text below the caption.
    note : str
        Text in place of a picture: the text of a query, or the reason why the picture is missing.
    chosen : bool
        Whether to draw a frame, as around the query.
    """

    picture: np.ndarray | None
    caption: str
    detail: str = ""
    note: str = ""
    chosen: bool = False


def draw_contact_sheet(tiles: Sequence[Tile], title: str, *, tile: int = TILE, columns: int = _COLUMNS) -> Image.Image:
    """Draw pictures in rows with a title above.

    Parameters
    ----------
    tiles : sequence of Tile
        Tiles in the order of the rows.
    title : str
        One line of text, shortened if it is too long.
    tile : int
        Side of a picture in pixels; larger pictures are reduced, smaller ones enlarged without smoothing.
    columns : int
        Most tiles in a row.

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
    draw.text((_GAP, _GAP), _fit_text(draw, title, large, width - 2 * _GAP), font=large, fill=_BRIGHT)
    for number, one in enumerate(tiles):
        x, y = _GAP + number % columns * step_x, top + number // columns * step_y
        _draw_tile(sheet, draw, one, (x, y), tile, small)
        color = _ACCENT if one.chosen else _BRIGHT
        draw.text((x, y + tile + 5), _fit_text(draw, one.caption, small, tile), font=small, fill=color)
        draw.text((x, y + tile + 5 + _LINE), _fit_text(draw, one.detail, small, tile), font=small, fill=_DIM)
    return sheet


def _draw_tile(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, one: Tile, at: tuple[int, int], tile: int, font: _Font
) -> None:
    """Draw a picture or its note, and the frame."""
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
        text = "\n".join(_wrap_text(draw, one.note, font, tile - 2 * _GAP)[: (tile - _GAP) // _LINE])
        color = _BRIGHT if one.chosen else _DIM
        draw.multiline_text((x + tile / 2, y + tile / 2), text, font=font, fill=color, anchor="mm", align="center")
    if one.chosen:
        draw.rectangle((x - 3, y - 3, x + tile + 2, y + tile + 2), outline=_ACCENT, width=3)


def _fit_text(draw: ImageDraw.ImageDraw, text: str, font: _Font, width: float) -> str:
    """Return a text in one line, shortened in the middle if it is too wide, because names differ at their ends."""
    text = " ".join(text.split())
    if draw.textlength(text, font) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if draw.textlength(_shorten(text, middle), font) <= width else (low, middle - 1)
    return _shorten(text, low)


def _shorten(text: str, keep: int) -> str:
    return text[: keep // 2] + "..." + text[len(text) - (keep - keep // 2) :]


def _wrap_text(draw: ImageDraw.ImageDraw, text: str, font: _Font, width: float) -> list[str]:
    """Break a text into lines that fit, and shorten words that are too long for a line."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if draw.textlength(joined, font) <= width:
            lines[-1] = joined
        else:
            lines.append(_fit_text(draw, word, font, width))
    return [line for line in lines if line]
