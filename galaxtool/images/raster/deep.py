"""Pictures with more than 8 bits a value: display values, or measured data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from galaxtool.images.pixel_kind import PixelKind, blend_with_black, choose_assumption_flags, guess_pixel_kind
from galaxtool.images.raster.picture import Picture
from galaxtool.images.raster.tiff_tags import COLORS, TiffPage
from galaxtool.images.read_options import AUTO

_LONG = 65535


def interpret_tiff(name: str, values: np.ndarray, page: TiffPage, wanted: str) -> Picture:
    """Return the values of a page as a picture or as measured data.

    Parameters
    ----------
    name : str
        Name of the file for errors.
    values : ndarray, shape (samples, ny, nx)
        Values as stored, top row first.
    page : TiffPage
        The page they come from.
    wanted : str
        What the user says that they are, one of `galaxtool.images.read_options.PIXEL_KINDS`.
    """
    if 8 < page.bits < 16 and values.dtype == np.uint16:  # such as 12 bits: white is white, and opaque is opaque
        values = (values.astype(np.uint32) * _LONG // (2**page.bits - 1)).astype(np.uint16)
    has_alpha = bool(page.extra) and page.extra[0] in (1, 2)
    colors = 3 if page.photometric == COLORS and page.samples >= 3 else 1
    alpha = values[colors] if has_alpha and page.samples == colors + 1 else None
    planes = values if alpha is None else values[:colors]
    names = ("R", "G", "B") + ("",) * (len(planes) - 3) if colors == 3 else ("",) * len(planes)
    picture = interpret_values(name, planes, wanted, names, is_color=colors == 3)
    if alpha is None:
        return picture
    if picture.planes.dtype == np.uint8:
        top = 1.0 if alpha.dtype.kind == "f" else float(np.iinfo(alpha.dtype).max)
        opacity = np.clip(np.rint(alpha / top * 255), 0, 255).astype(np.uint8)
        blended = picture.planes if page.extra[0] == 1 else blend_with_black(picture.planes, opacity)
        return replace(picture, planes=blended)
    measured = picture.planes.copy()
    measured[:, alpha == 0] = np.nan
    return replace(picture, planes=measured)


def interpret_values(
    name: str, planes: np.ndarray, wanted: str, names: tuple[str, ...], *, is_color: bool, form: str = "TIFF"
) -> Picture:
    """Return values of any type, (bands, ny, nx), as uint8 display values or as float32 measured data."""
    if planes.dtype == np.uint8 and wanted == AUTO:
        return Picture(planes, form, bands=names)
    guess = PixelKind(False)
    if len(planes) == 1 or is_color or wanted != AUTO:
        guess = guess_pixel_kind(planes[None], wanted=wanted, source=name, full_range=True)
    if guess.is_picture:
        shown = replace(guess, has_alpha=False).to_display(planes)
        shown.flags.writeable = False
        return Picture(shown, form, bands=names, flags=choose_assumption_flags(guess, planes.dtype))
    flags = choose_assumption_flags(replace(guess, is_sure=wanted != AUTO), planes.dtype)
    with np.errstate(over="ignore"):
        return Picture(planes.astype(np.float32), form, bands=names, flags=flags)
