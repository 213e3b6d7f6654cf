"""Items that must not be in different splits: neighbours on the sky, and copies of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.datasets.splits.duplicates import find_identical_files
from galaxtool.datasets.splits.neighbors import connect, find_near, link_neighbors
from galaxtool.datasets.splits.positions import add_header_positions
from galaxtool.inputs.probe import FileProber
from galaxtool.types import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """Which of N items show the same piece of sky or are the same file.

    Parameters
    ----------
    n : int
        Number of items.
    neighbors : ndarray of int, shape (P, 2)
        Indices of items that are close to each other on the sky; the pairs link all neighbours, and are not all pairs
        of them, of which a dense field has too many.
    copies : ndarray of int, shape (Q, 2)
        Indices of items with the same content; the pairs link all copies of a file, and are not all pairs of them.
    ra, dec : ndarray, shape (N,)
        Positions in degrees, NaN where unknown.
    separation_arcsec : float
        Largest distance between neighbours, in arcsec.
    """

    n: int
    neighbors: np.ndarray
    copies: np.ndarray
    ra: np.ndarray
    dec: np.ndarray
    separation_arcsec: float

    def groups(self) -> np.ndarray:
        """Return the number of the group of each item: items that are neighbours or copies, perhaps through others."""
        return connect(self.n, np.concatenate([self.neighbors, self.copies]))

    def groups_of_copies(self) -> np.ndarray:
        """Return the number of the group of each item if only the copies are linked."""
        return connect(self.n, self.copies)

    def touches(self, chosen: np.ndarray) -> np.ndarray:
        """Return which items are neighbours or copies of a chosen item without being chosen: bool, shape (N,)."""
        files, near = self.groups_of_copies(), find_near(self.ra, self.dec, self.separation_arcsec, chosen)
        return np.asarray((near | np.isin(files, files[chosen])) & ~chosen)


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
        n=len(items),
        neighbors=link_neighbors(ra, dec, separation_arcsec),
        copies=np.array(copies, dtype=int).reshape(-1, 2),
        ra=ra,
        dec=dec,
        separation_arcsec=separation_arcsec,
    )
