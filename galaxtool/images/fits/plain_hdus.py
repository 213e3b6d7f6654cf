"""The HDUs of a FITS file whose headers are as plain as the standard has them, listed without astropy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from galaxtool.images.fits.header import Cards, find_header, round_to_blocks

_BLOCK = 2880
_LONGEST_HEADER = 1 << 20
_BITPIX = (8, 16, 32, 64, -32, -64)
_MOST_AXES = 999
_FIRST = {True: b"SIMPLE  =                    T", False: b"XTENSION= "}
_ODD = frozenset((b"CONTINUE", b"HIERARCH", b"GROUPS  "))


class Stream(Protocol):
    """What is needed of a file."""

    def read(self, n: int = -1) -> bytes:
        """Return the next bytes."""

    def seek(self, offset: int) -> int:
        """Set the position."""


@dataclass(frozen=True, slots=True)
class PlainHdu:
    """An HDU.

    Parameters
    ----------
    header : Cards
        Its header.
    start, size : int
        Offset in the file, and length of header and data in bytes, whole blocks.
    """

    header: Cards
    start: int
    size: int


class OddHeader(Exception):
    """A header is out of the ordinary, or the file is cut short."""


def list_plain_hdus(stream: Stream, size: int) -> Iterator[PlainHdu]:
    """Yield the HDUs of a file.

    Parameters
    ----------
    stream : file object
        The file.
    size : int
        Its length in bytes.

    Raises
    ------
    OddHeader
        If a header is out of the ordinary, or the file is cut short or has other bytes at its end.
    """
    start = 0
    while start < size:
        stream.seek(start)
        header = _read_header(stream, is_first=start == 0)
        length = None if header is None else _find_length(header)
        if header is None or length is None or start + length > size:
            raise OddHeader
        yield PlainHdu(header, start, length)
        start += length


def _read_header(stream: Stream, *, is_first: bool) -> Cards | None:
    """Return the header that begins here; None if it is out of the ordinary."""
    raw = stream.read(_BLOCK)
    if not raw.startswith(_FIRST[is_first]):
        return None
    header = find_header(raw)
    while header is None and len(raw) < _LONGEST_HEADER:
        block = stream.read(_BLOCK)
        if len(block) < _BLOCK:
            return None
        raw += block
        header = find_header(raw)
    if header is None or len(raw) != round_to_blocks(len(header)) or raw[len(header) :].strip(b" "):
        return None
    cards = Cards(header)
    return None if cards.has_any(_ODD) else cards


def _find_length(header: Cards) -> int | None:
    """Return the bytes of header and data, in whole blocks; None if a keyword of the structure is out of the ordinary.

    The keywords count only in fixed format and at most once.
    """
    axes, bits = header.get_fixed_integer("NAXIS"), header.get_fixed_integer("BITPIX")
    if axes is None or bits not in _BITPIX or not 0 <= axes <= _MOST_AXES:
        return None
    sides = [header.get_fixed_integer(f"NAXIS{n}") for n in range(1, axes + 1)]
    more = [header.get_fixed_integer(key) if key in header else usual for key, usual in (("PCOUNT", 0), ("GCOUNT", 1))]
    values = [side for side in (*sides, *more) if side is not None and side >= 0]
    repeats = any(header.count(key) > 1 for key in ("BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "EXTNAME", "EXTVER"))
    if repeats or len(values) != axes + 2:
        return None
    pixels = 1 if axes else 0
    for side in values[:axes]:
        pixels *= side
    extra, groups = values[axes:]
    return round_to_blocks(len(header.raw)) + round_to_blocks(abs(bits) // 8 * groups * (extra + pixels))
