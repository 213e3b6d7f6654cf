"""Stretch, boxes in windows, augmentation, tiles and their merging, beside written-out references."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from galaxtool_detect.boxes import Detections, FieldImage
from galaxtool_detect.detectors.record import DetectorRecord
from galaxtool_detect.geometry import clip_boxes, from_network, to_network
from galaxtool_detect.inference.merging import WindowDetections, drop_weak_frames, merge
from galaxtool_detect.inference.scan import Scan
from galaxtool_detect.inference.tiling import Tiling, place_windows
from galaxtool_detect.networks.config import NetworkConfig
from galaxtool_detect.stretch import estimate_noise, stretch
from galaxtool_detect.training.augmentation import Augmentation, turn
from galaxtool_detect.training.validation import compute_average_precision, score_detections
from galaxtool_detect.training.windows import cut_window

from galaxtool import ConfigError, InputError

RNG = np.random.default_rng(5)


def test_the_noise_is_that_of_the_empty_sky() -> None:
    pixels = RNG.normal(3e-4, 2e-5, (200, 200))
    pixels[50:60, 50:60] += 1.0
    pixels[:20] = np.nan
    level, noise = estimate_noise(pixels)
    assert level == pytest.approx(3e-4, abs=1e-6)
    assert noise == pytest.approx(2e-5, rel=0.05)
    assert estimate_noise(np.full((4, 4), np.nan)) == (0.0, 1.0)


def test_the_stretch_knows_no_unit_and_keeps_floats() -> None:
    pixels = RNG.normal(0, 1, (1, 64, 64)).astype(np.float32)
    pixels[0, 30, 30] = 50
    image = stretch(pixels)
    assert image.shape == (3, 64, 64) and image.dtype == np.float32
    np.testing.assert_allclose(stretch(pixels * 1e-6 + 3e-3), image, atol=2e-3)
    assert len(np.unique(image)) > 4096
    pixels[0, :10] = np.nan
    blank = stretch(pixels)
    np.testing.assert_array_equal(blank[:, :10], np.repeat(blank[:, 10:11], 10, axis=1))
    assert np.isfinite(stretch(np.full((1, 8, 8), np.nan))).all()


def test_a_picture_stays_as_it_is() -> None:
    picture = RNG.integers(0, 256, (1, 8, 8)).astype(np.uint8)
    np.testing.assert_array_equal(stretch(picture, "display")[2], picture[0].astype(np.float32) / 255)
    with pytest.raises(InputError, match="A picture has 4 channels"):
        stretch(np.zeros((4, 8, 8), np.uint8), "display")


def test_boxes_go_to_the_network_and_back() -> None:
    boxes = np.array([[9.5, 19.5, 19.5, 24.5]], np.float32)
    there = to_network(boxes, 8, 16, 2.0)
    np.testing.assert_allclose(there, [[4, 8, 24, 18]])
    np.testing.assert_allclose(from_network(there, 8, 16, 2.0), boxes)


def test_a_box_that_is_mostly_outside_is_left_out() -> None:
    clipped, kept = clip_boxes(np.array([[-8, 0, 2, 10], [-4, 0, 6, 10], [90, 90, 99, 99]], np.float32), 64)
    assert kept.tolist() == [False, True, False]
    np.testing.assert_allclose(clipped[1], [0, 0, 6, 10])


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_boxes_turn_with_the_image(quarters: int, mirrored: bool) -> None:
    image = np.zeros((3, 20, 20), np.float32)
    image[:, 3:7, 10:19] = 1
    turned, boxes = turn(image, np.array([[10, 3, 19, 7]], np.float32), quarters, mirrored=mirrored)
    y, x = np.nonzero(turned[0])
    np.testing.assert_allclose(boxes[0], [x.min(), y.min(), x.max() + 1, y.max() + 1])


def test_a_window_shows_its_sources_in_their_boxes() -> None:
    pixels = RNG.normal(0, 1, (1, 100, 100)).astype(np.float32)
    pixels[0, 40:44, 60:70] = 500
    field = FieldImage(
        name="one", pixels=pixels, boxes=np.array([[59.5, 39.5, 69.5, 43.5]], np.float32), labels=np.zeros(1, np.int64)
    )
    window = cut_window(field, 50, 30, 64, 2.0)
    x0, y0, x1, y1 = window.boxes[0].astype(int)
    assert window.image.shape == (3, 64, 64)
    assert (x1 - x0, y1 - y0) == (20, 8)
    assert window.image[2, y0 + 1 : y1 - 1, x0 + 1 : x1 - 1].min() > 0.7 > window.image[2, : y0 - 1].max()
    changed = cut_window(field, 50, 30, 64, 2.0, Augmentation(flips=True), np.random.default_rng(1))
    again = cut_window(field, 50, 30, 64, 2.0, Augmentation(flips=True), np.random.default_rng(1))
    np.testing.assert_array_equal(changed.image, again.image)
    assert changed.image.min() >= 0 and changed.image.max() <= 1
    beyond = cut_window(field, 60, 80, 64, 1.0)
    assert np.isfinite(beyond.image).all() and not len(beyond.boxes)


@pytest.mark.parametrize(("length", "side"), [(1000, 128), (129, 128), (128, 128), (7, 128)])
def test_windows_cover_every_pixel_and_overlap(length: int, side: int) -> None:
    places = place_windows(length, side, 0.25)
    covered = {pixel for place in places for pixel in range(place, place + side)}
    assert covered >= set(range(length))
    assert all(right - left <= 0.75 * side + 1 for left, right in pairwise(places))
    with pytest.raises(ConfigError, match="--overlap must be"):
        Tiling((10, 10), 4, 0.95)


def find(boxes: list[list[float]], scores: list[float], cut: list[bool], labels: list[int] | None = None) -> Detections:
    found = Detections(
        boxes=np.array(boxes, np.float32),
        scores=np.array(scores, np.float32),
        labels=np.array(labels or [0] * len(boxes)),
    )
    return merge(WindowDetections(found, np.array(cut)), 128)


def test_a_source_in_two_windows_is_one_row() -> None:
    whole, again, part = [100.0, 10, 120, 30], [101.0, 10, 121, 30], [100.0, 10, 108, 30]
    merged = find([part, again, whole], [0.99, 0.7, 0.9], [True, False, False])
    np.testing.assert_allclose(merged.boxes, [whole])
    assert merged.scores.tolist() == pytest.approx([0.9])


def test_parts_of_a_source_larger_than_the_overlap_are_joined() -> None:
    merged = find([[20, 10, 127, 40], [96, 12, 200, 42], [300, 0, 310, 10]], [0.8, 0.9, 0.5], [True, True, False])
    np.testing.assert_allclose(merged.boxes, [[300, 0, 310, 10], [20, 10, 200, 42]])


@pytest.mark.parametrize("scores", [[0.8, 0.7, 0.9], [0.9, 0.7, 0.8], [0.7, 0.8, 0.9], [0.7, 0.7, 0.7]])
def test_parts_in_three_windows_are_joined_whatever_their_scores(scores: list[float]) -> None:
    merged = find([[10, 10, 127, 40], [96, 10, 223, 42], [192, 12, 300, 42]], scores, [True] * 3)
    np.testing.assert_allclose(merged.boxes, [[10, 10, 300, 42]])
    assert merged.scores.tolist() == pytest.approx([max(scores)])


def test_of_nested_boxes_the_more_certain_decides() -> None:
    boxes = np.array([[0, 0, 100, 100], [10, 10, 20, 20], [70, 70, 80, 80], [200, 0, 300, 90]], np.float32)
    for scores, wanted in (([0.6, 0.9, 0.5, 0.7], [1, 2, 3]), ([0.95, 0.9, 0.5, 0.7], [0, 1, 2, 3])):
        found = Detections(boxes=boxes, scores=np.array(scores, np.float32), labels=np.zeros(4, np.int64))
        np.testing.assert_array_equal(drop_weak_frames(found).boxes, boxes[wanted])


def test_neighbors_stay_apart() -> None:
    merged = find([[0, 0, 10, 10], [8, 0, 18, 10]], [0.8, 0.9], [False, False])
    assert len(merged) == 2
    assert not len(merge(WindowDetections.concatenate([]), 64))


class BoxEverywhere:
    """An engine that finds a box in the middle of each of nine parts of a window."""

    record = DetectorRecord(network=NetworkConfig(backbone="none", classes=("source",), image_size=96), upscale=1.0)

    def detect(self, images: np.ndarray) -> list[Detections]:
        centers = [(x, y) for y in (16, 48, 80) for x in (16, 48, 80)]
        boxes = np.array([[x - 6, y - 6, x + 6, y + 6] for x, y in centers], np.float32)
        one = Detections(boxes=boxes, scores=np.full(9, 0.9, np.float32), labels=np.zeros(9, np.int64))
        return [one] * len(images)


def test_nothing_is_found_where_there_are_no_data() -> None:
    pixels = np.zeros((1, 96, 192), np.float32)
    pixels[:, :, 96:] = np.nan
    pixels[:, :32, :] = np.nan
    scan = Scan(engine=BoxEverywhere(), read=lambda y0, y1, x0, x1: pixels[:, y0:y1, x0:x1], shape=(96, 192), overlap=0)
    found = scan.detect()
    assert len(found) == 6
    np.testing.assert_allclose(found.boxes[0], [9.5, 41.5, 21.5, 53.5])


class BoxAtPeak:
    """An engine that finds a box around the centre of the brightness in a window."""

    def __init__(self, image_size: int) -> None:
        network = NetworkConfig(backbone="none", classes=("source",), image_size=image_size)
        self.record = DetectorRecord(network=network)

    def detect(self, images: np.ndarray) -> list[Detections]:
        found = []
        for image in images:
            weights = np.clip(image[1] - 0.3, 0, None)
            y, x = (np.mgrid[: len(weights), : len(weights)] + 0.5) * weights / weights.sum()
            box = np.array([[x.sum() - 9, y.sum() - 9, x.sum() + 9, y.sum() + 9]], np.float32)
            found.append(Detections(boxes=box, scores=np.ones(1, np.float32), labels=np.zeros(1, np.int64)))
        return found


@pytest.mark.parametrize(("upscale", "side"), [(2.0, 128), (2.25, 114), (3.0, 85), (7.0, 37)])
def test_boxes_lie_on_their_sources_at_any_factor(upscale: float, side: int) -> None:
    y, x = np.mgrid[:side, :side]
    place = side - 6
    pixels = RNG.normal(0, 1e-3, (1, side, side)) + 10 * np.exp(-((x - place) ** 2 + (y - place) ** 2) / 4)
    pixels = pixels.astype(np.float32)
    scan = Scan(
        engine=BoxAtPeak(256),
        read=lambda y0, y1, x0, x1: pixels[:, y0:y1, x0:x1],
        shape=(side, side),
        upscale=upscale,
    )
    (box,) = scan.detect().boxes
    np.testing.assert_allclose((box[:2] + box[2:]) / 2, place, atol=0.1)
    field = FieldImage(name="one", pixels=pixels, boxes=box[None], labels=np.zeros(1, np.int64))
    window = cut_window(field, 0, 0, 256, upscale)
    (seen,) = BoxAtPeak(256).detect(window.image[None])
    np.testing.assert_allclose(window.boxes[0], seen.boxes[0], atol=0.3)


def test_average_precision_is_that_of_the_area_under_the_curve() -> None:
    matched = np.array([True, False, True, True, False])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    # written out: precision 1, 1/2, 2/3, 3/4, 3/5 at recalls 1/4, 1/4, 2/4, 3/4, 3/4, of which the best at or after
    wanted = np.mean([1.0 if r <= 0.25 else 0.75 if r <= 0.75 else 0.0 for r in np.linspace(0, 1, 101)])
    assert compute_average_precision(matched, scores, 4) == pytest.approx(wanted)


def test_scores_leave_ignored_boxes_out() -> None:
    boxes = np.array([[0, 0, 10, 10], [20, 20, 30, 30]], np.float32)
    field = FieldImage(
        name="a",
        pixels=np.zeros((1, 40, 40), np.float32),
        boxes=boxes[:1],
        labels=np.zeros(1, np.int64),
        ignored=boxes[1:],
    )
    found = Detections(boxes=boxes, scores=np.array([0.6, 0.9], np.float32), labels=np.zeros(2, np.int64))
    scores = score_detections([field], [found], 1)
    assert scores["valid_map50"] == pytest.approx(1.0)
    assert scores["threshold"] == pytest.approx(0.6)
