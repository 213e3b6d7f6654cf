"""Which detections are parts of one source."""

from __future__ import annotations

import math

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from galaxtool_detect.catalog.fluxes import Measurement
from galaxtool_detect.catalog.maps import PixelMap

_INSIDE = 0.6  # of the smaller box lies within the larger one
_LARGER = 2.0  # times the area of the smaller box
_GAP = 0.5  # widths of the beam between boxes that may be bridged
_BRIDGE_SIGMAS, _BRIDGE_SHARE = 3.0, 0.3


def find_groups(image: PixelMap, boxes: np.ndarray, measurements: list[Measurement], beam_width: float) -> np.ndarray:
    """Return the number of the source that each detection is a part of.

    Two detections are parts of one source if one box lies within the other, which is at least twice as large; or if the
    boxes touch and the image between the peaks stays above 3 sigma and above 30 % of the fainter peak.

    Parameters
    ----------
    image : PixelMap
        The image.
    boxes : ndarray, shape (N, 4)
        Boxes of the detections.
    measurements : list of Measurement
        What was measured of each.
    beam_width : float
        Width of the beam in pixels.

    Returns
    -------
    ndarray of int, shape (N,)
        Numbers from 0, in the order of the first part of each source.
    """
    n = len(boxes)
    links = [
        (one, other)
        for one, other in find_neighbours(boxes, _GAP * beam_width)
        if contains(boxes[one], boxes[other]) or _are_bridged(image, measurements[one], measurements[other])
    ]
    rows, columns = np.array(links, dtype=int).reshape(-1, 2).T
    _, labels = connected_components(coo_array((np.ones(len(rows)), (rows, columns)), shape=(n, n)), directed=False)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), int)
    order[np.argsort(first)] = np.arange(len(first))
    groups: np.ndarray = order[inverse]
    return groups


def find_neighbours(boxes: np.ndarray, gap: float) -> list[tuple[int, int]]:
    """Return the pairs of boxes that overlap, or are no farther apart than a gap along x and along y."""
    order = np.argsort(boxes[:, 0], kind="stable")
    left = boxes[order, 0]
    pairs = []
    for place, one in enumerate(order):
        end = int(np.searchsorted(left, boxes[one, 2] + gap, side="right"))
        others = order[place + 1 : end]
        near = (boxes[others, 1] <= boxes[one, 3] + gap) & (boxes[others, 3] >= boxes[one, 1] - gap)
        pairs += [(int(one), int(other)) for other in others[near]]
    return pairs


def contains(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether one of two boxes lies within the other, which is at least twice as large."""
    areas = [float((box[2] - box[0]) * (box[3] - box[1])) for box in (one, other)]
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, float(width)) * max(0.0, float(height))
    return common >= _INSIDE * min(areas) and max(areas) >= _LARGER * min(areas)


def _are_bridged(image: PixelMap, one: Measurement, other: Measurement) -> bool:
    """Tell whether the image is bright all along the line between two peaks."""
    if not (math.isfinite(one.peak) and math.isfinite(other.peak)):
        return False
    steps = max(2, math.ceil(2 * math.hypot(other.x - one.x, other.y - one.y)))
    x = np.rint(np.linspace(one.x, other.x, steps)).astype(int)
    y = np.rint(np.linspace(one.y, other.y, steps)).astype(int)
    pixels = image.read(int(y.min()), int(y.max()) + 1, int(x.min()), int(x.max()) + 1)[0]
    line = pixels[y - y.min(), x - x.min()] - (one.background + other.background) / 2
    level = max(_BRIDGE_SIGMAS * max(one.rms, other.rms), _BRIDGE_SHARE * min(one.peak, other.peak))
    return bool(np.min(line) >= level)  # NaN is no bridge
