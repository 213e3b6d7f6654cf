"""Boxes in the pixels of a map and in those of the image that a network gets."""

from __future__ import annotations

import numpy as np

_KEPT = 0.4
"""Share of its area that a box must have within a window to count as being in it."""

LEAST_DATA = 0.25
"""Share of its pixels that must have data for a box to count."""


def to_network(boxes: np.ndarray, left: int, bottom: int, upscale: float) -> np.ndarray:
    """Convert boxes in pixels of a map, (N, 4), to those of a window that is enlarged.

    In the map the centre of the first pixel is 0; in the network's image its outer edge is.

    Parameters
    ----------
    boxes : ndarray of float, shape (N, 4)
        x0, y0, x1, y1.
    left, bottom : int
        First column and row of the window.
    upscale : float
        Factor by which the window is enlarged.
    """
    origin = np.array([left, bottom, left, bottom], np.float32)
    return ((boxes - origin + 0.5) * upscale).astype(np.float32)


def from_network(boxes: np.ndarray, left: int, bottom: int, upscale: float) -> np.ndarray:
    """Convert boxes the other way; see `to_network`."""
    origin = np.array([left, bottom, left, bottom], np.float32)
    return (boxes / upscale - 0.5 + origin).astype(np.float32)


def clip_boxes(boxes: np.ndarray, side: float) -> tuple[np.ndarray, np.ndarray]:
    """Clip boxes of a network's image to it.

    Returns
    -------
    clipped : ndarray of float32, shape (N, 4)
        Boxes within the image.
    kept : ndarray of bool, shape (N,)
        Whether enough of a box is within the image, and it is at least a pixel wide and high.
    """
    clipped = np.clip(boxes, 0, side).astype(np.float32)
    sizes, areas = np.diff(clipped.reshape(-1, 2, 2), axis=1)[:, 0], compute_areas(boxes)
    kept = (sizes >= 1).all(axis=1) & (compute_areas(clipped) >= _KEPT * areas)
    return clipped, kept


def measure_data(has_data: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return the share of pixels with data in each box.

    Parameters
    ----------
    has_data : ndarray of bool, shape (side, side)
        Which pixels of a window have data.
    boxes : ndarray, shape (N, 4)
        Boxes in pixels of the window, whose outer corner is (0, 0).
    """
    edges = np.clip(np.rint(boxes).astype(int), 0, len(has_data))
    shares = [has_data[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] for x0, y0, x1, y1 in edges.tolist()]
    return np.array([one.mean() if one.size else 0.0 for one in shares])


def compute_areas(boxes: np.ndarray) -> np.ndarray:
    """Return the area of each box, (N,)."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))


def compute_sides(boxes: np.ndarray) -> np.ndarray:
    """Return the root of the area of each box, (N,)."""
    return np.asarray(np.sqrt(np.maximum(compute_areas(boxes), 0)))
