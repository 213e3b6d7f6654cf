"""Mean average precision, by the evaluation of COCO."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from galaxtool_detect.boxes import Detections, FieldImage
from galaxtool_detect.measures.precision_intervals import compute_intervals

_HALF = 0  # index of the overlap 0.5 among 0.5, 0.55 ... 0.95
_CATEGORY_OF_ALL = 1


@dataclass(frozen=True, kw_only=True)
class AveragePrecision:
    """Average precisions, from 0 to 1; NaN where there are no sources.

    Parameters
    ----------
    map50, map50_95 : float
        Mean over the classes, at an overlap (intersection over union) of 0.5, and averaged over overlaps from 0.5 to
        0.95.
    any50, any50_95 : float
        The same with all sources in one class: how well boxes are found, whatever they are called.
    classes : dict
        Class -> its two average precisions and its number of sources.
    intervals : dict
        Name of an average precision -> its 95 % interval, by a bootstrap over images; empty for one image.
    """

    map50: float
    map50_95: float
    any50: float
    any50_95: float
    classes: dict[str, tuple[float, float, int]]
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        named = {
            name: {"ap50": one, "ap50_95": all_of_them, "n": n} for name, (one, all_of_them, n) in self.classes.items()
        }
        return {
            "map50": self.map50, "map50_95": self.map50_95, "any50": self.any50, "any50_95": self.any50_95,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()}, "classes": named,
        }  # fmt: skip


def compute_average_precision(
    truth: Sequence[FieldImage], found: Sequence[Detections], classes: Sequence[str]
) -> AveragePrecision:
    """Compute average precisions.

    Parameters
    ----------
    truth : sequence of FieldImage
        Images with true boxes; pixels are not needed.
    found : sequence of Detections
        What was found in each, down to low scores.
    classes : sequence of str
        Names of the classes.

    Returns
    -------
    AveragePrecision
        Detections of ignored boxes count neither way. All detections of an image count, not only the best 100.
    """
    by_class = _evaluate(truth, found, len(classes), one_class=False)
    together = _evaluate(truth, found, 1, one_class=True)
    counts = np.bincount(np.concatenate([one.labels for one in truth] or [np.zeros(0, int)]), minlength=len(classes))
    return AveragePrecision(
        map50=_mean(by_class[:, _HALF]),
        map50_95=_mean(by_class),
        any50=_mean(together[:, _HALF]),
        any50_95=_mean(together),
        classes={
            name: (_mean(by_class[i, _HALF : _HALF + 1]), _mean(by_class[i]), int(counts[i]))
            for i, name in enumerate(classes)
        },
        intervals=compute_intervals(truth, found, len(classes)),
    )


def _evaluate(
    truth: Sequence[FieldImage], found: Sequence[Detections], n_classes: int, *, one_class: bool
) -> np.ndarray:
    """Return the average precision of each class at each overlap, shape (classes, 10); NaN without sources."""
    nothing = np.full((n_classes, 10), np.nan)
    if not any(len(one.boxes) for one in truth):
        return nothing
    if not any(len(one) for one in found):
        present = np.zeros(n_classes, bool)
        for one in truth:
            present[np.zeros(len(one.labels), int) if one_class else one.labels] = True
        return np.where(present[:, None], 0.0, nothing)
    with contextlib.redirect_stdout(io.StringIO()):  # it reports its progress
        coco = COCO(_describe_truth(truth, n_classes, one_class=one_class))
        results = coco.loadRes(_describe_found(found, one_class=one_class))
        evaluation = COCOeval_faster(coco, results, iouType="bbox", print_function=lambda *_: None)
        evaluation.params.maxDets = [1, 10, max(100, *(len(one) for one in found))]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = np.asarray(evaluation.eval["precision"])[:, :, :, 0, -1]  # overlaps, recalls, classes, areas, counts
    return np.array([[_mean_of_curve(precision[t, :, k]) for t in range(10)] for k in range(n_classes)])


def _describe_truth(truth: Sequence[FieldImage], n_classes: int, *, one_class: bool) -> dict[str, Any]:
    """Return the true boxes as COCO; an ignored box is a crowd of each class."""
    boxes: list[dict[str, Any]] = []
    for image, one in enumerate(truth, start=1):
        for box, label in zip(one.boxes.tolist(), one.labels.tolist(), strict=True):
            boxes.append(_describe_box(len(boxes) + 1, image, box, _CATEGORY_OF_ALL if one_class else label + 1))
        for box in one.ignored.tolist():
            for category in range(1, n_classes + 1):
                boxes.append({**_describe_box(len(boxes) + 1, image, box, category), "iscrowd": 1})
    return {
        "images": [{"id": i, "width": one.shape[1], "height": one.shape[0]} for i, one in enumerate(truth, start=1)],
        "annotations": boxes,
        "categories": [{"id": i, "name": str(i)} for i in range(1, n_classes + 1)],
        "info": {},
    }


def _describe_found(found: Sequence[Detections], *, one_class: bool) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for image, one in enumerate(found, start=1):
        for box, score, label in zip(one.boxes.tolist(), one.scores.tolist(), one.labels.tolist(), strict=True):
            x0, y0, x1, y1 = box
            category = _CATEGORY_OF_ALL if one_class else label + 1
            rows.append(
                {"image_id": image, "category_id": category, "bbox": [x0, y0, x1 - x0, y1 - y0], "score": score}
            )
    return rows


def _describe_box(number: int, image: int, box: Sequence[float], category: int) -> dict[str, Any]:
    x0, y0, x1, y1 = box
    return {
        "id": number, "image_id": image, "category_id": category, "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": (x1 - x0) * (y1 - y0), "iscrowd": 0,
    }  # fmt: skip


def _mean_of_curve(values: np.ndarray) -> float:
    """Return the mean precision over recalls; NaN for a class without sources, which COCO marks by -1."""
    return float(values.mean()) if (values > -1).all() else float("nan")


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
