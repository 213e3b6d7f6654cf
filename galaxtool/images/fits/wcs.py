"""The position of an image on the sky, from its WCS."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

import numpy as np
from astropy.coordinates import ICRS, CartesianRepresentation, SkyCoord
from astropy.io.fits import HDUList, Header, VerifyError
from astropy.wcs import WCS, Wcsprm
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame

from galaxtool.images.fits.header import Cards
from galaxtool.images.fits.wcs_cards import WcsRepair, inspect_wcs, is_celestial
from galaxtool.images.fits.wcslib_header import build_wcslib_header
from galaxtool.types import BAD_WCS
from galaxtool.utils.warning_filter import ignore_warnings

Place = tuple[float | None, float | None, float | None]
NOWHERE: Place = (None, None, None)

_PROJECTIONS = re.compile("....-(TAN|STG|SIN|ARC|ZEA|AIR|CAR|CEA|MER|SFL|PAR|MOL|AIT|TSC|CSC|QSC|HPX)")
_SKY = (("RA--", "DEC-"), ("GLON", "GLAT"))
_CLAIMS = re.compile(r" *(?:RA|DEC|[GE]LON|[GE]LAT) *-", re.IGNORECASE)


def find_center(header: Header | Cards, shape: tuple[int, int]) -> tuple[Place, tuple[str, ...]]:
    """Return the position of the centre of an image and the size of its pixels, and flags about them.

    Parameters
    ----------
    header : Header or Cards
        Header with or without a celestial WCS on the first two axes, of any projection and frame known to astropy.
    shape : (ny, nx)
        Size in pixels.

    Returns
    -------
    (ra, dec, pixel_scale) : floats or None
        Degrees, ICRS, converted from the frame of the header (Galactic, FK5, FK4 ...), and arcsec per pixel, the
        geometric mean of the two sides at the reference position. The centre is the middle of the image, between
        pixels if a side is even.
    flags : tuple of str
        ``BAD_WCS`` if the header has a celestial WCS that cannot be used, ``SIP_IGNORED`` if it has distortions that
        its CTYPE does not name.

    Notes
    -----
    All three are None if the header has no celestial WCS, or one that cannot be used: an image can be classified
    without a position. WCSLIB alone solves a WCS with only a linear map and a common projection. Anything else takes
    `astropy.wcs.WCS`, which costs fifteen times as much.
    """
    if not ("CTYPE1" in header and "CTYPE2" in header):
        return NOWHERE, ()
    try:
        cards = header if isinstance(header, Cards) else to_cards(header)
        repair = inspect_wcs(cards, shape)
        if repair.problem:
            return NOWHERE, repair.flags
        if not is_celestial(cards):
            return NOWHERE, ()
        if repair.changes:
            cards = cards.replace(repair.changes)
        ny, nx = shape
        middle = np.array([[(nx - 1) / 2, (ny - 1) / 2]])
        with ignore_warnings():  # about corrected dates and units, which do not affect the position
            raw = build_wcslib_header(cards)
            place = (None if cards.has_distortions else _solve_simple(raw, middle)) or _solve_general(raw, middle)
    except Exception:
        # WCSLIB has many exceptions, and headers find more ways to be wrong; none of them affects the pixels.
        return NOWHERE, (BAD_WCS,) if _claims_position(header) else ()
    ra, dec, scale = place
    if ra is None or dec is None or not scale or not all(map(math.isfinite, (ra, dec, scale))):
        return NOWHERE, ()  # not on the sky, such as a corner of a map of the whole sky
    return (float(ra or 0.0) % 360, dec, scale), repair.flags


def repair_header(header: Header, shape: tuple[int, int]) -> tuple[Header, WcsRepair]:
    """Return a header whose WCS astropy reads as it is meant, and what was done; the same header if it was right.

    Parameters
    ----------
    header : Header
        Header of an image.
    shape : (ny, nx)
        Size in pixels.
    """
    repair = inspect_wcs(to_cards(header), shape)
    if not repair.changes:
        return header, repair
    header = header.copy()
    for key, value in repair.changes.items():
        header.remove(key, ignore_missing=True, remove_all=True)
        if value is not None:
            header[key] = value
    return header, repair


def to_cards(header: Header) -> Cards:
    """Return the cards of a header that astropy has parsed."""
    with ignore_warnings():  # about cards that do not follow the standard
        return Cards(header.tostring(padding=False).encode("ascii", "replace"))


def _claims_position(header: Header | Cards) -> bool:
    """Tell whether the first two axes are called those of the sky."""
    try:
        return all(_CLAIMS.match(str(header.get(key))) for key in ("CTYPE1", "CTYPE2"))
    except VerifyError:
        return False


def make_wcs(header: Header, tables: HDUList | None = None) -> WCS | None:
    """Return the celestial WCS of the first two axes of an image, with all distortions; None if it has none.

    Parameters
    ----------
    header : Header
        Header whose WCS was repaired, see `repair_header`.
    tables : HDUList, optional
        The file, for distortions by lookup tables.

    Raises
    ------
    UnusableWCS
        If the WCS has a card that WCSLIB must not see, or one that is not supported.
    """
    cards = to_cards(header)
    if not is_celestial(cards):
        return None
    raw = build_wcslib_header(cards, with_tables=tables is not None)
    wcs = _open_wcs(raw, tables)
    return wcs if wcs.has_celestial else None


def _open_wcs(raw: bytes, tables: HDUList | None) -> WCS:
    wcs = WCS(Header.fromstring(raw), fobj=tables, naxis=2, fix=False)
    wcs.wcs.cdfix()  # not fix(), which also takes dates and units apart, in ways that some texts do not survive
    wcs.wcs.celfix()
    return wcs


def _solve_simple(raw: bytes, middle: np.ndarray) -> Place | None:
    """Solve a WCS without distortion; None if it is of another kind."""
    wcs = Wcsprm(header=raw, relax=True)
    wcs.cdfix()
    wcs.celfix()
    if not all(_PROJECTIONS.fullmatch(ctype) for ctype in wcs.ctype):
        return None
    world = wcs.p2s(middle, 0)["world"][0]
    if wcs.lng < 0 or wcs.lat < 0:
        return NOWHERE
    axes = (wcs.ctype[wcs.lng][:4], wcs.ctype[wcs.lat][:4])
    if axes not in _SKY:
        return None
    ra, dec = _convert_to_icrs(float(world[wcs.lng]), float(world[wcs.lat]), (wcs.radesys, repr(wcs.equinox), *axes))
    sides = np.hypot(*(wcs.get_cdelt()[:, None] * wcs.get_pc()))
    return ra, dec, 3600 * math.sqrt(float(sides[0] * sides[1]))


def _solve_general(raw: bytes, middle: np.ndarray) -> Place:
    """Solve a WCS of any kind."""
    wcs = _open_wcs(raw, None)
    if not wcs.has_celestial:
        return NOWHERE
    world = wcs.all_pix2world(middle, 0)[0]
    ra, dec = float(world[wcs.wcs.lng]), float(world[wcs.wcs.lat])
    frame = wcs_to_celestial_frame(wcs)
    if not isinstance(frame, ICRS):
        ra, dec = _transform(ra, dec, frame)
    return ra, dec, 3600 * math.sqrt(float(np.prod(proj_plane_pixel_scales(wcs))))


def _convert_to_icrs(lon: float, lat: float, system: tuple[str, str, str, str]) -> tuple[float, float]:
    """Convert a position to ICRS; the system is RADESYS, EQUINOX and the names of the axes."""
    frame, rotation = _find_frame(*system)
    if rotation is None:
        return (lon, lat) if isinstance(frame, ICRS) else _transform(lon, lat, frame)
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


def _transform(lon: float, lat: float, frame: Any) -> tuple[float, float]:
    position = SkyCoord(lon, lat, unit="deg", frame=frame).icrs
    return float(position.ra.deg), float(position.dec.deg)
