"""How measured fluxes compare with true ones, in bins of signal-to-noise."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from astropy.table import Table

_TAILS = (16.0, 84.0)


def compute_flux_bias(snr: np.ndarray, measured: np.ndarray, true: np.ndarray, edges: Sequence[float]) -> Table:
    """Return the ratio of measured to true fluxes in bins of the true signal-to-noise.

    Parameters
    ----------
    snr : ndarray, shape (N,)
        True ratio of peak to noise.
    measured, true : ndarray, shape (N,)
        Fluxes; pairs that are not finite are left out.
    edges : sequence of float
        Edges of the bins.

    Returns
    -------
    Table
        ``low``, ``high``, ``middle``, ``n``, ``ratio`` (the median), ``ratio_error`` (its standard error), ``ratio_16``
        and ``ratio_84``; only bins with sources.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = measured / true
    rows = []
    for low, high in pairwise(edges):
        inside = (snr >= low) & (snr < high) & np.isfinite(ratio)
        n = int(inside.sum())
        if n:
            values = ratio[inside]
            below, above = np.percentile(values, _TAILS)
            spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
            error = 1.2533 * spread / np.sqrt(n) if n > 1 else np.nan  # of a median
            rows.append((low, high, float(np.median(snr[inside])), n, float(np.median(values)), error, below, above))
    names = ("low", "high", "middle", "n", "ratio", "ratio_error", "ratio_16", "ratio_84")
    types = (float, float, float, int, float, float, float, float)
    return Table(rows=rows or None, names=names, dtype=types)
