"""The header of a cutout: made once for an image, then only the cards that differ are written anew.

Kept are the cards of the image, and of its primary HDU those that the image does not have itself. Left out is what is
no longer true: sums, data ranges, sections of the detector, scaling, names of extensions. ``CRPIX`` of every
coordinate system and IRAF's ``LTV`` move with the first pixel. SIP terms count from CRPIX and stay as they are; lookup
tables of distortions, which lie in other HDUs, are replaced by what they say at the object, as a part of CRPIX.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from astropy.io import fits

from galaxtool import __version__
from galaxtool.cutting.open_images import OpenImage

_CARD = 80
_NOT_KEPT = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|NEXTEND|PCOUNT|GCOUNT|GROUPS|BSCALE|BZERO|BLANK|CHECKSUM|DATASUM|ZHECKSUM|"
    r"ZDATASUM|EXTNAME|EXTVER|EXTLEVEL|INHERIT|DATAMIN|DATAMAX|END|(?:DATA|TRIM|BIAS|CCD|AMP|DET|ORIG)SEC\w?|"
    r"CUT(?:IMG|HDU|SEC)\d+|CUT(?:CAT|ROW|ID|RA|DEC|FLAG|BY)"
)
_TABLES = re.compile(r"(?:CPDIS|CQDIS|CPERR|CQERR|D2IM|DP|DQ)\w*(?:\..*)?|D2IM\w*|DVERR\d*|AXISCORR")
_BAND = re.compile(r"(?:BAND|FILTER)S?\d*")
_AXIS = re.compile(r"(?:CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA|CNAME|CRDER|CSYER|PV|PS)(\d+)(?:_\d+)?[A-Z]?")
_MATRIX = re.compile(r"(?:PC|CD)(\d+)_(\d+)[A-Z]?")
_OLD_MATRIX = re.compile(r"PC(\d{3})(\d{3})")
_REFERENCE = re.compile(r"CRPIX([12])[A-Z]?|LTV([12])")
_LONGEST = 60


def make_header(
    images: Sequence[OpenImage | None], shape: tuple[int, ...], dtype: np.dtype, bands: Sequence[str], catalogue: str
) -> fits.Header:
    """Return the header of cutouts from some images, with places for what differs.

    Parameters
    ----------
    images : sequence of OpenImage or None
        One for each band; the first that is not None gives its cards.
    shape : tuple of int
        Of a cutout.
    dtype : dtype
    bands : sequence of str
        What is stacked; empty where `images` is a single one.
    catalogue : str

    Returns
    -------
    Header
    """
    first = next(image for image in images if image is not None)
    header = fits.PrimaryHDU(np.zeros(shape, dtype)).header
    if bands:
        header["WCSAXES"] = 2
        header["BANDS"] = (",".join(bands), "bands along axis 3")
    for card in _kept(first, stacked=bool(bands), tables=_has_tables(first)):
        header.append(card, end=True)
    for axis in (1, 2):
        if f"CRPIX{axis}" not in header:
            header.append((f"CRPIX{axis}", 0.0), end=True)
    for number, image in enumerate(images, 1):
        header.append((f"CUTIMG{number}", _ascii(image.place.path) if image else "", "cut from"), end=True)
        header.append((f"CUTHDU{number}", image.place.hdu if image else -1, "its HDU, 0 is the primary"), end=True)
        header.append((f"CUTSEC{number}", ""), end=True)
    header.append(("CUTCAT", _ascii(catalogue), "catalogue"), end=True)
    for key in ("CUTROW", "CUTID", "CUTRA", "CUTDEC", "CUTFLAG"):
        header.append((key, 0), end=True)
    header.append(("CUTBY", f"galaxtool {__version__}", "what cut it"), end=True)
    return header


def _has_tables(image: OpenImage) -> bool:
    return any(re.fullmatch(r"CPDIS\d|D2IMDIS\d|D2IMEXT", key) for key in image.header)


def _kept(image: OpenImage, *, stacked: bool, tables: bool) -> Iterator[fits.Card]:
    seen = set(image.header)
    inherited = image.place.hdu > 0 and image.header.get("INHERIT", True) is not False
    others = [c for c in image.primary.cards if c.keyword not in seen and c.keyword] if inherited else []
    for card in [*image.header.cards, *others]:
        key = card.keyword
        dropped = _NOT_KEPT.fullmatch(key) or (tables and _TABLES.fullmatch(key))
        if not dropped and not (stacked and (key == "WCSAXES" or _BAND.fullmatch(key) or _of_third_axis(key))):
            yield card


def _of_third_axis(key: str) -> bool:
    match = _AXIS.fullmatch(key) or _MATRIX.fullmatch(key) or _OLD_MATRIX.fullmatch(key)
    return match is not None and any(int(number) > 2 for number in match.groups())


class HeaderTemplate:
    """A header as bytes, in which single cards are replaced.

    Parameters
    ----------
    header : Header
    """

    def __init__(self, header: fits.Header) -> None:
        self._text = header.tostring(endcard=True, padding=True).encode("ascii")
        self._at: dict[str, int] = {}
        for start in range(0, len(self._text), _CARD):
            self._at.setdefault(self._text[start : start + 8].decode().strip(), start)
        self._reference: list[tuple[str, int, float, str]] = []
        for key in self._at:
            if match := _REFERENCE.fullmatch(key):
                value = float(header[key] or 0)
                self._reference.append((key, int(match[1] or match[2]) - 1, value, header.comments[key]))
        self._sides = tuple(header[f"NAXIS{axis}"] for axis in (1, 2))

    def filled(
        self, *, first: Sequence[int], shift: Sequence[float], sides: tuple[int, int], values: dict[str, Any]
    ) -> bytearray:
        """Return the header of one cutout.

        Parameters
        ----------
        first : (int, int)
            First pixel of the cutout in its image, x and y, from 0.
        shift : (float, float)
            What lookup tables of distortions move pixels by.
        sides : (int, int)
            Pixels along x and y.
        values : dict
            Further cards.
        """
        text = bytearray(self._text)
        for key, axis, value, comment in self._reference:
            moved = value - first[axis] - (shift[axis] if key.startswith("CRPIX") else 0)
            self._put(text, key, moved, comment)
        for axis in (0, 1):
            if sides[axis] != self._sides[axis]:
                self._put(text, f"NAXIS{axis + 1}", sides[axis])
        for key, value in values.items():
            self._put(text, key, value)
        return text

    def _put(self, text: bytearray, key: str, value: Any, comment: str = "") -> None:
        start = self._at[key]
        text[start : start + _CARD] = format_card(key, value, comment)


def format_card(key: str, value: str | float | int, comment: str = "") -> bytes:
    """Return a card of 80 bytes, which `astropy.io.fits.Card` would take twenty times as long for.

    Parameters
    ----------
    key : str
        Up to eight capitals and digits.
    value : str, float or int
        A text that is too long for one card is cut, and what is not ASCII escaped. Numbers keep all their digits.
    comment : str
        Cut where it does not fit.

    Examples
    --------
    >>> card_image("CRPIX1", -0.5).decode().rstrip()
    'CRPIX1  =                 -0.5'
    >>> card_image("CUTID", "3C 48's").decode().rstrip()
    "CUTID   = '3C 48''s'"
    """
    if isinstance(value, str):
        quoted = _short(value).replace("'", "''")
        shown = f"'{quoted:<8}'"
    else:
        shown = f"{repr(value).upper():>20}"
    card = f"{key:<8}= {shown:<20} / {comment}" if comment else f"{key:<8}= {shown}"
    return card[:_CARD].ljust(_CARD).encode("ascii", "replace")


def _ascii(value: object) -> str:
    return str(value).encode("unicode_escape" if not str(value).isprintable() else "ascii", "backslashreplace").decode()


def _short(text: str) -> str:
    """Return a text that fits a single card, quotes doubled."""
    text = _ascii(text)
    return text if len(text) + text.count("'") <= _LONGEST else f"{text[: _LONGEST // 2 - 3]}..."
