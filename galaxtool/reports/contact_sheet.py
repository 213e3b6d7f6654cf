"""Draw a sheet of captioned pictures as a raster image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from galaxtool.reports.sheet_layout import COLUMNS, STYLES, TILE, Box, Label, PlacedPicture, Tile, lay_out, lay_out_bar
from galaxtool.utils.files.atomic_write import atomic_write
from galaxtool.utils.optional_imports import import_attribute

__all__ = ["COLUMNS", "SUFFIXES", "TILE", "Tile", "add_scale_bar", "draw_contact_sheet", "write_contact_sheet"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".pdf")
"""Suffixes of the files that a sheet can be written to."""


def write_contact_sheet(
    path: Path, tiles: Sequence[Tile | None], title: str, *, style: str = "dark", columns: int = COLUMNS
) -> None:
    """Write a sheet to a file whose suffix says how: as pixels, or as a PDF page with text and lines as vectors."""
    with atomic_write(path) as temporary:
        if path.suffix.lower() == ".pdf":
            import_attribute("galaxtool.reports.sheet_pdf:save_pdf")(temporary, tiles, title, style, columns)
        else:
            draw_contact_sheet(tiles, title, style=style, columns=columns).save(temporary)


def draw_contact_sheet(
    tiles: Sequence[Tile | None], title: str, *, tile: int = TILE, columns: int = COLUMNS, style: str = "dark"
) -> Image.Image:
    """Draw pictures in rows with a title above.

    Parameters
    ----------
    tiles : sequence of Tile or None
        Tiles in the order of the rows; None leaves a place free.
    title : str
        One line of text, shortened if it is too long.
    tile : int
        Side of a picture in pixels; larger pictures are reduced, smaller ones enlarged without smoothing.
    columns : int
        Most tiles in a row.
    style : {"dark", "light"}
        Colours.

    Returns
    -------
    PIL.Image.Image
        RGB.
    """
    sheet = lay_out(tiles, title, _measure, STYLES[style], tile=tile, columns=columns)
    image = Image.new("RGB", (sheet.width, sheet.height), sheet.ground)
    _draw_elements(image, sheet.elements)
    return image


def add_scale_bar(picture: np.ndarray, side: float) -> np.ndarray:
    """Return a picture, uint8 (ny, nx, 3), whose width is `side` arcsec, with a scale bar."""
    image = Image.fromarray(picture)
    _draw_elements(image, lay_out_bar(0, image.height, image.width, side / image.width, _measure))
    return np.asarray(image)


def _draw_elements(image: Image.Image, elements: Iterable[Box | PlacedPicture | Label]) -> None:
    draw = ImageDraw.Draw(image)
    for one in elements:
        if isinstance(one, PlacedPicture):
            image.paste(_resize(one), (one.x, one.y))
        elif isinstance(one, Label):
            anchor = "mm" if one.centered else None
            draw.text((one.x, one.y), one.text, font=_load_font(one.size), fill=one.color, anchor=anchor)
        else:
            corners = (one.x, one.y, one.x + one.width - 1, one.y + one.height - 1)
            draw.rectangle(corners, fill=one.fill, outline=one.outline, width=one.line)


def _resize(one: PlacedPicture) -> Image.Image:
    """Return a picture at the size of its place, enlarged without smoothing or reduced."""
    picture = Image.fromarray(one.pixels)
    if picture.size == (one.width, one.height):
        return picture
    is_enlarged = max(picture.size) < max(one.width, one.height)
    method = Image.Resampling.NEAREST if is_enlarged else Image.Resampling.LANCZOS
    return picture.resize((one.width, one.height), method)


def _measure(text: str, size: int) -> float:
    return float(_load_font(size).getlength(text))


@lru_cache
def _load_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
