"""Check the types and ranges of a detector's record, which may come from anyone, before anything is made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from galaxtool import ModelError

_OBJECTS = ("sources", "training", "scores")
_LARGEST_IMAGE, _MOST_CLASSES, _LONGEST_TEXT = 4096, 1000, 500


def check_detector_values(values: Any, where: str) -> None:
    """Check the content of a ``detector.json``; what is missing is not noticed here.

    Raises
    ------
    ModelError
        At the first value that is of the wrong type or out of range.
    """
    network = values.get("network") if isinstance(values, Mapping) else None
    if not isinstance(network, Mapping):
        raise ModelError(f"The record of the detector '{where}' is damaged: it has no settings of a network.")
    checks = (
        ("upscale", values.get("upscale", 1.0), _is_number(values.get("upscale", 1.0), 0.01, 100)),
        ("threshold", values.get("threshold", 0.5), _is_number(values.get("threshold", 0.5), 0, 1)),
        ("beam_pixels", values.get("beam_pixels"), _is_number(values.get("beam_pixels") or 1, 1e-3, 1e6)),
        *(
            (key, values.get(key), isinstance(values.get(key, {}), Mapping))
            for key in ("sources", "training", "scores")
        ),
        *((key, values.get(key), _is_text(values.get(key, "-"))) for key in ("created", "version")),
        ("backbone", network.get("backbone"), _is_text(network.get("backbone"))),
        ("image_size", network.get("image_size"), _is_whole(network.get("image_size"), 32, _LARGEST_IMAGE)),
        ("classes", network.get("classes"), _is_list(network.get("classes"), _is_text, 1, _MOST_CLASSES)),
        *(
            (key, network.get(key), _is_list(network.get(key, [1.0]), _is_positive, 1, 16))
            for key in ("anchor_scales", "anchor_ratios")
        ),
        ("mean", network.get("mean"), _is_list(network.get("mean", [0.5] * 3), _is_finite, 3, 3)),
        ("std", network.get("std"), _is_list(network.get("std", [0.5] * 3), _is_positive, 3, 3)),
    )
    for key, value, is_valid in checks:
        if not is_valid:
            raise ModelError(
                f"The record of the detector '{where}' is damaged: {key} is {str(value)[:60]!r}.",
                hint="Copy the whole detector again from where it was trained.",
            )


def _is_number(value: Any, low: float, high: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and low <= value <= high


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and _is_number(value, low, high)


def _is_finite(value: Any) -> bool:
    return _is_number(value, -1e6, 1e6) and math.isfinite(value)


def _is_positive(value: Any) -> bool:
    return _is_number(value, 1e-6, 1e6)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT and value.isprintable()


def _is_list(value: Any, is_valid: Any, least: int, most: int) -> bool:
    return isinstance(value, list | tuple) and least <= len(value) <= most and all(map(is_valid, value))
