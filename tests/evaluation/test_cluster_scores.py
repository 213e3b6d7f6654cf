"""Scores of clusters, beside scikit-learn's and written-out loops."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from sklearn import metrics

from galaxtool.evaluation.clusters import (
    SCORES,
    count_clusters,
    match_clusters,
    score_clusters,
    score_majority,
    score_random,
    score_with_intervals,
)


def draw(seed: int, n: int = 300, k: int = 4, c: int = 3, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    targets = generator.choice(c, n, p=[0.5, 0.3, 0.2][:c])
    clusters = np.where(generator.random(n) < 0.6, (targets + 1) % k, generator.integers(0, k, n))
    return np.where(generator.random(n) < noise, -1, clusters), targets


@pytest.mark.parametrize(("seed", "k", "noise"), [(0, 4, 0.0), (1, 4, 0.3), (2, 2, 0.0), (3, 6, 0.1)])
def test_scores_equal_those_of_scikit_learn(seed: int, k: int, noise: float) -> None:
    clusters, targets = draw(seed, k=k, noise=noise)
    table = count_clusters(clusters, targets, k, 3)
    assert table.sum() == 300 and table[-1].sum() == (clusters < 0).sum()
    matches = match_clusters(table)
    # no other way to match gets more items right
    best = max(sum(table[row, c] for c, row in enumerate(rows) if row < k) for rows in permutations(range(k + 1), 3))
    predicted = np.where(clusters >= 0, matches[clusters], -1)
    found = {name: float(value) for name, value in score_clusters(table, matches).items()}
    assert tuple(found) == SCORES
    one_hot = (predicted[:, None] == np.arange(3)).astype(float)
    mode = [np.bincount(targets[clusters == one]).max() for one in set(clusters.tolist()) - {-1}]
    expected = {
        "accuracy": metrics.accuracy_score(targets, predicted),
        "roc_auc": np.mean([metrics.roc_auc_score(targets == c, one_hot[:, c]) for c in range(3)]),
        "ari": metrics.adjusted_rand_score(targets, clusters),
        "nmi": metrics.normalized_mutual_info_score(targets, clusters),
        "purity": sum(mode) / 300,
    }
    assert found == pytest.approx(expected, abs=1e-12)
    if k >= 3:
        assert expected["accuracy"] * 300 == pytest.approx(best)


def test_intervals_are_those_of_resampled_items() -> None:
    clusters, targets = draw(5, n=120)
    table = count_clusters(clusters, targets, 4, 3)
    matches = match_clusters(table)
    entries = score_with_intervals(table, matches)
    generator = np.random.default_rng(1)
    scores = []
    for _ in range(400):
        items = generator.integers(0, 120, 120)
        scores.append(metrics.adjusted_rand_score(targets[items], clusters[items]))
    low, high = np.percentile(scores, [2.5, 97.5])
    assert entries["ari"]["low"] == pytest.approx(low, abs=0.02)
    assert entries["ari"]["high"] == pytest.approx(high, abs=0.02)
    for entry in entries.values():
        assert entry["low"] <= entry["value"] <= entry["high"]


def test_baselines() -> None:
    clusters, targets = draw(7, n=200, noise=0.1)
    table = count_clusters(clusters, targets, 4, 3)
    majority = score_majority(table)
    share = np.bincount(targets).max() / 200
    assert majority == pytest.approx({"accuracy": share, "roc_auc": 0.5, "ari": 0, "nmi": 0, "purity": share})
    generator = np.random.default_rng(2)
    tables = [count_clusters(generator.permutation(clusters), targets, 4, 3) for _ in range(400)]
    found = [score_clusters(one, match_clusters(one)) for one in tables]
    expected = {name: float(np.mean([one[name] for one in found])) for name in SCORES}
    assert score_random(table) == pytest.approx(expected, abs=0.01)
    assert score_random(table) == score_random(table), "the seed is fixed"


def test_one_class_and_perfect_clusters() -> None:
    table = count_clusters(np.array([0, 0, 1]), np.zeros(3, dtype=int), 2, 1)
    assert np.isnan(score_clusters(table, match_clusters(table))["roc_auc"])
    assert score_with_intervals(table, match_clusters(table))["roc_auc"] == {"value": None, "low": None, "high": None}
    targets = np.repeat([0, 1, 2], 5)
    table = count_clusters((targets + 1) % 3, targets, 3, 3)
    assert match_clusters(table).tolist() == [2, 0, 1]
    assert {float(score) for score in score_clusters(table, match_clusters(table)).values()} == {1.0}
