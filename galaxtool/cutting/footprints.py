"""Which image holds which object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from galaxtool.cutting.images import SkyImage

_WIDE = np.deg2rad(60)  # an image that reaches so far from its centre may be anything up to the whole sky
_BORDER = 33  # points along a side


@dataclass(frozen=True, slots=True)
class ImageMatches:
    """Where the objects lie, N of them.

    Parameters
    ----------
    image : ndarray of int, shape (N,)
        Which of the images; -1 where none holds the object.
    x, y : ndarray, shape (N,)
        Pixels from 0, the middle of the first pixel; NaN where none does.
    """

    image: np.ndarray
    x: np.ndarray
    y: np.ndarray


class PositionTree:
    """The positions of a catalogue, arranged so that those near a place are found at once.

    Parameters
    ----------
    ra, dec : ndarray, shape (N,)
        Degrees; NaN where unknown.
    """

    def __init__(self, ra: np.ndarray, dec: np.ndarray) -> None:
        self.ra, self.dec = ra, dec
        self.known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
        self._tree = cKDTree(_vectors(ra[self.known], dec[self.known]))

    def within(self, image: SkyImage) -> np.ndarray:
        """Return the rows that may lie in an image: all within a circle around it."""
        circle = _circle(image)
        if circle is None:
            return self.known
        centre, radius = circle
        near = self._tree.query_ball_point(centre, 2 * np.sin(min(radius, np.pi) / 2), return_sorted=True)
        return self.known[np.asarray(near, dtype=np.intp)]


def match_images(images: Sequence[SkyImage], sky: PositionTree) -> ImageMatches:
    """Find for each object the image in which it lies furthest from an edge, in arcsec; of equals, the first.

    Parameters
    ----------
    images : sequence of SkyImage
    sky : Sky

    Returns
    -------
    Held
    """
    n = len(sky.ra)
    best = ImageMatches(np.full(n, -1), np.full(n, np.nan), np.full(n, np.nan))
    depth = np.full(n, -np.inf)
    for number, image in enumerate(images):
        rows = sky.within(image)
        if not rows.size:
            continue
        x, y = image.to_pixels(sky.ra[rows], sky.dec[rows])
        here = _depth(image, x, y)
        here[here >= 0] = np.where(_is_there(image, sky, rows, x, y, here >= 0), here[here >= 0], -1)
        taken = (here >= 0) & (here > depth[rows])
        chosen = rows[taken]
        depth[chosen] = here[taken]
        best.image[chosen], best.x[chosen], best.y[chosen] = number, x[taken], y[taken]
    return best


def _depth(image: SkyImage, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how far positions lie from the nearest edge, in arcsec; negative outside."""
    along_x = np.minimum(x + 0.5, image.nx - 0.5 - x) * image.scale[0]
    along_y = np.minimum(y + 0.5, image.ny - 0.5 - y) * image.scale[1]
    return np.nan_to_num(np.minimum(along_x, along_y), nan=-1.0, posinf=-1.0, neginf=-1.0)


def _is_there(
    image: SkyImage, sky: PositionTree, rows: np.ndarray, x: np.ndarray, y: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    """Tell whether the pixels found lead back to where they came from; distortions fold over far outside."""
    ra, dec = image.to_sky(x[inside], y[inside])
    apart = np.linalg.norm(_vectors(ra, dec) - _vectors(sky.ra[rows][inside], sky.dec[rows][inside]), axis=1)
    return apart < np.deg2rad(max(image.scale) / 3600)


def _circle(image: SkyImage) -> tuple[np.ndarray, float] | None:
    """Return a centre, as a unit vector, and a radius in radians that hold an image; None where it is very large."""
    across, up = np.linspace(-0.5, image.nx - 0.5, _BORDER), np.linspace(-0.5, image.ny - 0.5, _BORDER)
    x = np.concatenate([across, across, np.full(_BORDER, -0.5), np.full(_BORDER, image.nx - 0.5), [(image.nx - 1) / 2]])
    y = np.concatenate([np.full(_BORDER, -0.5), np.full(_BORDER, image.ny - 0.5), up, up, [(image.ny - 1) / 2]])
    points = _vectors(*image.to_sky(x, y))
    if not np.isfinite(points).all():
        return None
    chord = np.linalg.norm(points - points[-1], axis=1).max()
    radius = 2 * np.arcsin(min(chord / 2, 1.0))
    margin = np.deg2rad(2 * max(image.scale) / 3600)
    return None if radius > _WIDE else (points[-1], radius * 1.05 + margin)


def _vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Return unit vectors, shape (n, 3)."""
    alpha, delta = np.deg2rad(ra), np.deg2rad(dec)
    return np.column_stack([np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)])
