"""Read the symbols of classes as pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from galaxtool.errors import InputError
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.utils.files.regular_files import open_regular

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "PPM")
_MIDDLE = 128


def load_symbols(taxonomy: Taxonomy, size: int) -> np.ndarray:
    """Read the symbols of all classes.

    Parameters
    ----------
    taxonomy : Taxonomy
        Taxonomy in which every class has a symbol.
    size : int
        Side in pixels.

    Returns
    -------
    ndarray of uint8, shape (K, V, size, size, 3)
        Display values in the order of the taxonomy, and of the drawings of each class; row 0 is the top row, channels
        are R, G, B. See `load_symbol`. V is the largest number of drawings of a class; those of a class with fewer are
        repeated in turn.

    Raises
    ------
    galaxtool.errors.InputError
        If a class has no symbol, or a file is not an image.
    """
    if missing := [item.slug for item in taxonomy.classes if item.symbol is None]:
        raise InputError(
            f"No symbol for {', '.join(missing)} in the taxonomy '{taxonomy.name}'.",
            hint="Put one image per class into a folder and add --symbols DIR, or use --method supervised or clip.",
        )
    loaded = [[load_symbol(path, size) for path in item.drawings] for item in taxonomy.classes]
    n = max(map(len, loaded))
    return np.stack([[drawings[i % len(drawings)] for i in range(n)] for drawings in loaded])


def load_symbol(path: Path, size: int) -> np.ndarray:
    """Read one symbol as uint8 RGB, shape (size, size, 3).

    Symbols are bright on black, as in the sky. A drawing in dark lines on light paper, or on a transparent ground, is
    inverted; beneath bright lines, transparent parts become black. An image that is not square is padded with black to
    a square.

    Raises
    ------
    galaxtool.errors.InputError
        If the file cannot be read as an image.
    """
    try:
        # of the other formats of Pillow, some start programs, such as Ghostscript for EPS
        with open_regular(path) as stream, Image.open(stream, formats=_FORMATS) as image:
            drawing = image.convert("RGBA")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError, SyntaxError) as problem:
        raise InputError(f"The symbol {path} cannot be read as an image.", hint="Save it as PNG.") from problem
    flat = _flatten(drawing)
    if _is_dark_on_light(flat):
        flat = ImageOps.invert(flat)
    return np.asarray(ImageOps.pad(flat, (size, size), Image.Resampling.LANCZOS, color="black"), dtype=np.uint8)


def _flatten(drawing: Image.Image) -> Image.Image:
    """Put an RGBA drawing on black, or on white if its opaque parts are dark and others are transparent."""
    gray, alpha = (np.asarray(drawing.convert("LA"))[..., i].astype(np.float64) for i in (0, 1))
    dark = alpha.any() and np.average(gray, weights=alpha) < _MIDDLE
    paper = "white" if dark and (alpha < _MIDDLE).any() else "black"
    return Image.alpha_composite(Image.new("RGBA", drawing.size, paper), drawing).convert("RGB")


def _is_dark_on_light(drawing: Image.Image) -> bool:
    """Return whether most of the border is light, and the minority of all pixels is dark."""
    gray = np.asarray(drawing.convert("L"))
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    return bool(np.median(border) >= _MIDDLE and 0 < (gray < _MIDDLE).mean() < 0.5)
