"""Ignored boxes are neither sources nor background in training, and blank pixels are as in a run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from galaxtool_detect.boxes import DetectionSet, FieldImage
from galaxtool_detect.catalog.maps import FieldMap
from galaxtool_detect.networks.config import NetworkConfig
from galaxtool_detect.networks.detector import _make_heads, _make_proposals
from galaxtool_detect.networks.ignoring import find_near
from galaxtool_detect.stretch import stretch
from galaxtool_detect.training.augmentation import Augmentation
from galaxtool_detect.training.stage import collate
from galaxtool_detect.training.windows import FieldCache, cut_window, draw_place

CONFIG = NetworkConfig(backbone="none", classes=("source",), image_size=128, head="small")
SOURCE = torch.tensor([[20.0, 20, 52, 52]])
IGNORED = torch.tensor([[80.0, 80, 112, 112]])
NONE = torch.zeros(0, 4)


def intersect(one: list[float], other: list[float]) -> float:
    width, height = (min(one[i + 2], other[i + 2]) - max(one[i], other[i]) for i in (0, 1))
    return max(width, 0.0) * max(height, 0.0)


def area(box: list[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def make_target(ignored: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"boxes": SOURCE, "labels": torch.ones(1, dtype=torch.long), "ignored": ignored}


def test_boxes_near_an_ignored_one() -> None:
    torch.manual_seed(0)
    corners = torch.rand(200, 2) * 100
    boxes = torch.cat([corners, corners + 5 + 60 * torch.rand(200, 2)], dim=1)
    ignored = torch.cat([IGNORED, torch.tensor([[0.0, 0, 90, 30]])])
    wanted = []
    for box in boxes.tolist():
        shared = [(intersect(box, other), area(other)) for other in ignored.tolist()]
        wanted.append(any(s / area(box) >= 0.5 or s / (area(box) + a - s) >= 0.3 for s, a in shared))
    assert find_near(boxes, ignored).tolist() == wanted
    assert 20 < sum(wanted) < 180


def test_anchors_on_an_ignored_box_are_no_background() -> None:
    proposals = _make_proposals(CONFIG)
    corners = torch.stack(torch.meshgrid(torch.arange(0.0, 97, 8), torch.arange(0.0, 97, 8), indexing="xy"), 2)
    anchors = torch.cat([corners.reshape(-1, 2), corners.reshape(-1, 2) + 32], dim=1)
    (plain,), (boxes,) = proposals.assign_targets_to_anchors([anchors], [make_target(NONE)])
    (labels,), (again,) = proposals.assign_targets_to_anchors([anchors], [make_target(IGNORED)])
    (as_source,), _ = proposals.assign_targets_to_anchors([anchors], [{**make_target(NONE), "boxes": IGNORED}])
    assert torch.equal(boxes, again)
    near = find_near(anchors, IGNORED)
    assert torch.equal(labels[~near], plain[~near]) and near.sum() > 5
    assert (labels[near] == -1).all() and (plain[near] == 0).any()
    assert (labels[as_source != 0] == -1).all()
    assert (labels == 1).any() and (labels == 0).any()


def test_the_best_anchor_of_a_tiny_ignored_box_is_left_out() -> None:
    anchors = torch.tensor([[0.0, 0, 32, 32], [70, 70, 102, 102]])
    (labels,), _ = _make_proposals(CONFIG).assign_targets_to_anchors(
        [anchors], [make_target(torch.tensor([[80.0, 80, 84, 84]]))]
    )
    assert labels.tolist() == [1, -1]


def test_heads_do_not_learn_from_proposals_on_an_ignored_box() -> None:
    heads = _make_heads(CONFIG)
    on_source, on_ignored, inside, elsewhere = (
        [22.0, 22, 52, 52], [82.0, 82, 112, 112], [84.0, 84, 90, 90], [0.0, 90, 20, 120],
    )  # fmt: skip
    proposals = [torch.tensor([on_source, on_ignored, inside, elsewhere])]
    (chosen,), _, (labels,), _ = heads.select_training_samples(proposals, [make_target(IGNORED)])
    found = sorted(zip(chosen.tolist(), labels.tolist(), strict=True))
    assert found == [(elsewhere, 0), (SOURCE[0].tolist(), 1), (on_source, 1)]
    (chosen,), _, (labels,), _ = heads.select_training_samples(proposals, [make_target(NONE)])
    assert labels.tolist().count(0) == 3


def test_a_source_within_an_ignored_box_is_learned() -> None:
    heads = _make_heads(CONFIG)
    proposals = [torch.tensor([[22.0, 22, 52, 52], [60.0, 60, 90, 90]])]
    around = make_target(torch.tensor([[0.0, 0, 128, 128]]))
    _, _, (labels,), _ = heads.select_training_samples(proposals, [around])
    assert labels.tolist() == [1, 1]
    (chosen,), _, _, _ = heads.select_training_samples([proposals[0][1:]], [{**around, "boxes": NONE}])
    assert len(chosen), "an image without any proposal would have no loss"


def make_field(**given: np.ndarray) -> FieldImage:
    pixels = np.random.default_rng(0).normal(0, 1, (1, 100, 100)).astype(np.float32)
    boxes = np.array([[10, 10, 20, 20], [60, 60, 70, 70], [-4, 40, 4, 50], [94, 30, 99, 40]], np.float32)
    values = {
        "pixels": pixels, "boxes": boxes, "labels": np.array([0, 1, 2, 3]),
        "ignored": np.array([[30, 30, 40, 38]], np.float32),
    }  # fmt: skip
    return FieldImage(name="one", **{**values, **given})


def test_windows_keep_ignored_boxes() -> None:
    window = cut_window(make_field(), 0, 0, 96, 1.0)
    assert window.labels.tolist() == [0, 1, 2]
    np.testing.assert_allclose(window.ignored, [[94.5, 30.5, 96, 40.5], [30.5, 30.5, 40.5, 38.5]])
    targets = collate([window], torch.device("cpu"))[1]
    np.testing.assert_array_equal(targets[0]["ignored"].numpy(), window.ignored)


def test_ignored_boxes_turn_with_the_image() -> None:
    plain = Augmentation(blur=0, contrast=0, jitter=0, flips=True)
    field = make_field(boxes=np.zeros((0, 4), np.float32), labels=np.zeros(0, np.int64))
    field.pixels[0, 30:39, 30:41] = 500
    for seed in range(6):
        window = cut_window(field, 0, 0, 96, 1.0, plain, np.random.default_rng(seed))
        y, x = np.nonzero(window.image[2] > 0.7)
        np.testing.assert_allclose(window.ignored[0], [x.min(), y.min(), x.max() + 1, y.max() + 1], atol=0.6)


@pytest.mark.parametrize("by_mask", [False, True])
def test_sources_on_blank_pixels_are_ignored(by_mask: bool) -> None:
    blank = np.zeros((100, 100), bool)
    blank[:30, :19] = True
    field = make_field()
    if by_mask:
        field = make_field(mask=blank)
    else:
        field.pixels[:, blank] = np.nan
    window = cut_window(field, 0, 0, 96, 1.0)
    assert window.labels.tolist() == [1, 2]
    assert [10.5, 10.5, 20.5, 20.5] in window.ignored.tolist()
    seen = FieldMap(field).read(0, 96, 0, 96)
    assert np.isnan(seen[:, :30, :19]).all() and np.isfinite(seen[:, 30:]).all()
    np.testing.assert_array_equal(window.image, stretch(seen))


def test_windows_without_data_are_drawn_again() -> None:
    field = make_field()
    field.pixels[:, :, 30:] = np.nan
    rng = np.random.default_rng(0)
    places = [draw_place(field, 20, rng) for _ in range(50)]
    assert max(left for left, _ in places) < 30
    field.pixels[:] = np.nan
    assert draw_place(field, 20, rng)[0] <= 80
    cache = FieldCache(DetectionSet(name="a", classes=("a",), names=("one",), splits=("",), read=lambda _: field))
    assert cache[0] is field
