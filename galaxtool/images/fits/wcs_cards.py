"""Inspect the WCS cards of a header before WCSLIB reads them.

WCSLIB takes a number that it cannot read for zero, stops reading one at the D of a double-precision exponent, lets the
last of several cards win, and prefers one of two matrices that contradict each other. Here each such card gets the
value that is meant, or the WCS is declared unusable: a position is right or unknown. All roads to a position go
through `inspect_wcs`: that of a single image, and that of the images that `galaxtool cutouts` cuts from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from galaxtool.images.fits.angle_units import find_degrees
from galaxtool.images.fits.header import Cards
from galaxtool.images.fits.numbers import split_number
from galaxtool.images.fits.wcs_repairs import (
    PV,
    SIP,
    check_range,
    recenter,
    repair_distortions,
    repair_frame,
    repair_matrix,
)
from galaxtool.images.fits.wcs_values import AXES, MATRIX, PLAIN_NUMBER, UnusableWCS, Value, WcsValues
from galaxtool.types import BAD_WCS, SIP_IGNORED

_CARD = 80
_NUMBERS = (
    *(f"{name}{axis}" for name in ("CRPIX", "CRVAL", "CDELT", "CROTA") for axis in AXES),
    *(f"{name}{i}_{j}" for name in ("CD", "PC") for i, j in MATRIX),
    "LONPOLE",
    "LATPOLE",
    "EQUINOX",
    "EPOCH",
)
_NEEDED = ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")
_NEEDED_KEYS = tuple(key.ljust(8).encode() for key in _NEEDED)
_NUMBER_KEYS = tuple(key.ljust(8).encode() for key in _NUMBERS[:-2])
_PLAIN_ANGLE = re.compile(
    rb".{8}= *[+-]?(?:0*[0-6]?\d{1,2}(?:\.\d*)?|\d(?:\.\d*)?E[+-]?0?[0-2]|\d(?:\.\d*)?E-\d+) *(?:/.*)?", re.DOTALL
)
# below 90 degrees: more is an error, or the right ascension of axes in the other order
_PLAIN_LATITUDE = re.compile(
    rb".{8}= *[+-]?(?:0*[0-8]?\d(?:\.\d*)?|\d(?:\.\d*)?E(?:[+-]?0?0|-\d+)|[0-8](?:\.\d*)?E\+?0?1) *(?:/.*)?", re.DOTALL
)
_REFERENCE = (
    (b"CRPIX1  ", PLAIN_NUMBER),
    (b"CRPIX2  ", PLAIN_NUMBER),
    (b"CRVAL1  ", _PLAIN_ANGLE),
    (b"CRVAL2  ", _PLAIN_LATITUDE),
)
_PLAIN_TYPE = re.compile(rb".{8}= '[A-Z]{2,4}-{1,4}(?!CAR|CEA|MER|HPX)[A-Z]{3} *'.*", re.DOTALL)
_PLAIN_UNIT = re.compile(rb".{8}= *'(?:deg|arcsec|arcmin|rad|mas)? *'.*", re.DOTALL)
_PLAIN_EQUINOX = re.compile(rb".{8}= *(?:2000|1950)(?:\.0*)?(?:E0*)? *(?:/.*)?", re.DOTALL)
_PLAIN_FRAME = re.compile(rb".{8}= *'(?:ICRS|FK5|FK4|FK4-NO-E|GAPPT)? *'.*", re.DOTALL)
_ZERO = re.compile(rb".{8}= *[+-]?0*\.?0*(?:E[+-]?\d+)? *(?:/.*)?", re.DOTALL)
_STANDARD_UNITS = ("", "deg", "arcsec", "arcmin", "rad", "mas")
_CELESTIAL = re.compile(r"(RA--|DEC-|[GESH]?LON|[GESH]?LAT)-+[A-Z]{3}.*")


@dataclass(slots=True)
class WcsRepair:
    """What has to be done to the cards of a header before WCSLIB may read it.

    Parameters
    ----------
    changes : dict of str to float, str or None
        New values of cards; None for a card to leave out.
    flags : tuple of str
        Keys of `galaxtool.types.FLAGS` that tell what was done.
    problem : str
        Why the WCS cannot be used, as the end of a sentence; empty if it can.
    """

    changes: dict[str, Value] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    problem: str = ""


_NOTHING = WcsRepair()


def inspect_wcs(cards: Cards, shape: tuple[int, int]) -> WcsRepair:
    """Find what has to be done to the WCS cards of a header.

    Parameters
    ----------
    cards : Cards
        The header.
    shape : (ny, nx)
        Size of the image in pixels.

    Returns
    -------
    WcsRepair
        Nothing is done to a header without a celestial WCS on its first two axes.
    """
    if is_plain(cards):
        return _NOTHING
    types = _find_types(cards)
    if not all(_CELESTIAL.fullmatch(name) for name in types):
        return _NOTHING
    repair = WcsRepair()
    try:
        _repair(cards, shape, types, repair)
    except UnusableWCS as problem:
        return WcsRepair(flags=(BAD_WCS,), problem=str(problem))
    return repair


def is_celestial(cards: Cards) -> bool:
    """Tell whether the first two axes of an image are those of the sky."""
    return all(_CELESTIAL.fullmatch(name) for name in _find_types(cards))


def read_reference(cards: Cards) -> tuple[float, ...] | None:
    """Return CRPIX1, CRPIX2, CRVAL1 and CRVAL2; None if they are not there or out of the ordinary."""
    raw, starts = cards.raw, cards.starts
    values = []
    for key, pattern in _REFERENCE:
        start = starts.get(key, -_CARD)
        if not (raw[start + 8 : start + 10] == b"= " and pattern.fullmatch(raw, start, start + _CARD)):
            return None
        values.append(float(raw[start + 10 : start + _CARD].partition(b"/")[0]))
    return tuple(values)


def _find_types(cards: Cards) -> list[str]:
    return [str(cards.get(f"CTYPE{axis}") or "").strip().upper() for axis in AXES]


def is_plain(cards: Cards) -> bool:
    """Tell whether WCSLIB reads a header as it is meant; few headers go beyond this test."""
    raw, starts = cards.raw, cards.starts
    for key in _NUMBER_KEYS:
        start = starts.get(key)
        if start is not None and not PLAIN_NUMBER.fullmatch(raw, start, start + 80):
            return False
    for pattern, keys in (
        (_PLAIN_ANGLE, (b"CRVAL1  ",)),
        (_PLAIN_LATITUDE, (b"CRVAL2  ",)),
        (_PLAIN_TYPE, (b"CTYPE1  ", b"CTYPE2  ")),
        (_PLAIN_UNIT, (b"CUNIT1  ", b"CUNIT2  ")),
        (_PLAIN_EQUINOX, (b"EQUINOX ", b"EPOCH   ")),
        (_PLAIN_FRAME, (b"RADESYS ", b"RADECSYS")),
    ):
        for key in keys:
            start = starts.get(key)
            if start is not None and not pattern.fullmatch(raw, start, start + 80):
                return False
    if not all(key in starts for key in _NEEDED_KEYS):
        return False
    if cards.layout.has_repeats and any(cards.count(key) > 1 for key in _NEEDED):
        return False
    has_cd, has_pc = b"CD1_1   " in starts, b"PC1_1   " in starts
    if has_cd and _ZERO.fullmatch(raw, starts[b"CD1_1   "], starts[b"CD1_1   "] + 80):
        return False
    has_rotation = b"CROTA1  " in starts or b"CROTA2  " in starts
    has_step = b"CDELT1  " in starts and b"CDELT2  " in starts
    if b"CROTA1  " in starts and b"CROTA2  " not in starts:
        return False
    if (has_cd and has_pc) or (has_pc and has_rotation) or not (has_step or (has_cd and b"CD2_2   " in starts)):
        return False
    return not cards.layout.has_distortions


def _repair(cards: Cards, shape: tuple[int, int], types: list[str], repair: WcsRepair) -> None:
    changes = repair.changes
    for axis, name in zip(AXES, types, strict=True):
        if name != str(cards.get(f"CTYPE{axis}")).strip():
            changes[f"CTYPE{axis}"] = name
    values = WcsValues(cards, changes)
    _check_repeats(cards)
    units = _repair_numbers(values)
    _repair_units(values, units)
    repair_matrix(values)
    repair_frame(values)
    if repair_distortions(values, types):
        repair.flags = (SIP_IGNORED,)
    check_range(values, types)
    recenter(values, types, shape)


def _check_repeats(cards: Cards) -> None:
    """Reject a header in which two cards give one number differently: programs disagree on which of them counts."""
    for key in _NUMBERS[:8]:
        texts = cards.get_all(key)
        if len(texts) > 1 and len({split_number(text)[0] for text in texts}) > 1:
            raise UnusableWCS(f"{key} is there {len(texts)} times, with different values")


def _repair_numbers(values: WcsValues) -> dict[str, str]:
    """Replace numbers in unusual notation; return the units that texts have behind their numbers."""
    units: dict[str, str] = {}
    keys = [*_NUMBERS[:-2], *(key for key in values.cards.names() if SIP.fullmatch(key) or PV.fullmatch(key))]
    for key in keys:
        if key not in values.cards:
            continue
        text = values.text(key)
        if not text:
            values.set(key, None)  # WCSLIB would take it for zero
            continue
        number, unit = split_number(text)
        if number is None:
            raise UnusableWCS(f"{key} is '{text}', not a number")
        if unit:
            units[key] = unit
        if not values.is_plain(key):
            values.set(key, number)
    for key in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"):
        if not values.text(key):
            raise UnusableWCS(f"it has no {key}")
    return units


def _repair_units(values: WcsValues, units: dict[str, str]) -> None:
    """Convert to degrees what is in a unit that WCSLIB does not know by this name."""
    for axis in AXES:
        name = values.text(f"CUNIT{axis}")
        factor = find_degrees(name)
        if factor is None:
            raise UnusableWCS(f"CUNIT{axis} is '{name}', not a unit of angles")
        scaled = [f"CRVAL{axis}", f"CDELT{axis}", *(f"CD{axis}_{j}" for j in AXES)]
        own = {key: find_degrees(units.pop(key)) for key in scaled if key in units}
        if name in _STANDARD_UNITS and not own:
            continue
        if name:
            values.set(f"CUNIT{axis}", "deg")
        for key in scaled:
            number, by = values.number(key), own.get(key, factor)
            if by is None:
                raise UnusableWCS(f"{key} is '{values.cards.get_text(key)}', not an angle")
            if number is not None and (by != 1 or key in own):
                values.set(key, number * by)
    for key, unit in units.items():
        if find_degrees(unit) != 1 and not unit.casefold().startswith("pix"):
            raise UnusableWCS(f"{key} is '{values.cards.get_text(key)}', not a number")
