"""The scripts that score the bundled models on real images: the splits, and the ways in which images are shown."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.benchmarks import import_benchmark

from galaxtool.types import Cutout
from galaxtool.vision.preprocess import Preprocess

PLAIN = Preprocess(size=48, crop=0.5)


def make_rings(side: int = 192) -> Cutout:
    """Make a picture of narrow rings, which looks the same at any angle."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    rings = (128 + 100 * np.cos(2 * np.pi * np.hypot(x, y) / 10)).astype(np.uint8)
    return Cutout(data=np.repeat(rings[None], 3, axis=0), unit="display", bands=("R", "G", "B"))


class Engine:
    """An engine that keeps the pictures that it is given."""

    def __init__(self) -> None:
        self.record = SimpleNamespace(make_preprocess=lambda: PLAIN)
        self.seen: list[np.ndarray] = []

    def run(self, pictures: np.ndarray) -> Any:
        self.seen.append(pictures)
        ones = np.ones((len(pictures), 2), dtype=np.float32)
        return SimpleNamespace(embedding=ones / np.sqrt(2), probabilities=ones / 2, norms=None, logits=None)


def test_turned_images_are_as_sharp_as_others() -> None:
    script, engine, cutout = import_benchmark("real_images"), Engine(), make_rings()
    _, change, turn = next(one for one in script.list_changes(PLAIN) if one[0].startswith("turned"))
    script.compute_scores(engine, [cutout], change, turn=turn)
    turned, plain = engine.seen[0][0].astype(float), PLAIN.picture(cutout).astype(float)
    assert turned.shape == plain.shape
    assert turned.std() > 0.8 * plain.std()
    assert np.abs(turned - plain).mean() < 0.2 * plain.std()


@pytest.mark.parametrize("views", [1, 8])
def test_scores_of_all_batches_are_put_together(views: int) -> None:
    script = import_benchmark("real_images")
    scores = script.compute_scores(Engine(), [make_rings()] * (script.BATCH + 1), views=views)
    assert scores.probabilities.shape == scores.embedding.shape == (script.BATCH + 1, 2)


def test_the_test_split_has_a_fifth_of_each_class_and_nothing_odd() -> None:
    labels = ["spiral"] * 400 + ["edge_on"] * 200 + ["smooth_cigar"] * 30
    is_odd = [i < 100 for i in range(len(labels))]
    splits = import_benchmark("hold_out").split_gz2(labels, is_odd)
    assert set(splits[:100]) == {"train"}
    test = {label: int((splits[[one == label for one in labels]] == "test").sum()) for label in set(labels)}
    assert test == {"spiral": 60, "edge_on": 40, "smooth_cigar": 6}
    assert (splits == "valid").sum() == 100


def test_the_splits_of_galaxy_zoo_1_are_disjoint_and_always_the_same() -> None:
    split = import_benchmark("hold_out").split_gz1
    splits = split(1000)
    assert [(splits == name).sum() for name in ("test", "valid", "train")] == [300, 150, 550]
    assert (splits == split(1000)).all()
