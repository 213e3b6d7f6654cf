"""Images with boxes, and data sets of them."""

from __future__ import annotations

import numpy as np
import pytest
from galaxtool_detect import Detections, DetectionSet, FieldImage


def make_set(n: int, splits: tuple[str, ...] = ()) -> DetectionSet:
    return DetectionSet(
        name="test",
        classes=("compact",),
        names=tuple(f"field-{i}" for i in range(n)),
        splits=splits or ("",) * n,
        read=lambda i: FieldImage(name=f"field-{i}", pixels=np.full((1, 4, 5), i, np.float32)),
    )


def test_images_are_read_when_asked_for() -> None:
    fields = make_set(3)
    assert len(fields) == 3
    assert [field.pixels[0, 0, 0] for field in fields] == [0, 1, 2]
    assert fields[1].shape == (4, 5)
    with pytest.raises(IndexError):
        fields[3]


def test_split_is_drawn_once() -> None:
    fields = make_set(10).split(valid=0.3, seed=1)
    assert fields.splits == make_set(10).split(valid=0.3, seed=1).splits
    assert len(fields.take("valid")) == 3
    assert sorted(fields.take("valid").names + fields.take("train").names) == sorted(fields.names)
    assert [field.name for field in fields.take("valid")] == list(fields.take("valid").names)


def test_given_split_is_kept() -> None:
    fields = make_set(4, ("valid", "", "test", "train")).split()
    assert fields.splits == ("valid", "train", "test", "train")


def test_images_to_validate_are_taken_from_those_to_train_on() -> None:
    """The development kit of Radio Galaxy Zoo has lists for training and for tests only."""
    fields = make_set(12, ("train",) * 9 + ("test",) * 3).split(valid=0.3, seed=1)
    assert len(fields.take("valid")) == 3 and len(fields.take("train")) == 6
    assert fields.splits[9:] == ("test",) * 3


def test_selection_of_detections() -> None:
    found = Detections(
        boxes=np.arange(8, dtype=np.float32).reshape(2, 4), scores=np.array([0.1, 0.9]), labels=np.array([0, 0])
    )
    assert len(found.select(found.scores > 0.5)) == 1
    assert len(Detections.empty()) == 0
