"""Check the types, ranges and names in a ``model.json`` before it is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from galaxtool.errors import ModelError
from galaxtool.taxonomy.quantity import ENDINGS
from galaxtool.utils.value_checks import (
    Check,
    choice,
    entries,
    find_bad_field,
    find_bad_file_name,
    find_odd_value,
    is_number,
    kind,
    list_of,
    number,
    optional,
    text,
)

_SLUG = re.compile(r"[a-z0-9_-]{1,64}")
_MOST_CLASSES, _MOST_CHANNELS = 10_000, 64
_LARGEST_IMAGE, _LARGEST_DIM = 4096, 65_536
_LONGEST_KEY = 100


def _numbers(low: float, high: float) -> Check:
    return list_of(number(low, high), "a number for each channel", _MOST_CHANNELS, least=1)


def _shares(value: Any) -> str:
    if not isinstance(value, Mapping) or not all(is_number(one) and 0 <= one <= 1 for one in value.values()):
        return "does not give a share from 0 to 1 for each class"
    return ""


def _temperature(value: Any) -> str:
    one = number(1e-6, 1e6)
    return list_of(one, "factors", _MOST_CLASSES, least=1)(value) if isinstance(value, list | tuple) else one(value)


_FIELDS: dict[str, Check] = {
    "name": text(), "backbone": text(500), "dim": number(1, _LARGEST_DIM, whole=True), "head": text(200),
    "preprocess": kind(dict), "taxonomy": kind(dict), "temperature": _temperature, "method": kind(dict),
    "data": kind(dict), "metrics": kind(dict), "weights_sha256": text(64), "votes": optional(kind(dict)),
    "regression": optional(kind(dict)),
    "prior": _shares, "scores_prior": choice("training", "uniform", "inverse"), "tta": choice(1, 2, 4, 8),
    "unlike_training": kind(dict), "words": list_of(text(), "texts", 1_000_000), "text_encoder": text(500),
    "has_text": kind(bool), "has_symbol_tower": kind(bool), "has_symbol_statistics": kind(bool),
    "licence": text(), "citations": kind(list), "notes": text(), "created": text(200), "galaxtool": text(200),
}  # fmt: skip
_PREPROCESS: dict[str, Check] = {
    "size": number(1, _LARGEST_IMAGE, whole=True), "crop": number(0.01, 100), "mean": _numbers(-1e6, 1e6),
    "std": _numbers(1e-9, 1e6), "stretch": kind(dict), "channels": list_of(text(), "texts", _MOST_CHANNELS),
    "size_arcsec": optional(number(1e-9, 1e9)),
}  # fmt: skip
_CLASS: dict[str, Check] = {
    "name": text(), "symbol": optional(find_bad_file_name), "variants": kind(list, tuple),
}  # fmt: skip


_DOMAIN: dict[str, Check] = {
    "simulated": optional(kind(bool)), "regime": text(100), "color": optional(kind(bool)),
    "bands": list_of(text(200), "texts", 1000), "pixel_scale": optional(number(1e-9, 1e9)),
}  # fmt: skip
_READING: dict[str, Check] = {
    "bands": optional(list_of(text(200), "texts", 1000)), "pattern": optional(text(1000)),
    "hdu": optional(kind(int, str)), "mask_hdu": optional(kind(int, str)), "weight_hdu": optional(kind(int, str)),
    "pixel_scale": optional(number(1e-9, 1e9)), "pixels": optional(text(100)),
}  # fmt: skip
_DATA: dict[str, Check] = {
    "names": list_of(text(), "texts", 10_000), "field_arcsec": optional(number(1e-9, 1e9)),
    "reading": optional(entries(_READING)), "domain": optional(entries(_DOMAIN)),
}  # fmt: skip
_UNLIKE: dict[str, Check] = {
    "threshold": number(0, 1e12), "false_alarms": number(0, 1),
    "test": optional(entries({"n": number(0, 1e12, whole=True), "flagged": number(0, 1e12, whole=True)})),
}  # fmt: skip
_interval = entries(dict.fromkeys(("value", "low", "high"), optional(number(-1e9, 1e9))))
_METRICS: dict[str, Check] = {
    "n": number(0, 1e12, whole=True), "test": optional(kind(dict)),
    "ece": lambda value: _interval(value) if isinstance(value, Mapping) else "",
}  # fmt: skip


def check_record(values: Any, where: str, hint: str) -> None:
    """Check the content of a ``model.json``; what is missing is not noticed here.

    Raises
    ------
    ModelError
        At the first value that is of the wrong type or out of range.
    """

    def fail(what: str, why: str) -> None:
        raise ModelError(f"'{where}' is not a valid model record: {what} {why}.", hint=hint)

    def check(entry: Mapping[str, Any], checks: Mapping[str, Check], prefix: str = "") -> None:
        key, why = find_bad_field(entry, checks)
        if why:
            fail(f"{prefix}{key}", why)

    if not isinstance(values, Mapping):
        fail("it", "is not an object of keys")
    for key, value in values.items():
        if why := find_odd_value(value):
            fail(str(key)[:_LONGEST_KEY], why)
    check(values, _FIELDS)
    check(values.get("data", {}), _DATA, "the training data's ")
    check(values.get("unlike_training", {}), _UNLIKE, "unlike_training's ")
    check(values.get("metrics", {}), _METRICS, "the metrics' ")
    check(values.get("preprocess", {}), _PREPROCESS, "the preprocessing's ")
    if any(not isinstance(entry, Mapping) for entry in values.get("citations", ())):
        fail("citations", "has an entry that is not an object of keys")
    classes = values.get("taxonomy", {}).get("classes", ())
    if "taxonomy" in values and (not isinstance(classes, list | tuple) or not 1 <= len(classes) <= _MOST_CLASSES):
        fail("the taxonomy's classes", f"are not a list of 1 to {_MOST_CLASSES:,}")
    factors = values.get("temperature")
    outputs = len(classes) if values.get("regression") else 0
    if isinstance(factors, list | tuple) and len(ENDINGS) * len(factors) != outputs:
        fail("temperature", "is not a factor for the error bars of each quantity")
    seen = set()
    for count, entry in enumerate(classes, 1):
        slug = entry.get("slug") if isinstance(entry, Mapping) else None
        if not isinstance(slug, str) or not _SLUG.fullmatch(slug):
            fail(f"class {count}", "has no slug of at most 64 small letters, digits and _")
        if slug in seen:
            fail(f"class {count}", f"has the slug '{slug}' of an earlier one")
        seen.add(slug)
        check(entry, _CLASS, f"class {count}'s ")
        for name in entry.get("variants") or ():
            if why := find_bad_file_name(name):
                fail(f"a drawing of class {count}", why)
