"""Join what was found in overlapping windows: one box for each source."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from galaxtool_detect.boxes import Detections
from galaxtool_detect.geometry import compute_areas

SAME = 0.5
"""Intersection over union from which two boxes are of the same source."""

_WITHIN = 0.5
"""Share of a box at the edge of its window that lies in another from which that one replaces it."""

_JOINS = 0.2
"""Share of the smaller of two boxes that were cut by their windows from which they are parts of one source."""


_FRAMED = 0.6
"""Share of a box within another from which that one is around it."""


@dataclass(frozen=True)
class WindowDetections:
    """What was found in windows, in pixels of the whole image.

    Parameters
    ----------
    found : Detections
        Boxes of all windows.
    cut : ndarray of bool, shape (N,)
        Whether a box ends at an edge of its window.
    """

    found: Detections
    cut: np.ndarray

    @classmethod
    def concatenate(cls, parts: list[WindowDetections]) -> WindowDetections:
        """Join the detections of several windows."""
        if not parts:
            return cls(Detections.empty(), np.zeros(0, bool))
        found = Detections(
            boxes=np.concatenate([part.found.boxes for part in parts]),
            scores=np.concatenate([part.found.scores for part in parts]),
            labels=np.concatenate([part.found.labels for part in parts]),
        )
        return cls(found, np.concatenate([part.cut for part in parts]))


def merge(parts: WindowDetections, side: float) -> Detections:
    """Return one box for each source.

    Whole boxes come first, the best score first; a box that overlaps with an earlier one is left out. A box that ends
    at the edge of its window is left out if half of it is in another; those that remain and overlap, because the source
    is larger than the overlap of the windows, are joined into one, with the best score of its parts.

    Parameters
    ----------
    parts : WindowDetections
        Boxes of all windows.
    side : float
        Side of a window in pixels of the image, which no box exceeds.
    """
    boxes, scores = parts.found.boxes.astype(float).copy(), parts.found.scores
    areas = compute_areas(boxes)
    order = np.lexsort((np.arange(len(scores)), -scores, parts.cut))
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    kept: list[int] = []
    joined = np.zeros(len(boxes), bool)
    for i in order.tolist():
        near = _find_near(cells, boxes[i], side)
        near = near[~joined[near]]
        if near.size:
            shared = _intersect(boxes[i], boxes[near])
            if (shared > SAME * (areas[i] + areas[near] - shared)).any():
                continue
            if parts.cut[i]:
                if (shared > _WITHIN * areas[i]).any():
                    continue
                is_mate = parts.cut[near] & (parts.found.labels[near] == parts.found.labels[i])
                is_mate &= shared > _JOINS * np.minimum(areas[i], areas[near])
                if is_mate.any():
                    mates = near[is_mate]
                    best = int(mates[np.argmax(scores[mates])])
                    together = boxes[[i, *mates]]
                    joined[mates] = True  # the box may link parts that do not overlap
                    joined[best] = False
                    boxes[best] = [*together[:, :2].min(axis=0), *together[:, 2:].max(axis=0)]
                    areas[best] = compute_areas(boxes[best][None])[0]
                    _add(cells, boxes[best], best, side)
                    continue
        kept.append(i)
        _add(cells, boxes[i], i, side)
    kept = [i for i in kept if not joined[i]]
    rows = np.array(sorted(kept, key=lambda i: (boxes[i, 1], boxes[i, 0])), dtype=int)
    return Detections(boxes=boxes[rows].astype(np.float32), scores=scores[rows], labels=parts.found.labels[rows])


def drop_weak_frames(found: Detections) -> Detections:
    """Leave out boxes around a smaller one that is more certain: of nested boxes, the more certain one decides.

    A box is around another if it is at least twice as large and has at least 60 % of it within.
    """
    boxes = found.boxes.astype(float)
    areas = compute_areas(boxes)
    order = np.argsort(boxes[:, 0], kind="stable")
    left = boxes[order, 0]
    kept = np.ones(len(boxes), bool)
    widest = float((boxes[:, 2] - boxes[:, 0]).max(initial=0))
    for i in range(len(boxes)):
        start, stop = np.searchsorted(left, [boxes[i, 0] - widest, boxes[i, 2]])
        near = order[start:stop]
        near = near[(found.scores[near] > found.scores[i]) & (2 * areas[near] <= areas[i])]
        kept[i] = not (_intersect(boxes[i], boxes[near]) >= _FRAMED * areas[near]).any()
    return found.select(kept)


def _cover(box: np.ndarray, side: float) -> list[tuple[int, int]]:
    x0, y0, x1, y1 = np.floor(box / side).astype(int)
    return [(y, x) for y in range(y0, y1 + 1) for x in range(x0, x1 + 1)]


def _add(cells: dict[tuple[int, int], list[int]], box: np.ndarray, index: int, side: float) -> None:
    for cell in _cover(box, side):
        cells[cell].append(index)


def _find_near(cells: dict[tuple[int, int], list[int]], box: np.ndarray, side: float) -> np.ndarray:
    found = {index for cell in _cover(box, side) for index in cells.get(cell, ())}
    return np.array(sorted(found), dtype=int)


def _intersect(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the areas that a box (4,) has in common with others (N, 4)."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    return np.asarray(np.prod(np.clip(high - low, 0, None), axis=1))
