"""Check the types and ranges in an ``index.json`` before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from galaxtool.errors import InputError
from galaxtool.utils.value_checks import (
    Check,
    choice,
    find_bad_field,
    kind,
    list_of,
    mapping_of,
    number,
    optional,
    text,
)

_MOST = 10**11
_MOST_LISTED = 10**8
_count = number(0, _MOST, whole=True)


def _hdu(value: Any) -> str:
    is_number = value is None or not number(-1e6, 1e6, whole=True)(value)
    return "" if is_number else text(200)(value)


_FIELDS: dict[str, Check] = {
    "kind": text(100), "count": _count, "dim": number(1, 65_536, whole=True), "model": text(4096),
    "model_at": choice("model/", "bundled", "elsewhere"), "model_digest": text(200), "preprocess_digest": text(200),
    "recall_at_10": number(0, 1), "recall_queries": _count,
    "recalls": mapping_of(mapping_of(number(0, _MOST), "an object of numbers", 10), "an object of recalls", 100),
    "target_recall": number(0, 1), "kind_reason": text(1000), "trained_count": _count,
    "metric": choice("cosine"), "tta": choice(1, 2, 4, 8),
    "layer": text(200), "settings": mapping_of(number(0, 10**9, whole=True), "an object of whole numbers"),
    "hdu": _hdu, "shown": kind(dict), "engine": text(200),
    "skipped": mapping_of(_count, "an object of counts"), "flags": mapping_of(_count, "an object of counts"),
    "unreadable": list_of(mapping_of(text(), "an object of texts", 100), "objects", _MOST_LISTED),
    "pairs": kind(dict), "notes": list_of(text(), "texts", 10_000), "source_digest": text(200), "created": text(200),
    "galaxtool": text(200),
}  # fmt: skip
_PAIRS: dict[str, Check] = {
    "objects": _count, "pairs": _count, "seed": number(0, 2**64, whole=True),
    "percentiles": list_of(number(0, 100), "percentiles", 10_000),
    "similarities": list_of(number(-1.01, 1.01), "cosines", 10_000),
}  # fmt: skip
_texts = list_of(text(200), "texts", 1000)
_SHOWN: dict[str, Check] = {
    "each_hdu": kind(bool), "bands": lambda value: text()(value) and _texts(value),
    "pattern": optional(text(1000)), "mask_hdu": _hdu, "weight_hdu": _hdu,
    "pixel_scale": optional(number(1e-9, 1e9)), "size_arcsec": optional(number(1e-9, 1e9)),
    "stretch": optional(text(1000)), "pixels": text(100),
    **dict.fromkeys(("image_column", "id_column", "ra_column", "dec_column", "table"), optional(text(1000))),
}  # fmt: skip


def check_index_record(values: Any, where: str) -> None:
    """Check the content of an ``index.json``; missing and unknown keys are not checked here.

    Raises
    ------
    InputError
        At the first value that is of the wrong type or out of range.
    """

    def fail(what: str, why: str) -> None:
        raise InputError(f"'{where}' is not a valid index record: {what} {why}.", hint="Build the index again.")

    if not isinstance(values, Mapping):
        fail("it", "is not an object of keys")
    for prefix, entry, checks in (
        ("", values, _FIELDS),
        ("the pairs' ", values.get("pairs", {}), _PAIRS),
        ("the option ", values.get("shown", {}), _SHOWN),
    ):
        key, why = find_bad_field(entry, checks)
        if why:
            fail(f"{prefix}{key}", why)
    pairs = values.get("pairs", {})
    if pairs:
        if missing := [key for key in _PAIRS if key not in pairs]:
            fail("the pairs", f"lack {missing[0]}")
        if len(pairs["percentiles"]) != len(pairs["similarities"]):
            fail("the pairs", "have not one cosine for each percentile")
    model = values.get("model", "")
    if values.get("model_at") == "bundled" and ("/" in model or "\\" in model):
        fail("model", "is not the name of a bundled model")
