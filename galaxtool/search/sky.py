"""Distances on the sky."""

from __future__ import annotations

import numpy as np
from astropy.coordinates import angular_separation


def find_separations(ra: np.ndarray, dec: np.ndarray, center_ra: float, center_dec: float) -> np.ndarray:
    """Return the distances of positions from a center.

    Parameters
    ----------
    ra, dec : ndarray of float64, shape (N,)
        Positions in degrees, NaN where unknown.
    center_ra, center_dec : float
        Position in degrees.

    Returns
    -------
    ndarray of float64, shape (N,)
        Arcsec, NaN where unknown.
    """
    center = np.radians(np.array([center_ra, center_dec], dtype=float))
    separations = angular_separation(*center, np.radians(ra), np.radians(dec))
    arcsec: np.ndarray = 3600 * np.degrees(separations)
    return arcsec
