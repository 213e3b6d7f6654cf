"""Intervals of average precisions: what is drawn again is what COCO's evaluation gives for the same images."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from galaxtool_detect.boxes import Detections, FieldImage
from galaxtool_detect.measures.average_precision import compute_average_precision
from galaxtool_detect.measures.precision_intervals import compute_intervals, match_class
from test_measures import draw_boxes, draw_case


def draw_images(seed: int) -> tuple[list[FieldImage], list[Detections]]:
    """Return images with true, found and ignored boxes."""
    rng = np.random.default_rng(seed)
    truth, found = draw_case(seed)
    return [replace(one, ignored=draw_boxes(int(rng.integers(0, 3)), rng) * 1.3) for one in truth], found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_precisions_are_those_of_coco(seed: int) -> None:
    truth, found = draw_images(seed)
    rng = np.random.default_rng(seed)
    for draw in range(3):
        rows = rng.integers(len(truth), size=len(truth)) if draw else np.arange(len(truth))
        counts = np.bincount(rows, minlength=len(truth))
        wanted = compute_average_precision([truth[i] for i in rows], [found[i] for i in rows], ("a", "b"))
        by_class = np.array([match_class(truth, found, k).compute_precisions(counts) for k in (0, 1)])
        together = match_class(truth, found, None).compute_precisions(counts)
        assert np.nanmean(by_class[:, 0]) == pytest.approx(wanted.map50, abs=1e-6)
        assert np.nanmean(by_class) == pytest.approx(wanted.map50_95, abs=1e-6)
        assert together[0] == pytest.approx(wanted.any50, abs=1e-6)
        assert together.mean() == pytest.approx(wanted.any50_95, abs=1e-6)


def test_intervals_hold_the_value_and_shrink_with_more_images() -> None:
    cases = [draw_images(seed) for seed in range(8)]
    truth, found = ([one for case in cases for one in case[i]] for i in (0, 1))
    scores = compute_average_precision(truth, found, ("a", "b"))
    few = compute_intervals(truth[:6], found[:6], 2)
    for name, (low, high) in scores.intervals.items():
        assert low < getattr(scores, name) < high
        assert high - low < few[name][1] - few[name][0]
    assert scores.intervals == compute_intervals(truth, found, 2)
    assert scores.as_dict()["intervals"]["map50"] == list(scores.intervals["map50"])


def test_an_image_alone_or_without_sources_has_no_interval() -> None:
    truth, found = draw_images(0)
    assert compute_intervals(truth[:1], found[:1], 2) == {}
    bare = [replace(one, boxes=np.zeros((0, 4), np.float32), labels=np.zeros(0, np.int64)) for one in truth]
    assert compute_intervals(bare, found, 2) == {}


def test_memory_does_not_grow_with_the_pairs_of_an_image() -> None:
    n = 1500
    corner = np.random.default_rng(0).uniform(0, 3000, (n, 2))
    boxes = np.concatenate([corner, corner + 8], axis=1).astype(np.float32)
    field = FieldImage(name="mosaic", pixels=np.zeros((1, 1, 1)), boxes=boxes, labels=np.zeros(n, np.int64))
    found = Detections(boxes=boxes, scores=np.linspace(1, 0.1, n, dtype=np.float32), labels=np.zeros(n, np.int64))
    tracemalloc.start()
    try:
        matches = match_class([field], [found], None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (matches.outcome == 1).all()
    assert peak < 8 * n**2  # one number for each pair
