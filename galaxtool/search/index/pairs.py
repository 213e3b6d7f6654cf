"""The similarities of random pairs of indexed objects: the yardstick of a similarity.

Two unrelated galaxies can have a cosine of 0.9, so a cosine alone does not say whether two images are alike. Its
percentile among random pairs of the same index does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

MAX_OBJECTS, MAX_PAIRS = 2000, 100_000
"""Largest numbers of objects and of pairs in the sample."""

EXPECTED = 90.0
"""Percentile that the best result of an ordinary query exceeds; see `find_limit`."""

_RISK = 0.01  # share of unrelated queries whose best result may pass as close in a small index
_PERCENTILES = np.array([*range(100), *(99 + np.arange(1, 10) / 10), *(99.9 + np.arange(1, 10) / 100), 99.995, 100])
_CHUNK = 4096


@dataclass(frozen=True, kw_only=True)
class PairSample:
    """Quantiles of the cosines of random pairs, as stored in ``index.json``.

    Parameters
    ----------
    objects, pairs : int
        Number of objects that were drawn, and of pairs of them.
    seed : int
        Random seed.
    percentiles, similarities : list of float
        Percentiles from 0 to 100, and the cosine of each.
    """

    objects: int
    pairs: int
    seed: int
    percentiles: list[float]
    similarities: list[float]

    @classmethod
    def draw(cls, vectors: np.ndarray, *, seed: int = 0) -> PairSample:
        """Draw pairs of vectors of unit length, float32 (N, dim)."""
        return cls.measure(vectors[choose_pair_rows(len(vectors), seed=seed)], len(vectors), seed=seed)

    @classmethod
    def measure(cls, vectors: np.ndarray, count: int, *, seed: int = 0) -> PairSample:
        """Draw pairs of the vectors in the rows of `choose_pair_rows`, out of `count`.

        All pairs of up to 2,000 vectors are taken, or 100,000 of them at random if there are more.
        """
        rng = np.random.default_rng(seed)
        rng.permutation(count)  # as in choose_pair_rows
        n = len(vectors)
        if n * (n - 1) // 2 <= MAX_PAIRS:
            first, second = np.triu_indices(n, k=1)
        else:
            first = rng.integers(0, n, MAX_PAIRS)
            second = (first + rng.integers(1, n, MAX_PAIRS)) % n
        cosines = np.empty(len(first), dtype=np.float32)
        for start in range(0, len(first), _CHUNK):  # the vectors of all pairs at once would take too much memory
            part = slice(start, start + _CHUNK)
            np.einsum("nd,nd->n", vectors[first[part]], vectors[second[part]], out=cosines[part])
        if not len(cosines):
            return cls(objects=n, pairs=0, seed=seed, percentiles=[], similarities=[])
        return cls(
            objects=n,
            pairs=len(cosines),
            seed=seed,
            percentiles=[round(float(value), 3) for value in _PERCENTILES],
            similarities=[round(float(value), 6) for value in np.percentile(cosines, _PERCENTILES)],
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PairSample:
        """Restore a sample from ``index.json``."""
        return cls(**{name: values[name] for name in ("objects", "pairs", "seed", "percentiles", "similarities")})

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def find_percentile(self, similarity: float) -> float | None:
        """Return the percentage of random pairs that are less similar than a cosine; None without any pair."""
        if not self.pairs:
            return None
        return round(float(np.interp(similarity, self.similarities, self.percentiles)), 3)


def choose_pair_rows(count: int, *, seed: int = 0) -> np.ndarray:
    """Return the rows whose pairs `PairSample.draw` takes, int (n,): up to 2,000 of `count`."""
    rows: np.ndarray = np.random.default_rng(seed).permutation(count)[:MAX_OBJECTS]
    return rows


def find_limit(candidates: int) -> float:
    """Return the percentile that the best result of a search must reach, or else nothing is close to the query.

    Parameters
    ----------
    candidates : int
        Number of objects that it was chosen from. The best of few unrelated objects has a lower percentile than the
        best of many.

    Examples
    --------
    >>> find_limit(2000), round(find_limit(10))
    (90.0, 63)
    """
    limit: float = 100 * _RISK ** (1 / max(1, candidates))
    return min(EXPECTED, limit)
