"""Intervals of average precisions, by a bootstrap over images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool_detect.boxes import Detections, FieldImage
from galaxtool_detect.geometry import compute_areas

OVERLAPS = np.linspace(0.5, 0.95, 10)
"""Intersections over union at which COCO evaluates."""

_RECALLS = np.linspace(0, 1, 101)
_RESAMPLES = 1000
_FEWEST_RESAMPLES = 200
_MOST_STEPS = 2e7
"""Detections times resamples from which there are fewer resamples."""

_LEVEL = 0.95
_TRUE, _LEFT_OUT = 1, 2
_SLACK = 1e-10  # as COCO has it


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassMatches:
    """The detections of one class in all images, the most confident first, compared with the true boxes.

    Parameters
    ----------
    image : ndarray of int, shape (D,)
        Image of each detection.
    outcome : ndarray of int8, shape (10, D)
        For each of `OVERLAPS` 1 where a detection is true, 0 where it is false, 2 where it counts neither way.
    totals : ndarray of int, shape (images,)
        Number of true boxes in each image.
    """

    image: np.ndarray
    outcome: np.ndarray
    totals: np.ndarray

    def compute_precisions(self, counts: np.ndarray) -> np.ndarray:
        """Return the average precision at each overlap if images count so often; NaN without true boxes.

        Parameters
        ----------
        counts : ndarray of int, shape (images,)
            How often each image counts.
        """
        total = int(counts @ self.totals)
        if not total:
            return np.full(len(OVERLAPS), np.nan)
        weights = counts[self.image]
        hits = np.cumsum(weights * (self.outcome == _TRUE), axis=1)
        counted = np.cumsum(weights * (self.outcome != _LEFT_OUT), axis=1)
        precision = hits / np.maximum(counted, 1)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        best = np.concatenate([best, np.zeros((len(OVERLAPS), 1))], axis=1)
        places = [np.searchsorted(row / total, _RECALLS, side="left") for row in hits]
        return np.array([row[place].mean() for row, place in zip(best, places, strict=True)])


def match_class(truth: Sequence[FieldImage], found: Sequence[Detections], label: int | None) -> ClassMatches:
    """Compare the detections of a class, or of all as one class, with the true boxes, by the rules of COCO.

    In each image the most confident detection chooses first: of the true boxes that are free and overlap enough, the
    one with the largest intersection over union. A detection without one counts neither way if enough of its area is
    within an ignored box.
    """
    images, scores, outcomes, totals = [], [], [], []
    for number, (field, detections) in enumerate(zip(truth, found, strict=True)):
        boxes = field.boxes if label is None else field.boxes[field.labels == label]
        own = detections if label is None else detections.select(detections.labels == label)
        own = own.select(np.argsort(-own.scores, kind="stable"))
        outcomes.append(_match_image(boxes.astype(float), own.boxes.astype(float), field.ignored.astype(float)))
        images.append(np.full(len(own), number))
        scores.append(own.scores)
        totals.append(len(boxes))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return ClassMatches(
        image=np.concatenate(images)[order],
        outcome=np.concatenate(outcomes, axis=1)[:, order],
        totals=np.array(totals, np.int64),
    )


def compute_intervals(
    truth: Sequence[FieldImage], found: Sequence[Detections], n_classes: int, *, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return 95 % intervals of ``map50``, ``map50_95``, ``any50`` and ``any50_95``.

    Images are drawn with replacement, 1000 times; fewer, but 200 at least, for very many detections. A class without a
    source in such a sample is left out of its mean. Empty for a single image, which says nothing about others.

    Parameters
    ----------
    truth, found : sequence
        True boxes and detections of each image.
    n_classes : int
        Number of classes.
    seed : int
        Random seed.
    """
    if len(truth) < 2 or not any(len(one.boxes) for one in truth):
        return {}
    together = match_class(truth, found, None)
    classes = [match_class(truth, found, label) for label in range(n_classes)] if n_classes > 1 else [together]
    rng = np.random.default_rng(seed)
    n = int(np.clip(_MOST_STEPS / max(len(together.image), 1), _FEWEST_RESAMPLES, _RESAMPLES))
    samples: dict[str, list[float]] = {name: [] for name in ("map50", "map50_95", "any50", "any50_95")}
    for _ in range(n):
        counts = np.bincount(rng.integers(len(truth), size=len(truth)), minlength=len(truth))
        by_class = np.array([one.compute_precisions(counts) for one in classes])
        present = by_class[np.isfinite(by_class[:, 0])]
        if not len(present):
            continue
        every = together.compute_precisions(counts) if n_classes > 1 else present[0]
        for name, values in (("map", present), ("any", every[None])):
            samples[f"{name}50"].append(float(values[:, 0].mean()))
            samples[f"{name}50_95"].append(float(values.mean()))
    tail = (1 - _LEVEL) / 2
    return {
        name: (float(np.quantile(values, tail)), float(np.quantile(values, 1 - tail)))
        for name, values in samples.items()
    }


def _match_image(boxes: np.ndarray, found: np.ndarray, ignored: np.ndarray) -> np.ndarray:
    """Return the outcome of detections, sorted by their scores, at each overlap, int8 (10, D)."""
    outcome = np.zeros((len(OVERLAPS), len(found)), np.int8)
    free = np.ones((len(OVERLAPS), len(boxes)), bool)
    # one detection at a time: a mosaic has too many pairs for the memory
    for row, one in enumerate(found):
        overlaps = _share(one, boxes, union=True)
        crowded = _share(one, ignored, union=False).max(initial=0.0)
        near = np.flatnonzero(overlaps >= OVERLAPS[0] - _SLACK)
        for level, least in enumerate(OVERLAPS):
            candidates = near[free[level, near] & (overlaps[near] >= least - _SLACK)]
            if len(candidates):
                # COCO takes the last one of equal overlaps
                best = candidates[len(candidates) - 1 - int(overlaps[candidates][::-1].argmax())]
                free[level, best] = False
                outcome[level, row] = _TRUE
            elif crowded >= least - _SLACK:
                outcome[level, row] = _LEFT_OUT
    return outcome


def _share(one: np.ndarray, others: np.ndarray, *, union: bool) -> np.ndarray:
    """Return the intersections (N,) of a box with others over the union, or over the area of the box."""
    low = np.maximum(one[:2], others[:, :2])
    high = np.minimum(one[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    area = compute_areas(one[None])[0]
    whole = area + compute_areas(others) - shared if union else np.full(len(others), area)
    return np.asarray(shared / np.where(whole > 0, whole, 1.0))
