"""What a ``model.json`` may say: types, ranges and names, checked before anything is made of it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from galaxtool.errors import ModelError

_SLUG = re.compile(r"[a-z0-9_-]{1,64}")
_FILE = re.compile(r"[^/\\\x00-\x1f\x7f]{1,255}")
_MOST_CLASSES, _MOST_CHANNELS, _LONGEST = 10_000, 64, 20_000
_LARGEST_IMAGE, _LARGEST_DIM = 4096, 65_536

Check = Callable[[Any], str]
"""Returns what is wrong with a value, as the end of a sentence; empty if nothing is."""


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value)
    )


def _text(longest: int = _LONGEST) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            return "is not a text"
        return f"has {len(value):,} characters" if len(value) > longest else ""

    return check


def _number(low: float, high: float, *, whole: bool = False) -> Check:
    def check(value: Any) -> str:
        if not _is_number(value) or (whole and not isinstance(value, int)):
            return f"is not a {'whole ' if whole else ''}number"
        return "" if low <= value <= high else f"is {value:.6g}, not from {low:g} to {high:g}"

    return check


def _choice(*allowed: Any) -> Check:
    return lambda value: "" if value in allowed and not isinstance(value, bool) else f"is not one of {allowed}"


def _kind(*kinds: type) -> Check:
    return lambda value: "" if isinstance(value, kinds) else f"is not a {kinds[0].__name__}"


def _numbers(low: float, high: float) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= _MOST_CHANNELS:
            return "is not a list of a number for each channel"
        return next((why for one in value if (why := _number(low, high)(one))), "")

    return check


def _texts(most: int) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, list | tuple) or len(value) > most:
            return "is not a list of texts"
        return next((why for one in value if (why := _text()(one))), "")

    return check


def _shares(value: Any) -> str:
    if not isinstance(value, Mapping) or not all(_is_number(one) and 0 <= one <= 1 for one in value.values()):
        return "does not give a share from 0 to 1 for each class"
    return ""


def _optional(check: Check) -> Check:
    return lambda value: "" if value is None else check(value)


_FIELDS: dict[str, Check] = {
    "name": _text(), "backbone": _text(500), "dim": _number(1, _LARGEST_DIM, whole=True), "head": _text(200),
    "preprocess": _kind(dict), "taxonomy": _kind(dict), "temperature": _number(1e-6, 1e6), "method": _kind(dict),
    "data": _kind(dict), "metrics": _kind(dict), "weights_sha256": _text(64), "votes": _optional(_kind(dict)),
    "prior": _shares, "scores_prior": _choice("training", "uniform", "inverse"), "tta": _choice(1, 2, 4, 8),
    "unlike_training": _kind(dict), "words": _texts(1_000_000), "text_encoder": _text(500), "has_text": _kind(bool),
    "has_symbol_tower": _kind(bool), "has_symbol_statistics": _kind(bool), "licence": _text(),
    "citations": _kind(list), "notes": _text(), "created": _text(200), "galaxtool": _text(200),
}  # fmt: skip
_PREPROCESS: dict[str, Check] = {
    "size": _number(1, _LARGEST_IMAGE, whole=True), "crop": _number(0.01, 100), "mean": _numbers(-1e6, 1e6),
    "std": _numbers(1e-9, 1e6), "stretch": _kind(dict), "channels": _texts(_MOST_CHANNELS),
    "size_arcsec": _optional(_number(1e-9, 1e9)),
}  # fmt: skip
_CLASS: dict[str, Check] = {
    "name": _text(), "symbol": _optional(lambda value: _find_bad_file(value)), "variants": _kind(list, tuple),
}  # fmt: skip


def _find_bad_file(value: Any) -> str:
    bad = not isinstance(value, str) or not _FILE.fullmatch(value) or value in (".", "..")
    return "is not the name of a file" if bad else ""


def check_record(values: Any, where: str, hint: str) -> None:
    """Check the content of a ``model.json``; what is missing is not noticed here.

    Raises
    ------
    ModelError
        At the first value that is of the wrong type or out of range.
    """

    def fail(what: str, why: str) -> None:
        raise ModelError(f"'{where}' is not a sound model record: {what} {why}.", hint=hint)

    def check(entry: Mapping[str, Any], checks: Mapping[str, Check], prefix: str = "") -> None:
        for key, find in checks.items():
            if key in entry and (why := find(entry[key])):
                fail(f"{prefix}{key}", why)

    if not isinstance(values, Mapping):
        fail("it", "is not an object of keys")
    check(values, _FIELDS)
    check(values.get("preprocess", {}), _PREPROCESS, "the preprocessing's ")
    if any(not isinstance(entry, Mapping) for entry in values.get("citations", ())):
        fail("citations", "has an entry that is not an object of keys")
    classes = values.get("taxonomy", {}).get("classes", ())
    if "taxonomy" in values and (not isinstance(classes, list | tuple) or not 1 <= len(classes) <= _MOST_CLASSES):
        fail("the taxonomy's classes", f"are not a list of 1 to {_MOST_CLASSES:,}")
    seen = set()
    for number, entry in enumerate(classes, 1):
        slug = entry.get("slug") if isinstance(entry, Mapping) else None
        if not isinstance(slug, str) or not _SLUG.fullmatch(slug):
            fail(f"class {number}", "has no slug of at most 64 small letters, digits and _")
        if slug in seen:
            fail(f"class {number}", f"has the slug '{slug}' of an earlier one")
        seen.add(slug)
        check(entry, _CLASS, f"class {number}'s ")
        for name in entry.get("variants") or ():
            if why := _find_bad_file(name):
                fail(f"a drawing of class {number}", why)
