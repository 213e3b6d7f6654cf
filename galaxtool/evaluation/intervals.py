"""A score with its 95 % confidence interval, as ``metrics.json`` holds it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from astropy.stats import binom_conf_interval

RESAMPLES = 200
_ROUNDING = 1e-9

Entry = dict[str, float | None]
"""``value``, ``low`` and ``high``, rounded to six digits; None where undefined."""


def make_bootstrap_entry(
    statistic: Callable[[np.ndarray], float], n: int, seed: int, *, share_of: int | None = None
) -> Entry:
    """Return a score of n items with its interval, percentiles of 200 bootstrap resamples.

    Parameters
    ----------
    statistic : callable
        Maps item numbers, an ndarray of int, to their score; NaN where these items lack what the score needs.
    n : int
        Number of items.
    seed : int
        Random seed of the bootstrap.
    share_of : int, optional
        Number of items of which a score between 0 and 1 is taken for a share where all resamples have the same score,
        such as 1, or the accuracy of a model that always gives one class: they would give an interval without width,
        and the Wilson interval is used.
    """
    items = np.arange(n)
    value = statistic(items) if n else np.nan
    if n < 2 or not np.isfinite(value):
        return make_entry(value, np.nan, np.nan)
    draws = np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))
    # a resample may lack what the score needs, such as a second class
    low, high = np.nanpercentile([statistic(draw) for draw in draws], [2.5, 97.5])
    if share_of and has_no_width(value, low, high):
        return make_wilson_entry(value, share_of)
    # a resample has fewer different items, so that some scores of few items are nearly always on one side of the value
    return make_entry(value, min(float(low), value), max(float(high), value))


def has_no_width(value: float, low: float, high: float) -> bool:
    """Tell whether a score between 0 and 1 has an interval without width, but for rounding."""
    return 0 <= value <= 1 and max(abs(value - low), abs(value - high)) < _ROUNDING


def make_wilson_entry(share: float, n: int) -> Entry:
    """Return a share of n items with its Wilson interval."""
    return make_entry(share, *find_wilson_interval(share, n))


def find_wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share of n items."""
    low, high = binom_conf_interval(round(share * n), n, interval="wilson", confidence_level=0.95)
    return float(low), float(high)


def make_entry(value: float, low: float, high: float) -> Entry:
    """Return an entry with the numbers that are finite."""
    numbers = {"value": value, "low": low, "high": high}
    return {name: round(float(x), 6) if np.isfinite(x) else None for name, x in numbers.items()}
