"""Colours of stellar populations and extinction by dust in the g, r and z bands."""

from __future__ import annotations

import numpy as np

BANDS = ("g", "r", "z")

YOUNG = (0.2, 0.02)
"""g-r and r-z (AB) of a blue, star-forming population."""

OLD = (0.88, 0.65)
"""g-r and r-z (AB) of the oldest population of galaxies at redshift 0.05 to 0.1."""

EXTINCTION = np.array([1.22, 0.85, 0.48], np.float32)
"""Optical depth in g, r, z relative to V for R_V = 3.1, after Fitzpatrick (1999, PASP 111, 63)."""


def compute_spectrum(age: float, tint: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Return the flux in g, r, z of a stellar population for one unit of flux in r.

    Parameters
    ----------
    age : float
        0 for a young population, 1 for an old one; values slightly outside this range are extrapolated.
    tint : pair of float
        Change of g-r and r-z by metallicity, redshift and scatter.

    Returns
    -------
    ndarray of float32, shape (3,)
    """
    g_r = YOUNG[0] + age * (OLD[0] - YOUNG[0]) + tint[0]
    r_z = YOUNG[1] + age * (OLD[1] - YOUNG[1]) + tint[1]
    return colors_to_flux(g_r, r_z)


def colors_to_flux(g_r: float | np.ndarray, r_z: float | np.ndarray) -> np.ndarray:
    """Convert two colours in AB magnitudes to flux in g, r, z, shape (3, ...), for one unit of flux in r."""
    return np.array([10 ** (-0.4 * g_r), 10 ** (0.0 * g_r), 10 ** (0.4 * r_z)], np.float32)


def magnitude_to_flux(magnitude: float | np.ndarray) -> np.ndarray:
    """Convert AB magnitudes to nanomaggies (1 nanomaggy is 22.5 mag), float32, same shape."""
    return np.asarray(10 ** (0.4 * (22.5 - np.asarray(magnitude))), np.float32)
