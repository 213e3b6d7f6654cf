"""Scores of a detector after each epoch, and the threshold that suits it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from galaxtool_detect.boxes import Detections, FieldImage
from galaxtool_detect.geometry import compute_areas

_SAME = 0.5
_RECALLS = np.linspace(0, 1, 101)


def score_detections(truth: Sequence[FieldImage], found: Sequence[Detections], n_classes: int) -> dict[str, float]:
    """Return ``valid_map50``, the mean average precision at an overlap of 0.5 over classes, and the best F1.

    ``valid_f1`` is the best F1 of all classes together over thresholds of the score, ``threshold`` the score where it
    is reached. `galaxtool detect evaluate` measures more.
    """
    precisions = []
    for label in range(n_classes):
        matched, scores, total = match_class(truth, found, label)
        if total:
            precisions.append(compute_average_precision(matched, scores, total))
    matched, scores, total = match_class(truth, found, None)
    f1, threshold = find_best_threshold(matched, scores, total)
    return {"valid_map50": float(np.mean(precisions)) if precisions else 0.0, "valid_f1": f1, "threshold": threshold}


def match_class(
    truth: Sequence[FieldImage], found: Sequence[Detections], label: int | None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Match detections with true boxes, the best score first, each true box once; what is on ignored boxes is left out.

    Returns
    -------
    matched : ndarray of bool, shape (D,)
        Whether each detection has a true box.
    scores : ndarray, shape (D,)
        Scores in the same order.
    total : int
        Number of true boxes.
    """
    matched, scores, total = [], [], 0
    for field, detections in zip(truth, found, strict=True):
        boxes, own, ignored = field.boxes, detections, field.ignored
        if label is not None:
            boxes, own = boxes[field.labels == label], own.select(own.labels == label)
        total += len(boxes)
        free = np.ones(len(boxes), bool)
        for row in np.argsort(-own.scores, kind="stable"):
            overlaps = np.where(free, _overlap(own.boxes[row], boxes), 0.0)
            is_match = bool(len(boxes)) and overlaps.max() >= _SAME
            if is_match:
                free[overlaps.argmax()] = False
            elif len(ignored) and _overlap(own.boxes[row], ignored).max() >= _SAME:
                continue
            matched.append(is_match)
            scores.append(own.scores[row])
    return np.array(matched, bool), np.array(scores, float), total


def _overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    return np.asarray(shared / (compute_areas(box[None]) + compute_areas(others) - shared))


def compute_average_precision(matched: np.ndarray, scores: np.ndarray, total: int) -> float:
    """Return the average precision over 101 recalls, as the COCO evaluation computes it."""
    hits = matched[np.argsort(-scores, kind="stable")].cumsum()
    precision = hits / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(hits / total, _RECALLS, side="left")
    return float(np.append(best, 0.0)[np.minimum(places, len(best))].mean())


def find_best_threshold(matched: np.ndarray, scores: np.ndarray, total: int) -> tuple[float, float]:
    """Return the best F1 over thresholds of the score, and the threshold; 0 and 0.5 without a match."""
    order = np.argsort(-scores, kind="stable")
    hits = matched[order].cumsum()
    if not len(hits) or not hits[-1]:
        return 0.0, 0.5
    f1 = 2 * hits / (total + np.arange(1, len(hits) + 1))
    return float(f1.max()), float(scores[order][f1.argmax()])
