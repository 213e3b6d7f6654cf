"""The distortions of IRAF, which are written as text on WAT cards (projections TNX and ZPX)."""

from __future__ import annotations

import re

from galaxtool.images.fits.header import Cards

_AXES, _LARGEST, _MOST_CARDS, _ORDERS = (1, 2), 68, 60, range(1, 13)
_REAL = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?"
_TEXT = re.compile(
    rf"wtype=(?:tnx|zpx) +axtype=(?:ra|dec)(?: +projp\d ?= ?{_REAL}){{0,10}} +(?:lng|lat)cor ?= ?"
    rf'"((?:{_REAL} +){{8,200}})" *'
)


def find_usable_wat(cards: Cards) -> list[bytes]:
    """Return the WAT cards of two celestial axes; none if they describe no distortion, or are damaged.

    Parameters
    ----------
    cards : Cards
        A header with a card WAT1_001.
    """
    names = [[f"WAT{axis}_{n:03}" for n in range(1, _MOST_CARDS)] for axis in _AXES]
    keys = [[name for name in axis if name in cards] for axis in names]
    return [cards.card(key) for axis in keys for key in axis] if all(_is_sound(cards, axis) for axis in keys) else []


def _is_sound(cards: Cards, keys: list[str]) -> bool:
    pieces = [cards.card(key) for key in keys]
    if not pieces or keys != [f"{keys[0][:5]}{n:03}" for n in range(1, len(keys) + 1)]:
        return False
    if not all(piece.isascii() and piece[8:11] == b"= '" for piece in pieces):
        return False
    text = "".join(piece[11:].decode().partition("'")[0].ljust(_LARGEST) for piece in pieces)
    found = _TEXT.fullmatch(text)
    return found is not None and _has_all_terms([float(number) for number in found[1].split()])


def _has_all_terms(numbers: list[float]) -> bool:
    """Tell whether a polynomial has as many coefficients as its orders require."""
    kind, x, y, cross = numbers[:4]
    if kind not in (1, 2, 3) or x not in _ORDERS or y not in _ORDERS or cross not in (0, 1, 2):
        return False
    low, high = sorted((int(x), int(y)))
    terms = {0: low + high - 1, 1: low * high, 2: low * high - low * (low - 1) // 2}[int(cross)]
    return len(numbers) - 8 == terms
