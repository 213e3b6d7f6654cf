"""Units of angles as headers spell them."""

from __future__ import annotations

import math

_DEGREES = {
    **dict.fromkeys(("deg", "degree", "degr", "dg", "°"), 1.0),
    **dict.fromkeys(("arcmin", "arcminute", "amin"), 1 / 60),
    **dict.fromkeys(("arcsec", "arcsecond", "asec"), 1 / 3600),
    **dict.fromkeys(("mas", "milliarcsec", "milliarcsecond"), 1 / 3_600_000),
    **dict.fromkeys(("rad", "radian"), 180 / math.pi),
    **dict.fromkeys(("h", "hr", "hour", "hourangle"), 15.0),
}


def find_degrees(unit: str) -> float | None:
    """Return the number of degrees in a unit; one if it is empty, None if it is not known.

    Examples
    --------
    >>> find_degrees("Degrees"), find_degrees("'deg.'"), find_degrees("hours"), find_degrees("parsec")
    (1.0, 1.0, 15.0, None)
    >>> find_degrees("arcsec/pixel") == find_degrees("ARCSEC") == 1 / 3600
    True
    """
    word = unit.strip(" '\"[]().").casefold()
    for suffix in ("/pixel", "/pix", "/px", " per pixel"):
        word = word.removesuffix(suffix)
    if not word:
        return 1.0
    return _DEGREES.get(word) or _DEGREES.get(word.removesuffix("s"))
