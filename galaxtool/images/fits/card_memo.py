"""Functions of a header that are computed once for all headers whose cards, as far as they are read, are the same.

The images of a survey share most of their cards, such as the unit and the filter.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar

from galaxtool.images.fits.header import Cards, Keywords, Layout

T = TypeVar("T")
_MOST = 1024  # results, of each function


class _ReadCards(Cards):
    """Cards that note which of them are read."""

    def __init__(self, cards: Cards) -> None:
        self.raw, self.layout = cards.raw, cards.layout
        self.read: set[int] = set()

    def card(self, key: str) -> bytes:
        """Return the first card with a keyword; empty if there is none."""
        found = super().card(key)
        if found:
            self.read.add(self.find(key))
        return found


def remember_by_cards(function: Callable[..., T]) -> Callable[..., T]:
    """Remember the results of a function by the cards that it read.

    Parameters
    ----------
    function : callable
        Takes a header, of which it may use `Cards.get`, `Cards.get_fixed_integer` and whether a keyword is there, and
        further arguments that can be hashed. Its result must not be changed.

    Notes
    -----
    Which cards a function reads may depend on their values. A result is found again only if all cards are the same
    that any header with these keywords has had read, so the function would have read the same ones.
    """
    read: dict[tuple[Layout, tuple[Hashable, ...]], tuple[int, ...]] = {}
    results: dict[tuple[Layout, tuple[Hashable, ...], bytes], T] = {}

    @wraps(function)
    def remember(header: Keywords, *rest: Any) -> T:
        if not isinstance(header, Cards) or header.layout.has_long_cards:
            return function(header, *rest)
        starts = read.get((header.layout, rest), ())
        key = (header.layout, rest, header.join(starts))
        if key in results:
            return results[key]
        cards = _ReadCards(header)
        result = function(cards, *rest)
        if len(results) >= _MOST:
            results.clear()
            read.clear()
        starts = read[header.layout, rest] = tuple(sorted(cards.read.union(starts)))
        results[header.layout, rest, header.join(starts)] = result
        return result

    return remember
