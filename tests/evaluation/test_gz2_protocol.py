"""The folds and the table of ``benchmarks/gz2_protocol.py``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score

ROOT = Path(__file__).parents[2]
CLASSES = ["spiral", "edge_on", "smooth_cigar"]
N, FOLDS = 60, 5


@pytest.fixture
def protocol(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import gz2_protocol

    return gz2_protocol


@pytest.fixture
def table(protocol: Any) -> Any:
    return sys.modules["gz2_protocol_table"]


def make_rows(arm: str, seed: int, accuracy: float) -> list[dict[str, Any]]:
    """Make the trainings of an arm, whose predictions are right with this probability."""
    rng = np.random.default_rng((len(arm), seed))
    rows = []
    for fold in range(FOLDS):
        items = np.flatnonzero(np.arange(N) % FOLDS == fold)
        found = np.where(rng.random(len(items)) < accuracy, items % 3, rng.integers(0, 3, len(items)))
        rows.append(
            {
                "arm": arm, "seed": seed, "fold": fold, "ids": [str(i) for i in items], "classes": CLASSES,
                "readouts": {"linear": (0.1 + 0.7 * np.eye(3)[found]).tolist()}, "epoch_seconds": 2.0,
            }
        )  # fmt: skip
    return rows


TRUTH = {str(i): CLASSES[i % 3] for i in range(N)}


def predictions(rows: list[dict[str, Any]]) -> np.ndarray:
    found = np.zeros((len({row["seed"] for row in rows}), N), dtype=int)
    for row in rows:
        found[row["seed"], [int(name) for name in row["ids"]]] = np.argmax(row["readouts"]["linear"], axis=1)
    return found


def test_scores_are_those_of_all_predictions(table: Any) -> None:
    rows = [*make_rows("clip, class", 0, 0.6), *make_rows("clip, class", 1, 0.7)]
    found, truth = predictions(rows), np.arange(N) % 3
    accuracy, f1, macro = table.count(rows, "linear", TRUTH).scores(np.ones((1, N)))
    both = np.concatenate([truth, truth]), found.ravel()
    assert accuracy[0] == pytest.approx(accuracy_score(*both))
    np.testing.assert_allclose(f1[0], f1_score(*both, average=None))
    assert macro[0] == pytest.approx(f1_score(*both, average="macro"))
    weights = np.random.default_rng(1).multinomial(N, np.full(N, 1 / N), 3)
    for i, drawn in enumerate(weights):
        chosen = np.repeat(np.arange(N), drawn)
        resample = np.tile(truth[chosen], 2), found[:, chosen].ravel()
        assert table.count(rows, "linear", TRUTH).scores(weights)[2][i] == pytest.approx(
            f1_score(*resample, average="macro")
        )


def test_mcnemar_compares_image_by_image(table: Any) -> None:
    ours, reference = make_rows("clip, class", 0, 0.9), make_rows("cross-entropy", 0, 0.5)
    right, other = (predictions(rows)[0] == np.arange(N) % 3 for rows in (ours, reference))
    better, worse = int((right & ~other).sum()), int((~right & other).sum())
    p = table.compare(table.count(ours, "linear", TRUTH), table.count(reference, "linear", TRUTH))
    assert p == pytest.approx(binomtest(better, better + worse).pvalue) and better > worse


def test_the_table_has_the_arms_that_predicted_every_image(table: Any) -> None:
    rows = [*make_rows("cross-entropy", 0, 0.5), *make_rows("clip, class", 0, 0.9), *make_rows("v3, class", 0, 0.9)[1:]]
    head, rule, reference, ours = table.format_table(rows, TRUTH, FOLDS)
    assert head.count("|") == rule.count("|") == reference.count("|") == ours.count("|") == len(table.COLUMNS) + 1
    assert reference.startswith("| cross-entropy | linear | 1 | 0.") and "| clip, class | linear | 1 | 0.9" in ours
    assert ours.split("|")[5].strip().startswith("+0.")
    with pytest.raises(ValueError, match="Not every image was predicted 2 times by 'clip, class'"):
        table.count([*rows[FOLDS : 2 * FOLDS], rows[FOLDS]], "linear", TRUTH)


def test_folds_keep_groups_together_and_the_mix_of_classes(protocol: Any) -> None:
    labels = [CLASSES[0]] * 100 + [CLASSES[1]] * 50 + [CLASSES[2]] * 10
    groups = np.r_[np.repeat(np.arange(30), 2), np.arange(30, 130)]
    images = protocol.Images([str(i) for i in range(160)], labels, groups)
    folds = images.draw_folds(3)
    assert all(len(set(folds[groups == group])) == 1 for group in range(130))
    for label, n in zip(CLASSES, (20, 10, 2), strict=True):
        counts = np.bincount(folds[np.array(labels) == label], minlength=5)
        assert counts.sum() == 5 * n and counts.min() >= n - 2 and counts.max() <= n + 2
    assert (images.draw_folds(4) != folds).any() and (images.draw_folds(3) == folds).all()
    splits = np.array(images.draw_splits(3, 2))
    assert ((splits == "test") == (folds == 2)).all()
    assert 8 <= (splits == "valid").sum() <= 12
    assert all(len(set(splits[groups == group])) == 1 for group in range(130))
    assert {labels[i] for i in np.flatnonzero(splits == "train")} == set(CLASSES)
