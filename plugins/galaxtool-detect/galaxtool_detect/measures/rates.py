"""Rates with intervals, in bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from astropy.table import Table
from scipy.stats import beta

_LEVEL = 0.95

SNR_EDGES = (0.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, np.inf)
"""Edges of the bins of signal-to-noise."""


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval (Jeffreys).

    Parameters
    ----------
    hits, n : int
        How many of how many.
    """

    hits: int
    n: int

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.hits / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        return find_interval(self.hits, self.n)

    def as_dict(self) -> dict[str, float]:
        """Return plain values."""
        low, high = self.interval
        return {"value": self.value, "low": low, "high": high, "hits": self.hits, "n": self.n}


def find_interval(hits: int, n: int) -> tuple[float, float]:
    """Return the Jeffreys interval of a share, which ends at 0 or 1 for none or all.

    Examples
    --------
    >>> [round(value, 3) for value in find_interval(9, 10)]
    [0.619, 0.989]
    """
    if n == 0:
        return float("nan"), float("nan")
    tail = (1 - _LEVEL) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits + 0.5, n - hits + 0.5))
    high = 1.0 if hits == n else float(beta.ppf(1 - tail, hits + 0.5, n - hits + 0.5))
    return low, high


def compute_rates(values: np.ndarray, hits: np.ndarray, edges: Sequence[float]) -> Table:
    """Return the share of hits in bins of a value.

    Parameters
    ----------
    values : ndarray, shape (N,)
        What is binned; NaN in no bin.
    hits : ndarray of bool, shape (N,)
        What is counted.
    edges : sequence of float
        Edges of the bins; the lower one belongs to a bin.

    Returns
    -------
    Table
        ``low``, ``high``, ``middle`` (the median value), ``n``, ``hits``, ``rate``, ``rate_low``, ``rate_high``; only
        bins with values.
    """
    rows = []
    for low, high in pairwise(edges):
        inside = (values >= low) & (values < high)
        n = int(inside.sum())
        if n:
            count = int(hits[inside].sum())
            rows.append((low, high, float(np.median(values[inside])), n, count, count / n, *find_interval(count, n)))
    names = ("low", "high", "middle", "n", "hits", "rate", "rate_low", "rate_high")
    types = (float, float, float, int, int, float, float, float)
    return Table(rows=rows or None, names=names, dtype=types)


def find_flux_edges(fluxes: np.ndarray, bins: int = 8) -> tuple[float, ...]:
    """Return the edges of bins of flux that hold as many sources each; empty without fluxes."""
    finite = fluxes[np.isfinite(fluxes) & (fluxes > 0)]
    if not len(finite):
        return ()
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, min(bins, len(finite)) + 1)))
    if len(edges) == 1:  # all fluxes are equal
        return float(edges[0]), np.inf
    edges[-1] = np.nextafter(edges[-1], np.inf)
    return tuple(edges.tolist())
