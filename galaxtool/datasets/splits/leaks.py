"""Items that must not be in different splits: neighbours on the sky, and copies of a file."""

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
    """Which of N items show the same piece of sky or are the same file.

    Parameters
    ----------
    n : int
        Number of items.
    neighbors : ndarray of int, shape (P, 2)
        Indices of items that are close to each other on the sky. Of all items at one position, only the first is in
        these pairs: simulated images may all have the same position.
    copies : ndarray of int, shape (Q, 2)
        Indices of items with the same content; the pairs link all copies of a file, and are not all pairs of them.
    ra, dec : ndarray, shape (N,)
        Positions in degrees, NaN where unknown.
    """

    n: int
    neighbors: np.ndarray
    copies: np.ndarray
    ra: np.ndarray
    dec: np.ndarray

    def groups(self) -> np.ndarray:
        """Return the number of the group of each item: items that are neighbours or copies, perhaps through others."""
        return connect(self.n, np.concatenate([self.neighbors, self.copies, self.pairs_at_positions()]))

    def groups_of_copies(self) -> np.ndarray:
        """Return the number of the group of each item if only the copies are linked."""
        return connect(self.n, self.copies)

    def pairs_at_positions(self) -> np.ndarray:
        """Return pairs that link all items at exactly the same position: ndarray of int, shape (R, 2)."""
        first = _find_first_at_position(self.ra, self.dec)
        others = np.flatnonzero(first != np.arange(self.n))
        return np.stack([first[others], others], axis=1)

    def touches(self, chosen: np.ndarray) -> np.ndarray:
        """Return which items are neighbours or copies of a chosen item without being chosen: bool, shape (N,)."""
        files, first = self.groups_of_copies(), _find_first_at_position(self.ra, self.dec)
        is_near = np.zeros(self.n, dtype=bool)
        is_near[first[chosen]] = True
        one, other = first[self.neighbors].T
        is_near[np.concatenate([other[is_near[one]], one[is_near[other]]])] = True
        return np.asarray((is_near[first] | np.isin(files, files[chosen])) & ~chosen)


def find_leaks(items: Sequence[Item], *, separation_arcsec: float, prober: FileProber | None = None) -> Leaks:
    """Find which items show the same piece of sky or are the same file.

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
    """Return the pairs of items that are close to each other on the sky; of those at one position, only the first."""
    is_first = _find_first_at_position(ra, dec) == np.arange(len(ra))
    placed = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec) & is_first)
    if len(placed) < 2:
        return np.zeros((0, 2), dtype=int)
    sky = SkyCoord(ra[placed], dec[placed], unit="deg")
    first, second, _, _ = search_around_sky(sky, sky, separation_arcsec * u.arcsec)
    once = first < second
    return np.stack([placed[first[once]], placed[second[once]]], axis=1)


def _find_first_at_position(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Return for each item the index of the first one at its position; its own if it has no position."""
    found = np.arange(len(ra))
    placed = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    if len(placed):
        positions = ra[placed] + 1j * dec[placed]
        _, first, inverse = np.unique(positions, return_index=True, return_inverse=True)
        found[placed] = placed[first][inverse.reshape(-1)]
    return found


def connect(n: int, pairs: np.ndarray) -> np.ndarray:
    """Return the number of the group of each of n items, if each pair, int (P, 2), links two of them."""
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    groups: np.ndarray = connected_components(links, directed=False)[1]
    return groups
