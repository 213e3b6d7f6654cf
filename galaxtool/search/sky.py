"""Distances on the sky."""

from __future__ import annotations

import numpy as np
from astropy.coordinates import angular_separation

from galaxtool.errors import InputError
from galaxtool.search.index.store import Index
from galaxtool.types import Progress


def find_separations(ra: np.ndarray, dec: np.ndarray, center_ra: float, center_dec: float) -> np.ndarray:
    """Return the distances of positions from a centre.

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


def find_row_at(ra: float, dec: float, radius: float, index: Index, progress: Progress) -> int:
    """Return the row of the object of an index that is nearest to a position, if it is within the radius in arcsec.

    Raises
    ------
    InputError
        If no object is within the radius, or none has a position.
    """
    separations = find_separations(*index.positions(), ra, dec)
    if np.isnan(separations).all():
        raise InputError(
            "No object of the index has a position.",
            hint="Index FITS files with a WCS, or a catalogue with ra and dec (--ra-column and --dec-column name other "
            "columns), or ask with --id or an image.",
        )
    row = int(np.nanargmin(separations))
    item, distance = index[row], separations[row]
    if distance > radius:
        raise InputError(
            f"No object is within {radius:g} arcsec of ra {ra}, dec {dec}: the nearest, '{item.id}', is "
            f"{_format_distance(distance)} away.",
            hint="Widen the search with --radius, or ask with --id.",
        )
    progress.say(f"Found '{item.id}', {distance:.2f} arcsec from the position.")
    return row


def _format_distance(arcsec: float) -> str:
    """Return a distance in arcsec, from one degree up in degrees."""
    return f"{arcsec:.1f} arcsec" if arcsec < 3600 else f"{arcsec / 3600:.1f} degrees"
