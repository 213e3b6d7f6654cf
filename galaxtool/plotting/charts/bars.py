"""Bins and error bars."""

from __future__ import annotations

import numpy as np

LEAST_IN_BIN = 10
"""Least number of images in a bin of equal numbers."""


def find_bars(value: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return how far intervals reach below and above values, (2, N), as Matplotlib takes it.

    An end that lies on the other side of the value by a rounding error counts as the value.
    """
    bars: np.ndarray = np.maximum([value - low, high - value], 0)
    return bars
