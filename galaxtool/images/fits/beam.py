"""The restoring beam of a radio map, from its header."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from astropy.io.fits import Header

from galaxtool.images.fits.numbers import parse_number

_HISTORY = re.compile(r"BMAJ\s*=\s*(\S+)\s+BMIN\s*=\s*(\S+)\s+BPA\s*=\s*(\S+)", re.IGNORECASE)
_KEYWORDS = (("BMAJ", "BMIN", "BPA"), ("CLBMAJ", "CLBMIN", "CLBPA"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam:
    """The restoring beam of a radio map: an elliptical Gaussian.

    Parameters
    ----------
    major, minor : float
        Full widths at half maximum in arcsec.
    angle : float
        Position angle of the major axis in degrees, from north to east.
    """

    major: float
    minor: float
    angle: float = 0.0

    def area(self, pixel_scale: float) -> float:
        """Return the area of the beam in pixels: sums of pixels in Jy/beam are divided by it.

        Parameters
        ----------
        pixel_scale : float
            arcsec per pixel.

        Examples
        --------
        >>> round(Beam(major=12.0, minor=12.0).area(pixel_scale=4.0), 2)
        10.2
        """
        return math.pi * self.major * self.minor / (4 * math.log(2) * pixel_scale**2)


def find_beam(header: Header) -> Beam | None:
    """Return the beam that a header states; None if it states none, or one that is not an ellipse.

    Parameters
    ----------
    header : Header
        With BMAJ, BMIN and BPA in degrees, CLBMAJ, CLBMIN and CLBPA, or the line that AIPS writes into the HISTORY.
    """
    for keys in _KEYWORDS:
        if (beam := _make_beam([header.get(key) for key in keys])) is not None:
            return beam
    found = _HISTORY.findall("\n".join(str(line) for line in header.get("HISTORY", [])))
    return _make_beam(list(found[-1])) if found else None  # the last one was restored last


def _make_beam(values: list[object]) -> Beam | None:
    """Return the beam of three values in degrees."""
    major, minor, angle = (parse_number(value) for value in values)
    if major is None or not (math.isfinite(major) and major > 0):
        return None
    if minor is None or not 0 < minor <= major:
        minor = major if minor is None else None
    if minor is None:
        return None
    return Beam(major=3600 * major, minor=3600 * minor, angle=angle or 0.0)
