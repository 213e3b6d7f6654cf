"""The header of one HDU, parsed card by card on access."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cache, cached_property, lru_cache
from typing import Any, Protocol

import numpy as np
from astropy.io.fits import Card, Header
from astropy.io.fits.card import Undefined

from galaxtool.utils.warning_filter import ignore_warnings

_CARD, _BLOCK = 80, 2880
_END = b"END".ljust(_CARD)
_VALUE = re.compile(r".{8}= *(?:'((?:[^']|'')*)'.*|([^/']*)(?:/.*)?)", re.DOTALL)
_DISTORTION = re.compile(rb"\n(?:P[VS]|[AB]P?_|C[PQ]DIS|D[PQ]|D2IM|DET2IM|WAT)")


class Keywords(Protocol):
    """The interface that `Cards` shares with `astropy.io.fits.Header`."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a keyword, or the default if there is none."""


class Layout:
    """The keywords of a header in their order, which the images of a survey share.

    Parameters
    ----------
    keywords : bytes
        Keywords of all cards, eight bytes each.
    """

    def __init__(self, keywords: bytes) -> None:
        self.keys = [keywords[i : i + 8] for i in range(0, len(keywords), 8)]
        # from last to first: the first card with a keyword wins
        last = _CARD * (len(self.keys) - 1)
        self.starts = dict(zip(reversed(self.keys), range(last, -1, -_CARD), strict=True))

    @cached_property
    def has_distortions(self) -> bool:
        """Whether a keyword may be of a distorted WCS: PV, PS, SIP, table look-up, detector distortion or TNX."""
        return _DISTORTION.search(b"\n" + b"\n".join(self.starts)) is not None

    @cached_property
    def has_long_cards(self) -> bool:
        """Whether a value may go on in the next card, or a keyword have more than eight letters."""
        return not self.starts.keys().isdisjoint((b"CONTINUE", b"HIERARCH"))

    @property
    def has_repeats(self) -> bool:
        """Whether a keyword, or text such as COMMENT, is there more than once."""
        return len(self.keys) > len(self.starts)


_find_layout = lru_cache(maxsize=256)(Layout)


