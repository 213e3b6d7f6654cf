"""The numbers that charts draw, against scikit-learn and written-out loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from galaxtool.plotting.charts.by_column import draw_by_column, find_edges, measure_bins
from galaxtool.plotting.charts.class_counts import draw_class_counts
from galaxtool.plotting.charts.curves import average_curves, draw_roc, find_curves, find_precision_curve, find_roc_curve
from galaxtool.plotting.charts.fractions import draw_fractions
from galaxtool.plotting.charts.reliability import bin_confidences
from galaxtool.plotting.charts.training_size import draw_training_size, summarize_sizes

N, K = 400, 4


@pytest.fixture(scope="module")
def scored() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, K) and true classes; no image is of the last class."""
    rng = np.random.default_rng(1)
    targets = rng.integers(K - 1, size=N)
    probabilities = rng.dirichlet(np.ones(K), size=N)
    probabilities[np.arange(N), targets] += 0.3
    return probabilities / probabilities.sum(axis=1, keepdims=True), targets


def test_reliability_is_that_of_a_loop_over_bins(scored: tuple[np.ndarray, np.ndarray]) -> None:
    confidence, right = scored[0].max(axis=1), scored[0].argmax(axis=1) == scored[1]
    center, share, low, high = bin_confidences(confidence, right, 8)
    parts = np.split(np.argsort(confidence), 8)
    assert center == pytest.approx([confidence[part].mean() for part in parts])
    assert share == pytest.approx([right[part].mean() for part in parts])
    for k, part in enumerate(parts):
        interval = binomtest(int(right[part].sum()), len(part)).proportion_ci(method="wilson")
        assert (low[k], high[k]) == pytest.approx((interval.low, interval.high))
    same = bin_confidences(np.full(5, 0.7), np.array([1, 1, 0, 1, 0], bool), 8)
    assert [values.tolist() for values in same[:2]] == [pytest.approx([0.7]), [0.6]]


def test_curves_have_the_areas_of_scikit_learn(scored: tuple[np.ndarray, np.ndarray]) -> None:
    probabilities, targets = scored
    curves = find_curves(probabilities, targets, find_roc_curve)
    assert list(curves) == [0, 1, 2]  # a class without an image has no curve
    areas = [roc_auc_score(targets == k, probabilities[:, k]) for k in range(3)]
    assert [area for *_, area in curves.values()] == pytest.approx(areas)
    x, y, area = average_curves(curves)
    assert area == pytest.approx(np.mean(areas)) and auc(x, y) == pytest.approx(area, abs=0.005)
    precision = find_curves(probabilities, targets, find_precision_curve)
    for k, (recall, values, area) in precision.items():
        assert area == pytest.approx(average_precision_score(targets == k, probabilities[:, k]))
        assert (np.diff(recall) >= 0).all() and values[-1] == pytest.approx((targets == k).mean(), abs=0.05)
    labels = [line.get_label() for line in draw_roc({"one": scored}, list("abcd")).axes[0].lines[1:]]
    assert labels == [
        *(f"{name}  {area:.3f}" for name, area in zip("abc", areas, strict=True)),
        f"mean  {np.mean(areas):.3f}",
    ]
    labels = [line.get_label() for line in draw_roc({"one": scored, "two": scored}, list("abcd")).axes[0].lines[1:]]
    assert labels == [f"one  {np.mean(areas):.3f}", f"two  {np.mean(areas):.3f}"]


@pytest.mark.parametrize("spacing", ["number", "width"])
def test_accuracy_in_bins_is_that_of_a_loop(spacing: str) -> None:
    rng = np.random.default_rng(2)
    values, right = rng.normal(size=200), rng.random(200) < 0.7
    edges = find_edges(values, 5, spacing)
    center, share, _, _, counts = measure_bins(values, right, edges)
    for k in range(5):
        inside = (values >= edges[k]) & ((values <= edges[k + 1]) if k == 4 else (values < edges[k + 1]))
        assert counts[k] == inside.sum()
        assert share[k] == pytest.approx(right[inside].mean()) and center[k] == pytest.approx(np.median(values[inside]))
    assert counts.sum() == 200 and (spacing == "width" or (counts == 40).all())
    assert np.diff(edges) == pytest.approx(np.diff(edges)[0]) or spacing == "number"


def test_a_column_of_one_value_is_one_bin() -> None:
    figure = draw_by_column({"one": (np.full(9, 3.0), np.arange(9) < 6)}, "z (mag)")
    assert find_edges(np.full(9, 3.0), 8, "number").tolist() == [2.5, 3.5]
    assert find_edges(np.array([4.0, 1, 2, 2, 1]), 8, "number").tolist() == [0.5, 1.5, 3, 4.5]  # each value is a bin
    assert len(find_edges(np.arange(33.0), 8, "number")) == 4  # 11 in each of three
    assert figure.axes[1].get_xlabel() == "z (mag)"


def test_error_bars_are_lowest_and_highest_of_the_runs() -> None:
    sizes, scores = np.array([100, 100, 100, 900]), np.array([0.5, 0.6, 0.9, 0.8])
    distinct, mean, low, high = summarize_sizes(sizes, scores, "range")
    assert distinct.tolist() == [100, 900] and mean == pytest.approx([2 / 3, 0.8])
    assert low.tolist() == [0.5, 0.8] and high.tolist() == [0.9, 0.8]
    _, _, low, high = summarize_sizes(sizes, scores, "std")
    assert high[0] - low[0] == pytest.approx(2 * np.std([0.5, 0.6, 0.9], ddof=1))
    assert draw_training_size({"one": (sizes, scores)}).axes[0].get_xscale() == "log"


def test_the_line_through_fractions_is_that_of_the_means() -> None:
    figure = draw_fractions(
        np.array([0.4, 0.4, 1]), np.array([0.5, 0.7, 0.8]), np.array([2.0, 1.0, 0.5]),
        scratch_accuracy=0.6, scratch_loss=1.2, columns=2,
    )  # fmt: skip
    upper, lower = figure.axes
    assert upper.lines[0].get_xydata().tolist() == [[40, pytest.approx(0.6)], [100, 0.8]]
    assert lower.lines[0].get_xydata().tolist() == [[40, 1.5], [100, 0.5]]
    assert (upper.lines[2].get_ydata()[0], lower.lines[2].get_ydata()[0]) == (0.6, 1.2)


def test_bars_end_at_the_sums_of_the_splits() -> None:
    figure = draw_class_counts({"train": np.array([8, 0]), "test": np.array([2, 1])}, ["a_b", "c"])
    axes = figure.axes[0]
    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [(0, 8), (0, 0), (8, 2), (0, 1)]
    assert [text.get_text() for text in axes.texts] == ["10", "1"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a b", "c"]
    assert draw_class_counts({"": np.array([2, 900, 0])}, list("abc")).axes[0].get_xscale() == "log"
