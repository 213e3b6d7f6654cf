"""Pairs of items that must not be in different splits: neighbours on the sky, and copies of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from galaxtool.datasets.splits.duplicates import find_identical_files
from galaxtool.datasets.splits.positions import add_header_positions
from galaxtool.inputs.probe import FileProber
from galaxtool.types import Item


@dataclass(frozen=True, slots=True)
class Leaks:
    """The pairs of N items that show the same piece of sky or are the same file.

    Parameters
    ----------
    n : int
        Number of items.
    neighbors, copies : ndarray of int, shape (P, 2)
        Indices of items that are close to each other on the sky, and of those with the same content.
    ra, dec : ndarray, shape (N,)
        Positions in degrees, NaN where unknown.
    """

    n: int
    neighbors: np.ndarray
    copies: np.ndarray
    ra: np.ndarray
    dec: np.ndarray

    def groups(self) -> np.ndarray:
        """Return the number of the group of each item: items linked by pairs, directly or through others."""
        return _connect(self.n, np.concatenate([self.neighbors, self.copies]))

    def groups_of_copies(self) -> np.ndarray:
        """Return the number of the group of each item if only the copies are linked."""
        return _connect(self.n, self.copies)

    def touches(self, chosen: np.ndarray) -> np.ndarray:
        """Return which items are paired with one of the chosen items without being chosen: bool, shape (N,)."""
        pairs = np.concatenate([self.neighbors, self.copies])
        touched = np.zeros(self.n, dtype=bool)
        if len(pairs):
            inside = chosen[pairs]
            touched[pairs[:, 1][inside[:, 0]]] = True
            touched[pairs[:, 0][inside[:, 1]]] = True
        return np.asarray(touched & ~chosen)


def find_leaks(items: Sequence[Item], *, separation_arcsec: float, prober: FileProber | None = None) -> Leaks:
    """Find the pairs of items that show the same piece of sky or are the same file.

    Parameters
    ----------
    items : sequence of Item
        The N items. Those with a position, given or from the header of a FITS file, are compared on the sky, and those
        with a file by content.
    separation_arcsec : float
        Largest distance between neighbours, in arcsec.
    prober : FileProber, optional
        Opens the files for their positions and digests; by default a new one does.
    """
    prober = prober or FileProber()
    placed = add_header_positions(items, prober=prober)
    ra, dec = (
        np.array([np.nan if value is None else value for value in values], dtype=float)
        for values in ([item.ra for item in placed], [item.dec for item in placed])
    )
    copies = find_identical_files([item.ref for item in items], prober=prober)
    return Leaks(
        len(items), _find_neighbors(ra, dec, separation_arcsec), np.array(copies, dtype=int).reshape(-1, 2), ra, dec
    )


def _find_neighbors(ra: np.ndarray, dec: np.ndarray, separation_arcsec: float) -> np.ndarray:
    """Return the pairs of items that are close to each other on the sky."""
    placed = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    if len(placed) < 2:
        return np.zeros((0, 2), dtype=int)
    sky = SkyCoord(ra[placed], dec[placed], unit="deg")
    first, second, _, _ = search_around_sky(sky, sky, separation_arcsec * u.arcsec)
    once = first < second
    return np.stack([placed[first[once]], placed[second[once]]], axis=1)


def _connect(n: int, pairs: np.ndarray) -> np.ndarray:
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    groups: np.ndarray = connected_components(links, directed=False)[1]
    return groups
