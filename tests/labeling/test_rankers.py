"""Models of few labels and pages, against scikit-learn and written-out loops."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression

from galaxtool.labeling.page import AGAIN, BEST, FAR, RANDOM, SIZE, UNCERTAIN, Wishes, choose_page
from galaxtool.labeling.rankers import (
    CENTROIDS,
    GAUSSIAN_PROCESS,
    LOGISTIC,
    STRENGTH,
    _tune_kernel,
    find_distances,
    rank_grades,
    rank_kinds,
)
from galaxtool.labeling.space import LabelSpace, make_space


@pytest.fixture(scope="module")
def space() -> LabelSpace:
    rng = np.random.default_rng(1)
    vectors = rng.normal(0, np.geomspace(2, 0.01, 12), (300, 12)) + 3
    vectors[:40, 3] += 2
    return make_space(vectors.astype(np.float32), components=8, power=1)


@pytest.mark.parametrize("power", [0, 0.5, 1])
def test_whitening_is_that_of_the_singular_values(power: float) -> None:
    vectors = np.random.default_rng(0).normal(2, np.geomspace(1, 0.1, 9), (200, 9)).astype(np.float32)
    found = make_space(vectors, components=5, power=power)
    left, values, _ = np.linalg.svd(vectors - vectors.mean(axis=0, dtype=float), full_matrices=False)
    points = left[:, :5] * values[:5] ** (1 - power)
    points *= np.sqrt(5 * (len(vectors) - 1) / (points**2).sum())
    np.testing.assert_allclose(np.abs(found.points), np.abs(points), rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(found.lengths, np.linalg.norm(found.points, axis=1), rtol=1e-5)


def test_copies_of_one_vector_make_a_space() -> None:
    same = make_space(np.ones((30, 4), dtype=np.float32))
    ranking = rank_kinds(same, np.arange(12), np.arange(12) % 2, 2)
    assert len(same) == 30 and np.isfinite(ranking.scores).all()


def test_a_logistic_regression_is_that_of_scikit_learn(space: LabelSpace) -> None:
    rows, kinds = np.arange(20, 80), (np.arange(20, 80) >= 40).astype(int)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=300).fit(
        space.points[rows].astype(float), kinds
    )
    ranking = rank_kinds(space, rows, kinds, 2)
    expected = model.decision_function(space.points)
    assert ranking.model == LOGISTIC
    np.testing.assert_allclose(ranking.scores, np.stack([-expected, expected], axis=1), atol=1e-4)
    assert ranking.doubt.argmax() == np.abs(expected).argmin()


def test_several_kinds(space: LabelSpace) -> None:
    rows, kinds = np.arange(30, 60), np.arange(30) % 3
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=300).fit(
        space.points[rows].astype(float), kinds
    )
    ranking = rank_kinds(space, rows, kinds, 3)
    assert (ranking.scores.argmax(axis=1) == model.predict(space.points)).mean() > 0.99
    few = rank_kinds(space, rows[:4], kinds[:4], 3)
    assert few.model == CENTROIDS and few.scores.shape == (300, 3)


def test_centroids_are_those_of_a_loop(space: LabelSpace) -> None:
    rows, kinds = np.array([0, 1, 2, 100, 101]), np.array([0, 0, 0, 1, 1])
    units = space.points / np.linalg.norm(space.points, axis=1, keepdims=True)
    means = [units[rows[kinds == kind]].mean(axis=0) for kind in (0, 1)]
    cosines = [units @ mean / np.linalg.norm(mean) for mean in means]
    ranking = rank_kinds(space, rows, kinds, 2)
    np.testing.assert_allclose(ranking.scores[:, 0], cosines[0] - 0.5 * cosines[1], atol=1e-5)
    one_kind = rank_kinds(space, rows[:3], kinds[:3], 2)
    np.testing.assert_allclose(one_kind.scores[:, 0], cosines[0], atol=1e-5)
    np.testing.assert_allclose(find_distances(space, rows), (units @ units[rows].T).max(axis=1), atol=1e-5)


@pytest.mark.parametrize("count", [3, 25])
def test_grades_are_those_of_a_gaussian_process(space: LabelSpace, count: int) -> None:
    rows = np.arange(0, 4 * count, 4)
    grades = np.clip(np.round(2.5 + space.points[rows, 0]), 0, 5).astype(float)
    ranking = rank_grades(space, rows, grades)
    targets = (grades - grades.mean()) / grades.std()
    kernel = _tune_kernel(space.points[rows].astype(float), targets, 0)
    process = GaussianProcessRegressor(kernel, optimizer=None).fit(space.points[rows], targets)
    mean, deviation = process.predict(space.points, return_std=True)
    deviation = np.sqrt(np.maximum(deviation**2 - kernel.k2.noise_level, 1e-9))  # scikit-learn's include the noise
    best = process.predict(space.points[rows]).max()
    expected = (mean - best) * norm.cdf((mean - best) / deviation) + deviation * norm.pdf((mean - best) / deviation)
    assert ranking.model == GAUSSIAN_PROCESS and ranking.promise is not None
    np.testing.assert_allclose(ranking.scores[:, 0], mean * grades.std() + grades.mean(), atol=2e-3)
    np.testing.assert_allclose(ranking.doubt, deviation * grades.std(), atol=5e-3)
    np.testing.assert_allclose(ranking.promise, expected * grades.std(), atol=5e-3)


def test_an_earlier_table_of_many_labels_needs_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galaxtool.labeling.rankers._MOST_GRADES", 300, raising=False)
    vectors = np.random.default_rng(3).normal(size=(4000, 6)).astype(np.float32)
    many, rows = make_space(vectors), np.arange(500, 4000)
    grades = np.clip(np.round(2.5 + many.points[rows, 0]), 0, 5).astype(float)
    tracemalloc.start()
    nearest = find_distances(many, rows)
    ranking = rank_grades(many, rows, grades)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 45e6  # the cosines of all labelled objects have 56 MB, a square of all labels 98 MB
    units = many.points / many.lengths[:, None]
    np.testing.assert_allclose(nearest, (units[rows] @ units.T).max(axis=0), atol=1e-5)
    assert np.corrcoef(ranking.scores[:500, 0], many.points[:500, 0])[0, 1] > 0.9
    added = rank_grades(many, np.append(rows, 1), np.append(grades, 3.0))  # most of those that are drawn stay
    np.testing.assert_allclose(added.scores, ranking.scores, atol=0.2)


def test_a_page_has_all_sorts_of_objects(space: LabelSpace) -> None:
    rows = np.arange(20, 70)
    ranking = rank_kinds(space, rows, (rows >= 40).astype(int), 2)
    is_open = np.ones(300, dtype=bool)
    is_open[rows] = False
    wishes = Wishes(ranking.scores[:, :1], ranking.doubt, find_distances(space, rows), is_open, np.arange(20, 30))
    page = choose_page(wishes, space.points, np.random.default_rng(0))
    assert len(page) == SIZE == len({one.row for one in page})
    counts = {why: sum(one.why == why for one in page) for why in (BEST, UNCERTAIN, FAR, RANDOM, AGAIN)}
    assert counts == {BEST: 10, UNCERTAIN: 5, FAR: 5, RANDOM: 2, AGAIN: 2}
    assert all(is_open[one.row] != (one.why == AGAIN) for one in page)
    by_why = {why: {one.row for one in page if one.why == why} for why in counts}
    left = is_open.copy()
    left[list(by_why[RANDOM])] = False
    order = [row for row in np.argsort(-ranking.scores[:, 0], kind="stable") if left[row]]
    assert by_why[BEST] == set(order[:10])
    left[order[:10]] = False
    assert by_why[UNCERTAIN] == set([row for row in np.argsort(-ranking.doubt, kind="stable") if left[row]][:5])
    left[list(by_why[UNCERTAIN])] = False
    assert int(np.where(left, wishes.nearest, np.inf).argmin()) in by_why[FAR]


@pytest.mark.parametrize("count", [0, 1, 3, 30])
def test_a_page_of_what_is_left(space: LabelSpace, count: int) -> None:
    is_open = np.zeros(300, dtype=bool)
    is_open[:count] = True
    wishes = Wishes(
        space.points[:, :2], space.points[:, 2], find_distances(space, [200]), is_open, np.array([], dtype=int)
    )
    page = choose_page(wishes, space.points, np.random.default_rng(0))
    assert len(page) == min(count, SIZE) == len({one.row for one in page})
    assert all(is_open[one.row] for one in page)


def test_each_object_is_as_likely_to_be_drawn_at_random(space: LabelSpace) -> None:
    is_open = np.zeros(300, dtype=bool)
    is_open[:12] = True
    wishes = Wishes(space.points[:, :1], None, find_distances(space, []), is_open, np.array([], dtype=int))
    rng = np.random.default_rng(0)
    counts = np.zeros(300)
    for _ in range(600):
        for one in choose_page(wishes, space.points, rng):
            counts[one.row] += one.why == RANDOM
    assert counts.sum() == 1200 and (np.abs(counts[:12] - 100) < 40).all()
