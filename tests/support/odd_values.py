"""Records of JSON with random odd values, reproducible by their number."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Iterator
from typing import Any

FIRST = int(os.environ.get("GALAXTOOL_FUZZ_SEED") or 0) * 100_000
"""First number of a run; `make fuzz` sets another one each time."""

ODD_VALUES = (
    None, True, False, -1, 0, 1, 2, 60_000, 2**31, 2**63, 10**30, 10**400, 0.5, -0.0, 1e308, 1e-320, float("nan"),
    float("inf"), "", "x", "0", "../../evil", "/etc/passwd", "\x1b[2J", "\ud800", "\u202e", "a\nb", "A" * 30_000,
    [], [None], [[1]],
    [1, "x"], ["a"] * 1000, {}, {"x": {}}, {"": []}, {"x": [1e308]}, [[[[[[]]]]]],
)  # fmt: skip


def list_places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the keys that lead to each value within a record, the outer ones first."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(entries)[:20]:
        yield (*place, key)
        yield from list_places(inner, (*place, key))


def make_odd_record(number: int, sound: Any) -> Any:
    """Return a copy of a record in which some values are odd, missing, or copies of others."""
    rng = random.Random(number)
    record = copy.deepcopy(sound)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = list(list_places(record))
        if not places:
            break
        *road, last = rng.choice(places)
        holder = record
        for key in road:
            holder = holder[key]
        how = rng.random()
        if how < 0.1:
            del holder[last]
        elif how < 0.2:
            holder[last] = copy.deepcopy(find(record, rng.choice(places)))
        elif how < 0.25 and isinstance(holder, dict):
            holder[rng.choice(("x", "", "a\nb", "../x"))] = rng.choice(ODD_VALUES)
        else:
            holder[last] = copy.deepcopy(rng.choice(ODD_VALUES))
    return record


def find(record: Any, place: tuple[Any, ...]) -> Any:
    """Return a value within a record by the keys that lead to it."""
    for key in place:
        record = record[key]
    return record
