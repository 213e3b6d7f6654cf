"""The values of the WCS cards of a header, with the changes made to them."""

from __future__ import annotations

import re

from galaxtool.images.fits.header import Cards
from galaxtool.images.fits.numbers import split_number

Value = float | str | None

AXES = (1, 2)
MATRIX = [(i, j) for i in AXES for j in AXES]
"""Indices of the elements of CD and PC."""

PLAIN_NUMBER = re.compile(rb".{8}= *[+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d+)? *(?:/.*)?", re.DOTALL)
"""A card with a number that WCSLIB reads as it is meant."""


class UnusableWCS(Exception):
    """A WCS that has no single meaning."""


class WcsValues:
    """The values of cards, with the changes made so far.

    Parameters
    ----------
    cards : Cards
        The header.
    changes : dict
        New values, as in `galaxtool.images.fits.wcs_cards.WcsRepair`; filled by `set`.
    """

    def __init__(self, cards: Cards, changes: dict[str, Value]) -> None:
        self.cards, self.changes = cards, changes

    def text(self, key: str) -> str:
        """Return the value of a card as text; empty if it is not there, or has none."""
        value = self.changes[key] if key in self.changes else self.cards.get_text(key)
        return "" if value is None else str(value).strip()

    def number(self, key: str) -> float | None:
        """Return a number; None if the card is not there, or has no value."""
        return split_number(self.text(key))[0] if self.text(key) else None

    def is_plain(self, key: str) -> bool:
        """Tell whether WCSLIB reads the number of a card as it is meant."""
        return PLAIN_NUMBER.fullmatch(self.cards.card(key)) is not None

    def set(self, key: str, value: Value) -> None:
        """Change a card, or leave it out if the value is None."""
        if value is not None or key in self.cards or key in self.changes:
            self.changes[key] = value
