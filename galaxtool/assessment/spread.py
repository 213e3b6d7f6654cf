"""The mean of the scores of several trainings, and their spread; this file imports nothing heavy."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

SPREAD = ("sd", "lowest", "highest")
"""What an entry of several models has besides its value and interval."""

_NOTHING = object()  # None is a value


def align_confusion(each: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the metrics of several models with confusion matrices of the same classes: those of all, in one order.

    Examples
    --------
    >>> two = [{"classes": ["a", "b"], "counts": [[2, 1], [0, 5]]}, {"classes": ["b", "a"], "counts": [[5, 0], [1, 2]]}]
    >>> align_confusion([{"confusion": one} for one in two])[1]["confusion"]["counts"]
    [[2, 1], [0, 5]]
    """
    if not all("confusion" in one for one in each):
        return list(each)
    slugs = list(dict.fromkeys(slug for one in each for slug in one["confusion"]["classes"]))
    aligned: list[Mapping[str, Any]] = []
    for one in each:
        own = {slug: number for number, slug in enumerate(one["confusion"]["classes"])}
        counts = one["confusion"]["counts"]
        whole = [[counts[own[a]][own[b]] if {a, b} <= own.keys() else 0 for b in slugs] for a in slugs]
        aligned.append({**one, "confusion": {"classes": slugs, "counts": whole}})
    return aligned


def summarize_metrics(each: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the content of ``metrics.json`` of several models from that of each.

    An entry with value and interval becomes one with the mean of the values, the means of both ends, and ``sd``,
    ``lowest``, ``highest`` and ``values`` over the models. Other numbers become their mean. What is neither a number
    nor the same in all is left out.

    Examples
    --------
    >>> two = [{"accuracy": {"value": v, "low": v - 0.1, "high": v + 0.1}, "n": 9} for v in (0.5, 0.75)]
    >>> summarize_metrics(two)["accuracy"]["value"], summarize_metrics(two)["accuracy"]["lowest"]
    (0.625, 0.5)
    """
    first, *others = each
    merged = {key: _merge([one[key] for one in each]) for key in first if all(key in one for one in others)}
    return {key: value for key, value in merged.items() if value is not _NOTHING}


def _merge(values: Sequence[Any]) -> Any:
    """Return what stands for a value of each model."""
    if all(isinstance(one, Mapping) for one in values):
        if any(one.get("unit") != values[0].get("unit") for one in values):
            return _NOTHING  # numbers in different units have no mean
        is_entry = all({"value", "low", "high"} <= one.keys() for one in values)
        return _summarize_entry(values) if is_entry else summarize_metrics(values)
    if all(isinstance(one, list) for one in values) and len({len(one) for one in values}) == 1:
        merged = [_merge(own) for own in zip(*values, strict=True)]
        return merged if all(one is not _NOTHING for one in merged) else _NOTHING
    if all(one == values[0] for one in values):
        return values[0]
    if all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values):
        return _mean(values)
    return _NOTHING


def _summarize_entry(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean of a score and its spread; None where a model does not have it."""
    values = [one["value"] for one in entries]
    if any(value is None for value in values):
        return dict.fromkeys(("value", "low", "high", *SPREAD)) | {"values": values}
    means = {
        end: None if any(one[end] is None for one in entries) else _mean([one[end] for one in entries])
        for end in ("value", "low", "high")
    }
    spread = {"sd": round(statistics.stdev(values), 6), "lowest": min(values), "highest": max(values)}
    return {**means, **spread, "values": values}


def _mean(values: Sequence[float]) -> float:
    return round(statistics.fmean(values), 6)
