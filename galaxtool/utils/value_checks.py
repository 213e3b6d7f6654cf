"""Validate values from untrusted records: types, ranges and lengths."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

LONGEST_TEXT = 20_000
"""Most characters of a text."""

DEEPEST = 30
"""Most values within each other."""

_FILE = re.compile(r"[^/\\\x00-\x1f\x7f]{1,255}")

Check = Callable[[Any], str]
"""Returns what is wrong with a value, as the end of a sentence; empty if nothing is."""


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number."""
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value)
    )


def text(longest: int = LONGEST_TEXT) -> Check:
    """Return the check of a text."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            return "is not a text"
        return f"has {len(value):,} characters" if len(value) > longest else ""

    return check


def number(low: float, high: float, *, whole: bool = False) -> Check:
    """Return the check of a number from `low` to `high`."""

    def check(value: Any) -> str:
        if not is_number(value) or (whole and not isinstance(value, int)):
            return f"is not a {'whole ' if whole else ''}number"
        return "" if low <= value <= high else f"is {value:.6g}, not from {low:g} to {high:g}"

    return check


def choice(*allowed: Any) -> Check:
    """Return the check of one of several values."""
    return lambda value: "" if value in allowed and not isinstance(value, bool) else f"is not one of {allowed}"


def kind(*kinds: type) -> Check:
    """Return the check of a type."""
    return lambda value: "" if isinstance(value, kinds) else f"is not a {kinds[0].__name__}"


def optional(check: Check) -> Check:
    """Return a check that null passes too."""
    return lambda value: "" if value is None else check(value)


def list_of(check: Check, what: str, most: int, *, least: int = 0) -> Check:
    """Return the check of a list whose entries pass a check; `what` is the list in words."""

    def check_all(value: Any) -> str:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            return f"is not a list of {what}"
        return next((why for one in value if (why := check(one))), "")

    return check_all


def mapping_of(check: Check, what: str, most: int = 10_000) -> Check:
    """Return the check of an object whose values pass a check; `what` is the object in words."""

    def check_all(value: Any) -> str:
        if not isinstance(value, Mapping) or len(value) > most:
            return f"is not {what}"
        return next((f"has an entry that {why}" for one in value.values() if (why := check(one))), "")

    return check_all


def entries(checks: Mapping[str, Check]) -> Check:
    """Return the check of an object, some of whose keys pass checks where they are there."""

    def check_all(value: Any) -> str:
        if not isinstance(value, Mapping):
            return "is not an object of keys"
        key, why = find_bad_field(value, checks)
        return f"has a {key} that {why}" if why else ""

    return check_all


def find_odd_value(value: Any, depth: int = 0) -> str:
    """Return what is wrong anywhere within a value of JSON, such as a number of 400 digits; empty if nothing is."""
    if depth > DEEPEST:
        return f"has more than {DEEPEST} values within each other"
    if isinstance(value, Mapping):
        inner: Iterable[Any] = (one for pair in value.items() for one in pair)
    elif isinstance(value, list | tuple):
        inner = value
    elif isinstance(value, str):
        return f"has a text of {len(value):,} characters" if len(value) > LONGEST_TEXT else ""
    else:
        is_odd = isinstance(value, int | float) and not isinstance(value, bool) and not is_number(value)
        return "has a number that is out of range" if is_odd else ""
    return next((why for one in inner if (why := find_odd_value(one, depth + 1))), "")


def find_bad_file_name(value: Any) -> str:
    """Return what is wrong with the name of a file in the same folder; empty if nothing is."""
    is_bad = not isinstance(value, str) or not _FILE.fullmatch(value) or value in (".", "..")
    return "is not the name of a file" if is_bad else ""


def find_bad_field(entry: Mapping[str, Any], checks: Mapping[str, Check]) -> tuple[str, str]:
    """Return the first key whose value is wrong, and why; two empty texts if there is none.

    Keys that are missing are not noticed.
    """
    wrong = ((key, check(entry[key])) for key, check in checks.items() if key in entry)
    return next(((key, why) for key, why in wrong if why), ("", ""))
