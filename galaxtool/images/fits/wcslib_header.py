"""The header that WCSLIB gets: rebuilt from an allow-list of keywords, with values of the right type.

WCSLIB is C, and takes a header at its word: a card that announces 65,536 axes, or a record where a number belongs, ends
the process. Every header reaches WCSLIB through `build_wcslib_header`, which passes
on the cards of two celestial axes that a position depends on, and nothing else: no dates, no other axes, no alternate
descriptions, and no plate solutions of the Digitized Sky Survey, which come with a common WCS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from galaxtool.images.fits.header import Cards, Layout
from galaxtool.images.fits.wat import find_usable_wat
from galaxtool.images.fits.wcs_values import AXES, MATRIX, UnusableWCS

_ORDERS = range(10)
_PARAMETERS = range(40)  # of PV: 39 is the last of TPV
_NUMBER = re.compile(rb".{8}= *[+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)? *(?:/.*)?", re.DOTALL)
_EMPTY = re.compile(rb".{8}= *(?:/.*)?", re.DOTALL)
_ORDER = re.compile(rb".{8}= *\+?[0-9](?:\.0*)? *(?:/.*)?", re.DOTALL)
_PROJECTIONS = (
    "AZP|SZP|TAN|STG|SIN|NCP|ARC|ZPN|ZEA|AIR|CYP|CEA|CAR|MER|SFL|GLS|PAR|MOL|AIT|COP|COE|COD|COO|BON|PCO|TSC|CSC|QSC|"
    "HPX|XPH|TPV|TNX|ZPX"
)
_TYPE = re.compile(rb".{8}= *'[A-Z]{2,4}-{1,4}(?:%b)(?:-SIP)? *'.*" % _PROJECTIONS.encode(), re.DOTALL)
_TABLE = re.compile(rb".{8}= *'[A-Z]{2,4}-{1,4}TAB *'.*", re.DOTALL)
_UNIT = re.compile(rb".{8}= *'(?:deg|arcsec|arcmin|rad|mas)? *'.*", re.DOTALL)
_FRAME = re.compile(rb".{8}= *'[A-Z0-9-]{0,16} *'.*", re.DOTALL)


def _pad(key: str) -> bytes:
    return key.ljust(8).encode()


def _list_patterns() -> dict[bytes, re.Pattern[bytes]]:
    """Return the keywords that are passed on, each with the form that its card must have."""
    axes = [f"{name}{axis}" for name in ("CRPIX", "CRVAL", "CDELT", "CROTA") for axis in AXES]
    matrices = [f"{name}{i:0{n}}_{j:0{n}}" for name in ("CD", "PC") for i, j in MATRIX for n in (1, 2)]
    matrices += [f"{name}{i:03}{j:03}" for name in ("CD", "PC") for i, j in MATRIX]
    parameters = [f"PV{axis}_{m}" for axis in AXES for m in _PARAMETERS] + [f"PROJP{m}" for m in _ORDERS]
    sip = [f"{name}_{p}_{q}" for name in ("A", "B", "AP", "BP") for p in _ORDERS for q in _ORDERS if p + q <= 9]
    numbers = [*axes, *matrices, *parameters, *sip, "LONPOLE", "LATPOLE", "EQUINOX", "EPOCH"]
    patterns = dict.fromkeys(map(_pad, numbers), _NUMBER)
    patterns |= {_pad(f"{name}_ORDER"): _ORDER for name in ("A", "B", "AP", "BP")}
    patterns |= {_pad(f"CTYPE{axis}"): _TYPE for axis in AXES} | {_pad(f"CUNIT{axis}"): _UNIT for axis in AXES}
    return patterns | {b"RADESYS ": _FRAME, b"RADECSYS": _FRAME}


_PATTERNS = _list_patterns()
REFERENCE = frozenset(_pad(f"{name}{axis}") for name in ("CRPIX", "CRVAL") for axis in AXES)
"""Keywords in which the images of a survey differ."""

_OTHER_AXES = frozenset(
    _pad(f"{name}{i}_{j}") for name in ("CD", "PC") for a in AXES for b in range(3, 10) for i, j in ((a, b), (b, a))
)
_FUNCTIONS = frozenset(_pad(f"{name}{axis}") for name in ("CPDIS", "CQDIS") for axis in AXES)
_KIND = re.compile(rb".{8}= *'(?i:lookup) *'.*", re.DOTALL)
_RECORD = re.compile(rb".{8}= *'(?:EXTVER|NAXES|AXIS\.[12]): +\d{1,3}(?:\.0*)? *'.*", re.DOTALL)
_SMALL = re.compile(rb".{8}= *[12] *(?:/.*)?", re.DOTALL)
_TABLES: dict[bytes, re.Pattern[bytes]] = {
    **{_pad(f"{name}{axis}"): _KIND for name in ("CPDIS", "D2IMDIS") for axis in AXES},
    **{_pad(f"{name}{axis}"): _RECORD for name in ("DP", "D2IM") for axis in AXES},
    **{_pad(f"{name}{axis}"): _NUMBER for name in ("CPERR", "D2IMERR") for axis in AXES},
    b"AXISCORR": _SMALL,
}
_START = b"WCSAXES =                    2".ljust(80)


def build_wcslib_header(cards: Cards, *, with_tables: bool = False) -> bytes:
    """Return the cards that WCSLIB may see, for two celestial axes.

    Parameters
    ----------
    cards : Cards
        A header whose WCS was inspected and repaired (`galaxtool.images.fits.wcs_cards.inspect_wcs`).
    with_tables : bool
        Whether distortions by lookup tables in other HDUs are passed on.

    Returns
    -------
    bytes
        Whole cards, without END.

    Raises
    ------
    UnusableWCS
        If a card of the WCS has a value of the wrong type, or one that is not supported.
    """
    starts = cards.starts
    selected = [_START]
    for key, card in cards.select(_PATTERNS):
        if _PATTERNS[key].fullmatch(card):
            selected.append(card)
        elif not _EMPTY.fullmatch(card):
            raise UnusableWCS(_describe(key, card))
    if not _OTHER_AXES.isdisjoint(starts):
        _check_separable(cards)
    if b"WAT1_001" in starts:
        selected += find_usable_wat(cards)
    if not _FUNCTIONS.isdisjoint(starts) or with_tables:
        selected += _select_tables(cards, with_tables)
    return b"".join(selected)


@lru_cache(maxsize=256)
def find_shared_cards(layout: Layout) -> tuple[int, ...] | None:
    """Return where the cards begin that WCSLIB gets beside CRPIX and CRVAL.

    None if the layout is out of the ordinary: without CRPIX and CRVAL, with repeated or continued cards, with
    distortions, or with elements of a matrix for other axes.
    """
    keys = [key for key in layout.keys if key in _PATTERNS]
    odd = layout.has_distortions or b"CONTINUE" in layout.starts or not _OTHER_AXES.isdisjoint(layout.starts)
    if odd or len(keys) > len(set(keys)) or not set(keys) >= REFERENCE:
        return None
    return tuple(layout.starts[key] for key in keys if key not in REFERENCE)


def _describe(key: bytes, card: bytes) -> str:
    name = key.decode().strip()
    if _TABLE.fullmatch(card):
        return f"{name} names a lookup table (TAB), which is not supported"
    value = card[10:].decode("ascii", "replace").partition("/")[0].strip()
    what = "a projection that galaxtool knows" if name.startswith("CTYPE") else "what the FITS standard has there"
    return f"{name} is {value[:40]}, not {what}"


def _check_separable(cards: Cards) -> None:
    """Reject a WCS whose celestial axes depend on others."""
    for key, card in cards.select(_OTHER_AXES):
        value = card[10:].partition(b"/")[0].strip()
        if value.strip(b"+-0.").upper().partition(b"E")[0]:
            raise UnusableWCS(f"{key.decode().strip()} mixes an axis of the sky with another one")


def _select_tables(cards: Cards, with_tables: bool) -> Iterator[bytes]:
    """Yield the cards of distortions by lookup tables, which astropy applies."""
    for key, card in cards.select(_FUNCTIONS):
        if not (_EMPTY.fullmatch(card) or (with_tables and key in _TABLES and _KIND.fullmatch(card))):
            raise UnusableWCS(f"{key.decode().strip()} names a distortion that is not supported")
    if with_tables:
        yield from (card for key, card in cards.select(_TABLES) if _TABLES[key].fullmatch(card))
