"""What the header says about the meaning of the pixels, where it is not brightness pixel by pixel."""

from __future__ import annotations

import re

from galaxtool.images.fits.header import Keywords, may_have, pad_keys
from galaxtool.types import BAYER_MOSAIC, NOT_LINEAR

_NOT_LINEAR = re.compile(
    r"(?:log\w*|ln|sqrt|asinh|arcsinh|dex)\b|(?:log(?:10)?|ln|sqrt|asinh|dex)\s*[(_]|(?:ab|st)?mag(?:nitudes?)?\b",
    re.IGNORECASE,
)
_MOSAIC = re.compile(r"[RGBCMY]{4}", re.IGNORECASE)

MOSAIC_KEYWORDS = ("BAYERPAT", "COLORTYP", "BAYER", "CFAPAT", "MOSAIC", "BAYERPTN")
"""Cards with the pattern of a colour camera, which programs keep in the header of the picture in colours."""

_MOSAIC_KEYS = pad_keys(*MOSAIC_KEYWORDS)


def find_meaning_flags(header: Keywords, primary: Keywords, planes: int) -> tuple[str, ...]:
    """Return flags about pixels that are not brightness.

    Parameters
    ----------
    header, primary : Cards or Header
        Headers of the HDU with the image, and of the primary HDU.
    planes : int
        Number of planes of the image.

    Returns
    -------
    tuple of str
        ``NOT_LINEAR`` if BUNIT is a magnitude, logarithm or root; ``BAYER_MOSAIC`` if a single plane has the pixels of
        several colours side by side.
    """
    unit = str(header.get("BUNIT") or primary.get("BUNIT") or "").strip()
    flags: tuple[str, ...] = (NOT_LINEAR,) if unit and _NOT_LINEAR.match(unit) else ()
    if planes == 1 and may_have(header, _MOSAIC_KEYS) and states_mosaic(header):
        flags += (BAYER_MOSAIC,)
    return flags


def states_mosaic(header: Keywords) -> bool:
    """Tell whether a header has the pattern of a colour camera, such as RGGB."""
    return any(_MOSAIC.fullmatch(_get_word(header, key)) for key in MOSAIC_KEYWORDS)


def _get_word(header: Keywords, key: str) -> str:
    value = header.get(key)
    return "" if value is None else str(value).strip()
