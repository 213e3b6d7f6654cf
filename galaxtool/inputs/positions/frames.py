"""Frames of positions by their names in VOTables, FITS and astropy."""

from __future__ import annotations

import re
from collections.abc import Callable

from astropy.coordinates import FK4, FK5, BarycentricMeanEcliptic, Galactic, Supergalactic

from galaxtool.tables.position_names import ICRS


def normalize_frame(text: str) -> str:
    """Return a frame by one of its names in VOTables, FITS and astropy, with the equinox if it has one.

    Examples
    --------
    >>> normalize_frame("eq_FK5 J2000"), normalize_frame("FK4 1950.0"), normalize_frame("GALACTIC")
    ('icrs', 'fk4 B1950', 'galactic')
    """
    lower = text.lower()
    if "gal" in lower:
        return "supergalactic" if "super" in lower else "galactic"
    if "ecl" in lower:
        return "ecliptic"
    equinox = re.search(r"([jb]?)\s*(\d{4}(?:\.\d+)?)", lower)
    year = float(equinox[2]) if equinox else None
    is_fk4 = "fk4" in lower or ("fk5" not in lower and "icrs" not in lower and year is not None and year < 1984)
    if "icrs" in lower or (not is_fk4 and year in (None, 2000.0)):
        return ICRS
    default = 1950.0 if is_fk4 else 2000.0
    letter = (equinox[1] if equinox and equinox[1] else "b" if is_fk4 else "j").upper()
    return f"{'fk4' if is_fk4 else 'fk5'} {letter}{year or default:g}"


def make_frame(frame: str) -> object:
    """Return the frame of astropy."""
    makers: dict[str, Callable[[], object]] = {
        "galactic": Galactic,
        "supergalactic": Supergalactic,
        "ecliptic": BarycentricMeanEcliptic,
    }
    if frame in makers:
        return makers[frame]()
    name, _, equinox = frame.partition(" ")
    return (FK4 if name == "fk4" else FK5)(equinox=equinox)
