"""Numbers that catalogues have in place of a missing value, such as -99."""

from __future__ import annotations

import numpy as np

SENTINELS = frozenset((-99.0, -999.0, -9999.0, -99999.0, -(2.0**15), -(2.0**31), -(2.0**63), 1e20))
"""Numbers that are hardly ever a value."""

DOUBTFUL = frozenset((99.0, 999.0, 9999.0, 99999.0, 999999.0))
"""Numbers that stand for a missing magnitude in many catalogues, and may well be a value elsewhere."""

_LEAST = 2
"""Number of times that a doubtful number must occur."""


def find_sentinels(values: np.ndarray) -> np.ndarray:
    """Find the values of a column that stand for a missing one.

    Parameters
    ----------
    values : ndarray of float, shape (N,)
        NaN where there is no value.

    Returns
    -------
    ndarray of bool, shape (N,)
        True for a number of `SENTINELS` outside the range of the other values. One of `DOUBTFUL` must occur twice or
        more, and exceed the others by more than their range.

    Examples
    --------
    >>> find_sentinels(np.array([0.1, -99.0, 0.4])).tolist()
    [False, True, False]
    >>> find_sentinels(np.array([-300.0, -99.0, 40.0])).tolist()
    [False, False, False]
    """
    missing = np.zeros(len(values), bool)
    others = values[np.isfinite(values) & ~np.isin(values, [*SENTINELS, *DOUBTFUL])]
    if not len(others):
        return missing
    low, high = float(others.min()), float(others.max())
    for number in SENTINELS:
        if not low <= number <= high:
            missing |= values == number
    for number in DOUBTFUL:
        found = values == number
        if found.sum() >= _LEAST and number - high > high - low:
            missing |= found
    return missing


def blank_sentinels(values: np.ndarray) -> np.ndarray:
    """Return values, float64 (N,), with NaN for those that stand for a missing one and for infinite ones."""
    missing = ~np.isfinite(values) | find_sentinels(values)
    return np.where(missing, np.nan, values)
