"""What the header says about the meaning of the pixels, where it is not brightness pixel by pixel."""

from __future__ import annotations

import re
from dataclasses import dataclass

from galaxtool.images.fits.card_memo import remember_by_cards
from galaxtool.images.fits.header import Keywords, may_have, pad_keys
from galaxtool.images.fits.radio import is_radio_map
from galaxtool.images.quality import find_saturation, parse_flags
from galaxtool.types import BAYER_MOSAIC, NOT_LINEAR

_NOT_LINEAR = re.compile(
    r"(?:log\w*|ln|sqrt|asinh|arcsinh|dex)\b|(?:log(?:10)?|ln|sqrt|asinh|dex)\s*[(_]|(?:ab|st)?mag(?:nitudes?)?\b",
    re.IGNORECASE,
)
_MOSAIC = re.compile(r"[RGBCMY]{4}", re.IGNORECASE)

MOSAIC_KEYWORDS = ("BAYERPAT", "COLORTYP", "BAYER", "CFAPAT", "MOSAIC", "BAYERPTN")
"""Cards with the pattern of a colour camera, which programs keep in the header of the picture in colours."""

_MOSAIC_KEYS = pad_keys(*MOSAIC_KEYWORDS)


@dataclass(frozen=True, slots=True)
class PixelMeaning:
    """What the header says about the pixels of an image.

    Parameters
    ----------
    unit : str
        FITS unit string; empty if there is none.
    is_radio : bool
        Whether it is a radio map.
    saturation : float or None
        Value from which on pixels are saturated.
    flags : tuple of str
        Those of `find_meaning_flags`, and those of the card CUTFLAG, which `galaxtool cutouts` writes.
    """

    unit: str
    is_radio: bool
    saturation: float | None
    flags: tuple[str, ...]


def find_meaning(header: Keywords, primary: Keywords, planes: int) -> PixelMeaning:
    """Return what the header of an image, and that of the primary HDU, say about its pixels."""
    return _find_own_meaning(header, planes) if header is primary else _find_meaning(header, primary, planes)


@remember_by_cards
def _find_own_meaning(header: Keywords, planes: int) -> PixelMeaning:
    return _find_meaning(header, header, planes)


def _find_meaning(header: Keywords, primary: Keywords, planes: int) -> PixelMeaning:
    unit = str(header.get("BUNIT") or primary.get("BUNIT") or "").strip()
    flags = (*find_meaning_flags(header, primary, planes), *parse_flags(header.get("CUTFLAG")))
    return PixelMeaning(unit, is_radio_map(header, unit), find_saturation(header, primary), flags)


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
