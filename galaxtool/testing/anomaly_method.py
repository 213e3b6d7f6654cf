"""Check a measure of oddness."""

from __future__ import annotations

import numpy as np

from galaxtool.errors import PluginError
from galaxtool.outliers.scores import score_anomalies
from galaxtool.plugins.registry import get_registry
from galaxtool.types import Silent

_N, _DIM = 300, 16


def check_anomaly_method(name: str, *, seed: int = 0) -> None:
    """Check a registered measure of oddness on 300 random vectors, one of them far from all others.

    The checks are:

    - It returns one number for each vector, without NaN, the same each time, and leaves the vectors as they are.
    - The vector far from all others is the oddest.
    - Two vectors are enough.

    Parameters
    ----------
    name : str
        Name of the measure, plain or as ``plugin:name``.
    seed : int
        Random seed of the vectors.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    get_registry().anomaly_methods.find(name)
    vectors = np.random.default_rng(seed).normal(0.0, 0.2, (_N, _DIM)).astype(np.float32)
    vectors[7] += 3
    kept = vectors.copy()
    try:
        first, second = (score_anomalies(vectors, name, Silent(), neighbors=20, seed=seed).values for _ in range(2))
        score_anomalies(vectors[:2], name, Silent(), neighbors=1, seed=seed)
    except PluginError as error:
        raise AssertionError(error.message) from error
    assert np.array_equal(kept, vectors), f"The method '{name}' changes the vectors that it is given."
    assert np.array_equal(first, second), f"The method '{name}' returns other scores for the same vectors and seed."
    assert first.argmax() == 7, f"To the method '{name}', a vector far from all others is not the oddest one."