class Cards:
    """The cards of a header; astropy parses a card when its value is requested.

    Less than a third of the header of a typical cutout is ever used, and creating an `astropy.io.fits.Header` from it
    costs more than reading the pixels.

    Parameters
    ----------
    raw : bytes
        Whole cards of 80 bytes, up to and including END, see `find_header`.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.layout = _find_layout(np.frombuffer(raw, np.uint8).reshape(-1, _CARD)[:, :8].tobytes())

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a keyword; the default if there is no such card, or it has no value.

        Raises
        ------
        astropy.io.fits.VerifyError
            If the card does not follow the FITS standard.
        """
        card = self.card(key)
        if not card:
            return default if len(key) <= 8 or b"HIERARCH" not in self.starts else self._get_long(key, default)
        in_several = b"CONTINUE" in self.starts  # continues a long string
        value = self._get_continued(key) if in_several else _parse_card(card)
        return default if value is None or isinstance(value, Undefined) else value

    def _get_continued(self, key: str) -> Any:
        with ignore_warnings():  # about cards that do not follow the standard
            return self.header.get(key)

    def _get_long(self, key: str, default: Any) -> Any:
        """Return the text of a keyword of more than eight letters, which is on a HIERARCH card."""
        start = re.compile(rb"HIERARCH +" + re.escape(key.encode()) + rb" *= *'([^']*)'")
        cards = (self.raw[i : i + _CARD] for i in range(0, len(self.raw), _CARD))
        return next((match[1].decode("latin-1").strip() for card in cards if (match := start.match(card))), default)

    def __contains__(self, key: str) -> bool:
        return _pad(key) in self.starts

    @cached_property
    def header(self) -> Header:
        """The whole header, parsed."""
        return Header.fromstring(self.raw)

    @property
    def starts(self) -> dict[bytes, int]:
        """Where the first card of each keyword, padded to eight bytes, begins."""
        return self.layout.starts

    def has_any(self, keys: frozenset[bytes]) -> bool:
        """Tell whether one of some keywords, padded to eight bytes, is there."""
        return not self.starts.keys().isdisjoint(keys)

    def names(self) -> list[str]:
        """Return the keywords, each once."""
        return [key.decode("latin-1").rstrip() for key in self.starts]

    def count(self, key: str) -> int:
        """Return the number of cards with a keyword."""
        return self.layout.keys.count(key.ljust(8).encode())

    def find(self, key: str) -> int:
        """Return where the first card with a keyword begins; -1 if there is none."""
        return self.starts.get(_pad(key), -1)

    def card(self, key: str) -> bytes:
        """Return the first card with a keyword; empty if there is none."""
        start = self.starts.get(_pad(key))
        return b"" if start is None else self.raw[start : start + _CARD]

    def join(self, starts: Iterable[int]) -> bytes:
        """Return the cards that begin at some places, one after the other."""
        raw = self.raw
        return b"".join([raw[start : start + _CARD] for start in starts])

    def select(self, keys: Container[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Yield the cards with some keywords, padded to eight bytes, in their order, each with its keyword."""
        raw = self.raw
        return ((key, raw[_CARD * n : _CARD * n + _CARD]) for n, key in enumerate(self.layout.keys) if key in keys)

    def get_text(self, key: str) -> str:
        """Return the value of a card as it is written, without quotes; empty if it is not there, or has none."""
        return _read_text(self.card(key))

    def get_all(self, key: str) -> list[str]:
        """Return the values of all cards with a keyword, as `get_text` does."""
        wanted = key.ljust(8).encode() + b"="
        cards = (self.raw[i : i + _CARD] for i in range(0, len(self.raw), _CARD))
        return [_read_text(card) for card in cards if card.startswith(wanted)]

    def replace(self, changes: Mapping[str, float | str | None]) -> Cards:
        """Return the cards with other values, without those whose value is None."""
        keys = {key.ljust(8).encode() for key in changes}
        kept = [self.raw[i : i + _CARD] for i in range(0, len(self.raw) - _CARD, _CARD)]
        new = [_format_card(key, value) for key, value in changes.items() if value is not None]
        return Cards(b"".join([*(card for card in kept if card[:8] not in keys), *new, _END]))

    def get_fixed_integer(self, key: str) -> int | None:
        """Return an integer in fixed format, in columns 11-30, as required for the keywords that describe the data.

        None if there is no such card, or its value is not such an integer.
        """
        card = self.card(key)
        if card[8:10] != b"= ":
            return None
        digits = card[10:30].strip()
        return int(digits) if digits.removeprefix(b"-").isdigit() else None


@cache
def _pad(key: str) -> bytes:
    return key.ljust(8).encode()


def _format_card(key: str, value: float | str) -> bytes:
    shown = f"'{value:<8}'" if isinstance(value, str) else f"{repr(value).upper():>20}"
    return f"{key:<8}= {shown}".encode().ljust(_CARD)


def _read_text(card: bytes) -> str:
    match = _VALUE.fullmatch(card.decode("latin-1"))
    if match is None:
        return ""
    return (match[2] or "").strip() if match[1] is None else match[1].replace("''", "'").strip()


@lru_cache(maxsize=4096)
def _parse_card(card: bytes) -> Any:
    """Return the value of one card, cached because the images of a survey share most of their cards."""
    with ignore_warnings():  # about cards that do not follow the standard
        return Card.fromstring(card).value


def find_header(content: bytes, start: int = 0) -> bytes | None:
    """Return the header that begins at `start`, up to END and without padding; None if there is no END.

    Examples
    --------
    >>> find_header(b"A".ljust(80) + b"END".ljust(80) + b" " * 2720) == b"A".ljust(80) + b"END".ljust(80)
    True
    """
    end = content.find(_END, start)
    while end >= 0 and (end - start) % _CARD:
        end = content.find(_END, end + 1)
    return None if end < 0 else content[start : end + _CARD]


def may_have(header: Keywords, keys: frozenset[bytes]) -> bool:
    """Tell whether a header may have one of some keywords, padded to eight bytes, or a long one."""
    return not isinstance(header, Cards) or header.has_any(keys) or b"HIERARCH" in header.starts


def pad_keys(*keys: str) -> frozenset[bytes]:
    """Return keywords as `may_have` takes them."""
    return frozenset(key.ljust(8).encode() for key in keys)


def has_pixels(header: Keywords) -> bool:
    """Tell from its header whether an HDU holds pixels, plain or compressed in a table."""
    kind = str(header.get("XTENSION", "IMAGE")).strip()
    if kind == "BINTABLE":
        return bool(header.get("ZIMAGE", False))
    return bool(kind == "IMAGE" and header.get("NAXIS", 0) > 0)


def has_image(header: Keywords) -> bool:
    """Tell from its header whether an HDU holds pixels in two or more axes, plain or compressed in a table."""
    packed = bool(header.get("ZIMAGE"))
    if header.get("GROUPS") or ("TABLE" in str(header.get("XTENSION", "")) and not packed):
        return False
    axes = "ZNAXIS" if packed else "NAXIS"
    sides = [int(header.get(f"{axes}{i}", 0)) for i in range(1, int(header.get(axes, 0)) + 1)]
    return len(sides) >= 2 and all(sides)


def round_to_blocks(n: int) -> int:
    """Return a number of bytes rounded up to whole blocks."""
    return -(-n // _BLOCK) * _BLOCK
