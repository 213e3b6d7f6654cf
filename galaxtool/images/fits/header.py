"""The header of one HDU, of which only what is asked for is parsed."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any, Protocol

from astropy.io.fits import Card, Header
from astropy.io.fits.card import Undefined

_CARD, _BLOCK = 80, 2880
_END = b"END".ljust(_CARD)
_TEXT = (b"COMMENT ", b"HISTORY ", b"        ")


class Keywords(Protocol):
    """What both a `Cards` and astropy's own `Header` can do."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a keyword, or the default where there is none."""


class Cards:
    """The cards of a header; astropy parses one when its value is asked for.

    Of a typical header of a cutout less than a third is ever looked at, and to make an `astropy.io.fits.Header` of it
    costs more than to read the pixels.

    Parameters
    ----------
    raw : bytes
        Whole cards of 80 bytes, of which the one that says END is the last, see `header_bytes`.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        # from the last to the first: of cards with the same keyword the first counts
        self._starts = {raw[i : i + 8]: i for i in range(len(raw) - _CARD, -1, -_CARD)}

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a keyword; the default where there is no such card, or it has no value.

        Raises
        ------
        astropy.io.fits.VerifyError
            If the card is not of the form that the standard wants.
        """
        start = self._starts.get(key.ljust(8).encode())
        if start is None:
            return default
        in_several = b"CONTINUE" in self._starts  # of which a text may be one
        value = self.header.get(key) if in_several else _value_of(self.raw[start : start + _CARD])
        return default if value is None or isinstance(value, Undefined) else value

    def __contains__(self, key: str) -> bool:
        return key.ljust(8).encode() in self._starts

    @cached_property
    def header(self) -> Header:
        """All of it, parsed."""
        return Header.fromstring(self.raw)

    @property
    def keys(self) -> list[bytes]:
        """The keywords, each once and filled up to eight bytes."""
        return list(self._starts)

    def fixed(self, key: str) -> int | None:
        """Return an integer that stands where the standard wants those that say how to read the file: in columns 11-30.

        None where there is no such card or it holds something else.
        """
        start = self._starts.get(key.ljust(8).encode())
        if start is None or self.raw[start + 8 : start + 10] != b"= ":
            return None
        digits = self.raw[start + 10 : start + 30].strip()
        return int(digits) if digits.removeprefix(b"-").isdigit() else None

    def without_text(self) -> bytes:
        """Return the cards that can have a value, for libraries whose time goes with the number of cards.

        Those that are not all ASCII are left out too: on some of them WCSLIB never comes to an end.
        """
        if self.raw.isascii() and not any(text in self._starts for text in _TEXT):
            return self.raw
        cards = (self.raw[i : i + _CARD] for i in range(0, len(self.raw), _CARD))
        return b"".join(card for card in cards if card[:8] not in _TEXT and card.isascii())


@lru_cache(maxsize=4096)
def _value_of(card: bytes) -> Any:
    """Return the value of one card; the images of a survey have most of those that are asked for in common."""
    return Card.fromstring(card).value


def header_bytes(content: bytes, start: int = 0) -> bytes | None:
    """Return the header that begins at `start`, up to its END and without what fills its last block; None without END.

    Examples
    --------
    >>> header_bytes(b"A".ljust(80) + b"END".ljust(80) + b" " * 2720) == b"A".ljust(80) + b"END".ljust(80)
    True
    """
    end = content.find(_END, start)
    while end >= 0 and (end - start) % _CARD:
        end = content.find(_END, end + 1)
    return None if end < 0 else content[start : end + _CARD]


def padded(n: int) -> int:
    """Return a number of bytes filled up to whole blocks."""
    return -(-n // _BLOCK) * _BLOCK
