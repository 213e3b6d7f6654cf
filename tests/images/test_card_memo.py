"""Results of functions of a header, remembered by the cards that they read."""

from __future__ import annotations

import random

from galaxtool.images.fits.card_memo import remember_by_cards
from galaxtool.images.fits.header import Cards, Keywords


def make_header(values: dict[str, str]) -> Cards:
    cards = [f"{key:8}= '{value}'" for key, value in values.items()]
    return Cards("".join(card.ljust(80) for card in [*cards, "END"]).encode())


def test_a_function_is_called_again_only_if_a_card_that_it_reads_has_changed() -> None:
    calls = 0

    @remember_by_cards
    def read_unit(header: Keywords) -> str:
        nonlocal calls
        calls += 1
        return str(header.get("BUNIT"))

    units = [
        read_unit(make_header({"BUNIT": unit, "OBJECT": str(n)})) for n, unit in enumerate(("Jy", "Jy", "K", "Jy"))
    ]
    assert units == ["Jy", "Jy", "K", "Jy"] and calls == 2
    assert read_unit(make_header({"OBJECT": "4"})) == "None"


def test_cards_that_are_read_only_sometimes_count() -> None:
    """Which cards count may depend on the values of others, in any order of the headers."""

    def follow(header: Keywords, start: str) -> tuple[str, ...]:
        found, key = [start], start
        while (key := str(header.get(key, ""))) and key not in found:
            found.append(key)
        return tuple(found)

    remembered = remember_by_cards(follow)
    draw = random.Random(1)
    for _ in range(500):
        header = make_header({key: draw.choice("ABCD") for key in "ABCD"})
        assert remembered(header, "A") == follow(header, "A")
        assert remembered(header, "B") == follow(header, "B")
