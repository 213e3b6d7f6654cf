"""Match objects to the images that contain them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from galaxtool.cutting.images import SkyImage

_MAX_RADIUS = np.deg2rad(60)  # a larger image may cover anything up to the whole sky, and all objects are tried
_ON_EDGE = 1e-6  # pixels
_EDGE_POINTS = 33  # points along a side


@dataclass(frozen=True, slots=True)
class ImageMatches:
    """The image of each of N objects, and the position in it.

    Parameters
    ----------
    image : ndarray of int, shape (N,)
        Number of the image; -1 where no image contains the object.
    x, y : ndarray, shape (N,)
        Position in pixels from 0, the middle of the first pixel; NaN where no image contains the object.
    seen : ndarray of bool, shape (images,)
        Whether an object lies in each image.
    """

    image: np.ndarray
    x: np.ndarray
    y: np.ndarray
    seen: np.ndarray


class PositionTree:
    """The positions of a catalogue in a k-d tree, for fast searches around an image.

    Parameters
    ----------
    ra, dec : ndarray, shape (N,)
        Positions in degrees; NaN where unknown.
    """

    def __init__(self, ra: np.ndarray, dec: np.ndarray) -> None:
        self.ra, self.dec = ra, dec
        self.known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
        self._tree = cKDTree(_to_vectors(ra[self.known], dec[self.known]))

    def find_near(self, image: SkyImage) -> np.ndarray:
        """Return the rows within a circle around an image; all that lie in the image are among them."""
        circle = _find_bounding_circle(image)
        if circle is None:
            return self.known
        center, radius = circle
        near = self._tree.query_ball_point(center, 2 * np.sin(min(radius, np.pi) / 2), return_sorted=True)
        return self.known[np.asarray(near, dtype=np.intp)]


def match_images(images: Sequence[SkyImage], tree: PositionTree) -> ImageMatches:
    """Find for each object the image in which it is furthest from an edge, in arcsec; the first of equals.

    Parameters
    ----------
    images : sequence of SkyImage
        The images.
    tree : PositionTree
        Positions of the objects.

    Returns
    -------
    ImageMatches
    """
    n = len(tree.ra)
    best = ImageMatches(np.full(n, -1), np.full(n, np.nan), np.full(n, np.nan), np.zeros(len(images), bool))
    best_distance = np.full(n, -np.inf)
    for number, image in enumerate(images):
        rows = tree.find_near(image)
        if not rows.size:
            continue
        ra, dec = tree.ra[rows], tree.dec[rows]
        x, y = _move_inside(image, *image.to_pixels(ra, dec))
        distance = _measure_edge_distance(image, x, y)
        inside = distance >= 0
        returns = _map_back(image, x[inside], y[inside], ra[inside], dec[inside])
        distance[inside] = np.where(returns, distance[inside], -1)
        best.seen[number] = (distance >= 0).any()
        better = (distance >= 0) & (distance > best_distance[rows])
        chosen = rows[better]
        best_distance[chosen] = distance[better]
        best.image[chosen], best.x[chosen], best.y[chosen] = number, x[better], y[better]
    return best


def _measure_edge_distance(image: SkyImage, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the distance of positions from the nearest edge, in arcsec; negative outside the image."""
    along_x = np.minimum(x + 0.5, image.nx - 0.5 - x) * image.scale[0]
    along_y = np.minimum(y + 0.5, image.ny - 0.5 - y) * image.scale[1]
    return np.nan_to_num(np.minimum(along_x, along_y), nan=-1.0, posinf=-1.0, neginf=-1.0)


def _move_inside(image: SkyImage, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move positions on an edge, such as the poles of a map of the whole sky, a millionth of a pixel inwards."""
    for values, side in ((x, image.nx), (y, image.ny)):
        for edge, inwards in ((-0.5, _ON_EDGE), (side - 0.5, -_ON_EDGE)):
            values[np.abs(values - edge) < _ON_EDGE] = edge + inwards
    return x, y


def _map_back(image: SkyImage, x: np.ndarray, y: np.ndarray, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Return whether pixels map back to the positions they came from: distortions can fold the sky far outside."""
    separation = np.linalg.norm(_to_vectors(*image.to_sky(x, y)) - _to_vectors(ra, dec), axis=1)
    return np.asarray(separation < np.deg2rad(max(image.scale) / 3600))


def _find_bounding_circle(image: SkyImage) -> tuple[np.ndarray, float] | None:
    """Return the centre (a unit vector) and the radius (radians) of a circle around an image; None if very large."""
    across, up = np.linspace(-0.5, image.nx - 0.5, _EDGE_POINTS), np.linspace(-0.5, image.ny - 0.5, _EDGE_POINTS)
    left, right = np.full(_EDGE_POINTS, -0.5), np.full(_EDGE_POINTS, image.nx - 0.5)
    bottom, top = np.full(_EDGE_POINTS, -0.5), np.full(_EDGE_POINTS, image.ny - 0.5)
    x = np.concatenate([across, across, left, right, [(image.nx - 1) / 2]])
    y = np.concatenate([bottom, top, up, up, [(image.ny - 1) / 2]])
    points = _to_vectors(*image.to_sky(x, y))
    if not np.isfinite(points).all():
        return None
    chord = np.linalg.norm(points - points[-1], axis=1).max()
    radius = 2 * np.arcsin(min(chord / 2, 1.0))
    margin = np.deg2rad(2 * max(image.scale) / 3600)
    return None if radius > _MAX_RADIUS else (points[-1], radius * 1.05 + margin)


def _to_vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Return unit vectors, shape (n, 3)."""
    alpha, delta = np.deg2rad(ra), np.deg2rad(dec)
    return np.column_stack([np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)])
