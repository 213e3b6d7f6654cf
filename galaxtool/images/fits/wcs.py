"""The position of an image on the sky, from its WCS."""

from __future__ import annotations

import math
import re

import numpy as np
from astropy.coordinates import ICRS
from astropy.io.fits import HDUList, Header, VerifyError
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame

from galaxtool.images.fits.header import Cards
from galaxtool.images.fits.simple_wcs import SimpleWcs, locate_plain, transform_to_icrs
from galaxtool.images.fits.wcs_cards import WcsRepair, inspect_wcs, is_celestial
from galaxtool.images.fits.wcslib_header import build_wcslib_header
from galaxtool.types import BAD_WCS
from galaxtool.utils.warning_filter import ignore_warnings

Place = tuple[float | None, float | None, float | None]
NOWHERE: Place = (None, None, None)

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
        middle = (shape[1] - 1) / 2, (shape[0] - 1) / 2
        place = locate_plain(cards, middle)
        return _solve(cards, shape, middle) if place is None else _check_place(place, ())
    except Exception:
        # WCSLIB has many exceptions, and headers find more ways to be wrong; none of them affects the pixels.
        return NOWHERE, (BAD_WCS,) if _claims_position(header) else ()


def _solve(cards: Cards, shape: tuple[int, int], middle: tuple[float, float]) -> tuple[Place, tuple[str, ...]]:
    """Return what `find_center` does, for any header."""
    repair = inspect_wcs(cards, shape)
    if repair.problem or not is_celestial(cards):
        return NOWHERE, repair.flags
    if repair.changes:
        cards = cards.replace(repair.changes)
    with ignore_warnings():  # about corrected dates and units, which do not affect the position
        raw = build_wcslib_header(cards)
        simple = None if cards.layout.has_distortions else SimpleWcs.open(raw)
        place = _solve_general(raw, middle) if simple is None else simple.locate(middle)
    return _check_place(place, repair.flags)


def _check_place(place: Place, flags: tuple[str, ...]) -> tuple[Place, tuple[str, ...]]:
    """Return a right ascension of 0 to 360 degrees; nothing where the middle is not on the sky, as in some maps."""
    ra, dec, scale = place
    if ra is None or dec is None or not scale or not all(map(math.isfinite, (ra, dec, scale))):
        return NOWHERE, ()
    return (float(ra or 0.0) % 360, dec, scale), flags


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


def _solve_general(raw: bytes, middle: tuple[float, float]) -> Place:
    """Solve a WCS of any kind."""
    wcs = _open_wcs(raw, None)
    if not wcs.has_celestial:
        return NOWHERE
    world = wcs.all_pix2world([middle], 0)[0]
    ra, dec = float(world[wcs.wcs.lng]), float(world[wcs.wcs.lat])
    frame = wcs_to_celestial_frame(wcs)
    if not isinstance(frame, ICRS):
        ra, dec = transform_to_icrs(ra, dec, frame)
    return ra, dec, 3600 * math.sqrt(float(np.prod(proj_plane_pixel_scales(wcs))))
