"""Blocks of the sky: how a crowded field is split where chains of neighbours would hold it together."""

from __future__ import annotations

import numpy as np

from galaxtool.datasets.splits.leaks import Leaks

MIN_CROWD = 20
"""Number of items from which a group of neighbours is cut into blocks."""

_BLOCKS = 20
_WIDE, _NARROW = 4.0, 2.0
_STEP = 1.25


def cut_into_blocks(
    leaks: Leaks, groups: np.ndarray, limit: int, separation_arcsec: float
) -> tuple[np.ndarray, float] | None:
    """Cut the groups of neighbours that are larger than a limit into square blocks of the sky.

    Parameters
    ----------
    leaks : Leaks
        Positions and pairs of N items.
    groups : ndarray of int, shape (N,)
        Groups of `leaks`.
    limit : int
        Number of items from which a group is cut.
    separation_arcsec : float
        Distance that neighbours must keep; the sides of blocks are at least twice, and if possible four times as long.

    Returns
    -------
    blocks : ndarray of int, shape (N,)
        Number of the block, or of the group that was not cut, of each item. Items of one block may have neighbours in
        another.
    side_arcsec : float
        Side of the largest blocks.
    None
        Instead of both if no group can be cut.
    """
    blocks, largest = groups.copy(), 0.0
    copies = leaks.groups_of_copies()
    placed = np.isfinite(leaks.ra)
    for group in np.flatnonzero(np.bincount(groups) >= limit):
        members = np.flatnonzero((groups == group) & placed)
        if len(members) < limit:
            continue
        found = _divide_sky(leaks.ra[members], leaks.dec[members], separation_arcsec / 3600)
        if found is None:
            continue
        cells, side = found
        blocks[members] = blocks.max() + 1 + cells
        largest = max(largest, side * 3600)
    if not largest:
        return None
    # copies of a file stay in one block
    first = np.full(copies.max() + 1, -1)
    first[copies[::-1]] = blocks[::-1]
    return np.unique(first[copies], return_inverse=True)[1], largest


def _divide_sky(ra: np.ndarray, dec: np.ndarray, separation: float) -> tuple[np.ndarray, float] | None:
    """Return the cell of each position and the side of the cells, all in degrees; None if there would be one cell."""
    center = np.angle(np.exp(1j * np.deg2rad(ra)).mean(), deg=True)
    across = (ra - center + 180) % 360 - 180
    width, height = np.ptp(across) * np.cos(np.deg2rad(np.abs(dec).min())), np.ptp(dec)
    side = max(np.sqrt(max(width, separation) * max(height, separation) / _BLOCKS), _WIDE * separation)
    cells = _number_cells(across, dec, side)
    while len(np.unique(cells)) < _BLOCKS and side / _STEP >= _WIDE * separation:
        side /= _STEP
        cells = _number_cells(across, dec, side)
    if len(np.unique(cells)) < 3 and side > _NARROW * separation:
        side = _NARROW * separation
        cells = _number_cells(across, dec, side)
    return (cells, side) if len(np.unique(cells)) > 2 else None


def _number_cells(across: np.ndarray, dec: np.ndarray, side: float) -> np.ndarray:
    """Return the number of the cell of each position, in rows of equal declination."""
    row = np.floor((dec - dec.min()) / side).astype(int)
    middle = np.deg2rad(np.minimum(np.abs(dec.min() + (row + 0.5) * side), 89.0))
    column = np.floor(across * np.cos(middle) / side).astype(int)
    return np.unique(np.stack([row, column]), axis=1, return_inverse=True)[1].reshape(-1)
