"""Make arrays of texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def make_text_array(values: Sequence[str]) -> np.ndarray:
    """Return texts as an array of str, shape (N,); without values too, where NumPy would choose float64."""
    return np.array(values, dtype=str if len(values) else "U1")
