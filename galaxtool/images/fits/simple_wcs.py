"""A WCS without distortion and with a common projection, which WCSLIB solves alone.

The images of a survey often differ only in CRPIX and CRVAL. WCSLIB then parses their other cards once and gets these
values as numbers, in a tenth of the time and with the same result to the last bit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
from astropy.coordinates import ICRS, CartesianRepresentation, SkyCoord
from astropy.wcs import WCS, Wcsprm
from astropy.wcs.utils import wcs_to_celestial_frame

from galaxtool.images.fits.header import Cards
from galaxtool.images.fits.wcs_cards import is_celestial, is_plain, read_reference
from galaxtool.images.fits.wcslib_header import REFERENCE, build_wcslib_header, find_shared_cards
from galaxtool.utils.warning_filter import ignore_warnings

_PROJECTIONS = re.compile("....-(TAN|STG|SIN|ARC|ZEA|AIR|CAR|CEA|MER|SFL|PAR|MOL|AIT|TSC|CSC|QSC|HPX)")
_SKY = (("RA--", "DEC-"), ("GLON", "GLAT"))
_ZEROS = b"".join((key + b"=                  0.0").ljust(80) for key in sorted(REFERENCE))


class SimpleWcs:
    """A WCS of one of the common projections, in equatorial or Galactic coordinates.

    Parameters
    ----------
    wcs : Wcsprm
        The WCS.
    poles : (float, float)
        LONPOLE and LATPOLE of the header, which WCSLIB replaces by what follows from CRVAL.
    """

    def __init__(self, wcs: Wcsprm, poles: tuple[float, float]) -> None:
        self._wcs, self._poles, self._lock = wcs, poles, Lock()
        self._system = (wcs.radesys, repr(wcs.equinox), wcs.ctype[wcs.lng][:4], wcs.ctype[wcs.lat][:4])
        sides = np.hypot(*(wcs.get_cdelt()[:, None] * wcs.get_pc()))
        self._scale = 3600 * math.sqrt(float(sides[0] * sides[1]))

    @classmethod
    def open(cls, header: bytes, *, is_shared: bool = False) -> SimpleWcs | None:
        """Return the WCS of a header; None if it is of another kind.

        Parameters
        ----------
        header : bytes
            Cards as `galaxtool.images.fits.wcslib_header.build_wcslib_header` returns them.
        is_shared : bool
            Whether other values of CRPIX and CRVAL will be used, which some old projections, and other units than
            degrees, do not allow.
        """
        wcs = Wcsprm(header=header, relax=True)
        poles = wcs.lonpole, wcs.latpole
        in_degrees = all(str(unit) in ("", "deg") for unit in wcs.cunit)
        wcs.cdfix()
        is_renamed = wcs.celfix() >= 0
        if is_shared and (is_renamed or not in_degrees):
            return None
        if not all(_PROJECTIONS.fullmatch(ctype) for ctype in wcs.ctype):
            return None
        wcs.set()
        axes = (wcs.ctype[wcs.lng][:4], wcs.ctype[wcs.lat][:4])
        return cls(wcs, poles) if min(wcs.lng, wcs.lat) >= 0 and axes in _SKY else None

    def locate(
        self, pixel: tuple[float, float], reference: Sequence[float] | None = None
    ) -> tuple[float, float, float]:
        """Return the position of a pixel, counted from 0, in degrees (ICRS), and the pixel scale in arcsec.

        Parameters
        ----------
        pixel : (x, y)
            The pixel.
        reference : sequence of float, optional
            CRPIX1, CRPIX2, CRVAL1 and CRVAL2 to use instead of those of the header.
        """
        with self._lock:
            if reference is not None:
                self._wcs.crpix, self._wcs.crval = reference[:2], reference[2:]
                self._wcs.lonpole, self._wcs.latpole = self._poles
            world = self._wcs.p2s([pixel], 0)["world"][0]
        return *_convert_to_icrs(float(world[self._wcs.lng]), float(world[self._wcs.lat]), self._system), self._scale


def locate_plain(cards: Cards, pixel: tuple[float, float]) -> tuple[float, float, float] | None:
    """Return what `SimpleWcs.locate` does for a header out of which nothing has to be repaired; None for any other."""
    shared = find_shared_cards(cards.layout)
    reference = None if shared is None else read_reference(cards)
    if shared is None or reference is None:
        return None
    wcs = _open_shared(cards.join(shared))
    return None if wcs is None else wcs.locate(pixel, reference)


@lru_cache(maxsize=64)
def _open_shared(raw: bytes) -> SimpleWcs | None:
    """Return the WCS of cards without CRPIX and CRVAL; None if it is not simple, or has to be repaired."""
    cards = Cards(raw + _ZEROS)
    if not (is_plain(cards) and is_celestial(cards)):
        return None
    try:
        with ignore_warnings():  # about corrected units, which do not affect the position
            return SimpleWcs.open(build_wcslib_header(cards), is_shared=True)
    except Exception:  # WCSLIB has many; some values of LATPOLE do not go with a CRVAL of zero
        return None


def _convert_to_icrs(lon: float, lat: float, system: tuple[str, str, str, str]) -> tuple[float, float]:
    """Convert a position to ICRS; the system is RADESYS, EQUINOX and the names of the axes."""
    frame, rotation = _find_frame(*system)
    if rotation is None:
        return (lon, lat) if isinstance(frame, ICRS) else transform_to_icrs(lon, lat, frame)
    lon, lat = math.radians(lon), math.radians(lat)
    x, y, z = rotation @ (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


@lru_cache(maxsize=64)
def _find_frame(radesys: str, equinox: str, lng: str, lat: str) -> tuple[Any, np.ndarray | None]:
    """Return the frame of a header, and the matrix to ICRS if the conversion is a rotation."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"{lng}-TAN", f"{lat}-TAN"]
    wcs.wcs.radesys, wcs.wcs.equinox = radesys, float(equinox)
    frame = wcs_to_celestial_frame(wcs)
    if frame.name not in ("fk5", "galactic"):
        return frame, None
    axes = frame.realize_frame(CartesianRepresentation(np.eye(3)))
    return frame, axes.transform_to(ICRS()).cartesian.xyz.value


def transform_to_icrs(lon: float, lat: float, frame: Any) -> tuple[float, float]:
    """Convert a position in degrees from a frame of astropy to ICRS."""
    with ignore_warnings():  # about years for which the rotation of the Earth is not known
        position = SkyCoord(lon, lat, unit="deg", frame=frame).icrs
    return float(position.ra.deg), float(position.dec.deg)
