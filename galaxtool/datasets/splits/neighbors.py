"""Neighbours on the sky, without a list of all pairs: a dense field has thousands of them for each image."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

_NEAREST = 9  # with the item itself; an item with fewer neighbours is linked to all of them


def link_neighbors(ra: np.ndarray, dec: np.ndarray, separation_arcsec: float) -> np.ndarray:
    """Return pairs that link all items that are close to each other on the sky, directly or through others.

    Parameters
    ----------
    ra, dec : ndarray, shape (N,)
        Positions in degrees, NaN where unknown.
    separation_arcsec : float
        Largest distance between neighbours, in arcsec.

    Returns
    -------
    ndarray of int, shape (P, 2)
        Indices of neighbours. Not all pairs of them, but those that connect every group, less than 10 for each item.
    """
    first = find_first_at_position(ra, dec)
    others = np.flatnonzero(first != np.arange(len(ra)))
    placed = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec) & (first == np.arange(len(ra))))
    at_positions = np.stack([first[others], others], axis=1)
    links = _link_points(_to_points(ra[placed], dec[placed]), _to_chord(separation_arcsec))
    return np.concatenate([at_positions, placed[links]])


def find_near(ra: np.ndarray, dec: np.ndarray, separation_arcsec: float, chosen: np.ndarray) -> np.ndarray:
    """Return which items are as close to a chosen item, or chosen themselves: bool, shape (N,).

    Parameters
    ----------
    ra, dec, separation_arcsec
        As for `link_neighbors`.
    chosen : ndarray of bool, shape (N,)
        The chosen items.
    """
    near, placed = chosen.copy(), np.isfinite(ra) & np.isfinite(dec)
    if np.any(chosen & placed):
        tree = cKDTree(_to_points(ra[chosen & placed], dec[chosen & placed]))
        points = _to_points(ra[placed], dec[placed])
        distance, _ = tree.query(points, distance_upper_bound=_to_chord(separation_arcsec))
        near[placed] |= np.isfinite(distance)
    return near


def find_first_at_position(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
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


def _link_points(points: np.ndarray, reach: float) -> np.ndarray:
    """Return pairs that link all points, (N, 3), within reach of each other: the nearest, and those between groups."""
    n = len(points)
    if n < 2:
        return np.zeros((0, 2), dtype=int)
    nearest = cKDTree(points).query(points, k=min(_NEAREST, n), distance_upper_bound=reach)[1]
    rows, places = np.nonzero((nearest < n) & (nearest != np.arange(n)[:, None]))
    links = [np.stack([rows, nearest[rows, places]], axis=1)]
    # of two neighbours without a link, both have more neighbours than were looked for
    full = np.flatnonzero((nearest < n).all(axis=1)) if n > _NEAREST else np.zeros(0, dtype=int)
    groups = connect(n, links[0])[full]
    order = np.argsort(groups, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    if len(parts) > 1:
        tree = cKDTree(points[full])
        for part in parts:
            own = points[full[part]]
            center = own.mean(axis=0)
            radius = float(np.linalg.norm(own - center, axis=1).max())
            around = np.array(tree.query_ball_point(center, radius + reach), dtype=int)
            others = around[groups[around] != groups[part[0]]]
            if len(others):
                distance, closest = cKDTree(own).query(points[full[others]], distance_upper_bound=reach)
                is_near = np.isfinite(distance)
                links.append(np.stack([full[others[is_near]], full[part[closest[is_near]]]], axis=1))
    return np.concatenate(links)


def _to_points(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Return positions in degrees as points on the unit sphere, shape (N, 3)."""
    lon, lat = np.deg2rad(ra), np.deg2rad(dec)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _to_chord(separation_arcsec: float) -> float:
    """Return the chord of a separation on the unit sphere, a little longer: searches in a tree exclude their bound."""
    chord = 2 * np.sin(np.deg2rad(min(separation_arcsec / 3600, 180.0)) / 2)
    return float(chord * (1 + 1e-9) + 1e-12)
