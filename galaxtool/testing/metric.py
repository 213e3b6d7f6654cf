"""Check that a metric does what trainings and evaluations need."""

from __future__ import annotations

from typing import Any

import numpy as np

from galaxtool.plugins.registry import get_registry

_N, _CLASSES, _DIM, _TOLERANCE = 60, 4, 16, 1e-9


def check_metric(name: str, *, seed: int = 0) -> None:
    """Check a registered metric on random probabilities or embeddings of 60 items.

    The checks are:

    - A metric of probabilities is a float, one of embeddings an array with a score for each item.
    - It is reproducible, leaves its arguments as they are, and does not depend on the order of the items.
    - It returns a number or NaN for items of one class only, and for a single item, without an exception.
    - With a gallery, if it takes one, it has a score for each item, the same for a gallery of the items themselves.
    - Its fast form, if it has one, agrees with it for equal weights, and for weights that count items twice.
    - An interval of its own contains the value.

    Parameters
    ----------
    name : str
        Name of the metric, plain or as ``plugin:name``.
    seed : int
        Random seed of the values.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    found = get_registry().metrics.find(name)
    spec, score = found.spec, found.load()
    rng = np.random.default_rng(seed)
    targets = np.arange(_N) % _CLASSES
    values = _draw_values(spec.inputs, rng)
    extra = (seed,) if spec.interval == "own" else ()
    kept = values.copy(), targets.copy()
    first = score(values, targets, *extra)
    assert np.array_equal(values, kept[0]) and np.array_equal(targets, kept[1]), (
        f"The metric '{name}' changes its arguments; work on copies."
    )
    order = rng.permutation(_N)
    shuffled = score(values[order], targets[order], *extra)
    if spec.inputs == "embeddings":
        _check_per_item(name, first, shuffled, order)
        if spec.takes_gallery:
            _check_gallery(name, score, values, targets, first)
    else:
        value, again, moved = (
            _take_value(name, result, spec.interval) for result in (first, score(values, targets, *extra), shuffled)
        )
        assert _is_same(value, again), f"The metric '{name}' gives {value} and then {again}; draw nothing at random."
        if spec.interval != "own":
            assert _is_same(value, moved), (
                f"The metric '{name}' gives {value}, and {moved} for the same items in another order."
            )
    _check_few(name, score, values, targets, extra, spec)
    if spec.weighted and spec.inputs == "probabilities":
        _check_weighted(name, found, values, targets)


def _draw_values(inputs: str, rng: np.random.Generator) -> np.ndarray:
    """Return probabilities that are more often right than wrong, or unit embeddings."""
    if inputs == "embeddings":
        vectors = rng.normal(size=(_N, _DIM))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    logits = rng.normal(size=(_N, _CLASSES)) + 1.5 * np.eye(_CLASSES)[np.arange(_N) % _CLASSES]
    return np.asarray(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))


def _check_per_item(name: str, first: Any, shuffled: Any, order: np.ndarray) -> None:
    scores = np.asarray(first)
    assert scores.shape == (_N,), (
        f"The metric '{name}' is one of embeddings and returns shape {scores.shape}, not a score for each of "
        f"{_N} items."
    )
    assert np.allclose(scores[order], np.asarray(shuffled), equal_nan=True), (
        f"The metric '{name}' gives items another score in another order."
    )


def _check_gallery(name: str, score: Any, values: np.ndarray, targets: np.ndarray, among_themselves: Any) -> None:
    """Check a metric with a gallery of the items themselves, in another order, and with one of half of them."""
    order = np.random.default_rng(1).permutation(_N)
    gallery, classes, rows = values[order], targets[order], np.argsort(order)
    half = np.where(rows < _N // 2, rows, -1)
    kept = [array.copy() for array in (values, targets, gallery, classes, rows)]
    same = np.asarray(score(values, targets, gallery=gallery, gallery_targets=classes, own_rows=rows))
    assert np.allclose(same, np.asarray(among_themselves), equal_nan=True), (
        f"The metric '{name}' gives other scores if the items themselves are its gallery, of which each leaves itself "
        "out: that is row own_rows[i] for item i."
    )
    part = _N // 2
    apart = np.asarray(score(values, targets, gallery=gallery[:part], gallery_targets=classes[:part], own_rows=half))
    assert apart.shape == (_N,), (
        f"The metric '{name}' returns shape {apart.shape} for a gallery of {part} items, not a score for each of the "
        f"{_N} items that are looked up there."
    )
    assert all(map(np.array_equal, (values, targets, gallery, classes, rows), kept)), (
        f"The metric '{name}' changes its arguments; work on copies."
    )


def _take_value(name: str, result: Any, interval: str) -> float:
    if interval == "own":
        assert isinstance(result, tuple) and len(result) == 3, (
            f"The metric '{name}' has an interval of its own and returns {type(result).__name__}, not the value and "
            "both ends."
        )
        value, low, high = map(float, result)
        known = not np.isnan([value, low, high]).any()
        assert not known or low <= value <= high, f"The interval {low}..{high} of '{name}' misses {value}."
        return value
    assert isinstance(result, float | int | np.floating), (
        f"The metric '{name}' returns {type(result).__name__}, not a float; return float(...)."
    )
    return float(result)


def _check_few(
    name: str, score: Any, values: np.ndarray, targets: np.ndarray, extra: tuple[int, ...], spec: Any
) -> None:
    for what, rows in (("items of one class", targets == 0), ("a single item", np.arange(_N) == 0)):
        try:
            result = score(values[rows], targets[rows], *extra)
        except Exception as error:
            raise AssertionError(
                f"The metric '{name}' fails for {what} ({type(error).__name__}: {error}); return NaN where it is "
                "undefined, as a bootstrap resample may have no more."
            ) from error
        if spec.inputs != "embeddings":
            value = _take_value(name, result, "" if spec.interval != "own" else "own")
            assert not np.isinf(value), f"The metric '{name}' is infinite for {what}; return NaN."


def _check_weighted(name: str, found: Any, values: np.ndarray, targets: np.ndarray) -> None:
    weigh = found.load(found.spec.weighted)(values, targets)
    twice = np.arange(_N) < _N // 2
    rows = np.concatenate([np.arange(_N), np.flatnonzero(twice)])
    plain = found.load()
    extra = (0,) if found.spec.interval == "own" else ()
    for weights, chosen in ((np.ones(_N), np.arange(_N)), (1.0 + twice, rows)):
        fast = weigh(weights)
        fast = float(np.nanmean(fast)) if found.spec.of_classes else float(fast)
        slow = _take_value(name, plain(values[chosen], targets[chosen], *extra), found.spec.interval)
        assert _is_same(fast, slow), f"The fast form of the metric '{name}' gives {fast}, and the metric {slow}."


def _is_same(a: float, b: float) -> bool:
    return bool(np.isclose(a, b, rtol=1e-6, atol=_TOLERANCE, equal_nan=True))
