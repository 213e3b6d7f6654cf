"""Scores against scikit-learn, and against their definitions written out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from galaxtool.evaluation.class_scores import compute_class_scores, describe_small_classes, list_small_classes
from galaxtool.evaluation.metrics import compute_classification_metrics, compute_metric
from galaxtool.evaluation.retrieval import average_precision as retrieval_precision
from galaxtool.finetuning.score_tables import list_score_tables
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import MetricSpec

SCORES = ("accuracy", "f1_macro", "roc_auc", "ece", "map_at_5", "map")


def made(n: int, k: int, seed: int, sharpness: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities, targets and unit embeddings that go with them."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, k, n)
    logits = sharpness * rng.normal(size=(n, k)) + np.eye(k)[targets]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    embeddings = rng.normal(size=(n, 6)) + np.eye(6)[targets]
    return probabilities.astype(np.float32), targets, embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)


def ece(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Return the calibration error of Kumar et al. 2019: the bias of each bin is the mean of simulated ones."""
    rng, n = np.random.default_rng(0), len(targets)
    bins = min(15, max(1, round(n ** (1 / 3))))
    rows = sorted((float(row.max()), int(row.argmax()) == t) for row, t in zip(probabilities, targets, strict=True))
    total = 0.0
    for b in range(bins):
        inside = [row for k, row in enumerate(rows) if int((k + 0.5) * bins / n) == b]
        confidence, right = np.mean([c for c, _ in inside]), np.mean([r for _, r in inside])
        error = np.sqrt(right * (1 - right) / (len(inside) - 1))
        simulated = np.abs(rng.normal(right - confidence, error, 400_000)).mean()
        total += len(inside) / n * (abs(right - confidence) - (simulated - abs(right - confidence)))
    return max(float(total), 0.0)


def average_precision(embeddings: np.ndarray, targets: np.ndarray, query: int, top: int | None) -> float:
    """Return the mean of the precision at each relevant neighbour among the first `top`."""
    others = [j for j in range(len(targets)) if j != query]
    others.sort(key=lambda j: -float(embeddings[j] @ embeddings[query]))
    precisions, hits = [], 0
    for rank, j in enumerate(others[:top], start=1):
        if targets[j] == targets[query]:
            hits += 1
            precisions.append(hits / rank)
    return float(np.mean(precisions)) if precisions else 0.0


def test_scores_equal_scikit_learn_and_their_definitions() -> None:
    probabilities, targets, embeddings = made(80, 4, seed=1)
    found = compute_classification_metrics(probabilities, targets, embeddings)
    predicted = probabilities.argmax(axis=1)
    assert found["n"] == 80
    assert found["accuracy"]["value"] == pytest.approx(accuracy_score(targets, predicted), abs=1e-6)
    assert found["f1_macro"]["value"] == pytest.approx(f1_score(targets, predicted, average="macro"), abs=1e-6)
    shares = probabilities / probabilities.sum(axis=1, keepdims=True)
    wanted = roc_auc_score(targets, shares, multi_class="ovr", average="macro")
    assert found["roc_auc"]["value"] == pytest.approx(wanted, abs=1e-6)
    assert found["ece"]["value"] == pytest.approx(ece(probabilities, targets), abs=1e-3)
    for name, top in (("map_at_5", 5), ("map", None)):
        every = [average_precision(embeddings, targets, i, top) for i in range(80)]
        assert found[name]["value"] == pytest.approx(np.mean(every), abs=1e-6)


def test_retrieval_over_all_is_scikit_learn_s_average_precision() -> None:
    _, targets, embeddings = made(30, 3, seed=2)
    found = retrieval_precision(embeddings, targets)
    for i in range(30):
        rest = np.delete(np.arange(30), i)
        assert found[i] == pytest.approx(
            average_precision_score(targets[rest] == targets[i], (embeddings @ embeddings[i])[rest])
        )


def test_accuracy_has_the_wilson_interval() -> None:
    probabilities, targets, _ = made(50, 3, seed=3)
    found = compute_classification_metrics(probabilities, targets)["accuracy"]
    p, n, z = found["value"], 50, norm.ppf(0.975)
    centre, half = (p + z * z / (2 * n)), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert (found["low"], found["high"]) == pytest.approx(
        ((centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)), abs=1e-5
    )


def test_intervals_are_percentiles_of_resamples() -> None:
    probabilities, targets, _ = made(60, 3, seed=8)
    predicted = probabilities.argmax(axis=1)
    rng = np.random.default_rng(1)
    scores = [
        f1_score(targets[i], predicted[i], average="macro") for i in (rng.integers(0, 60, 60) for _ in range(200))
    ]
    found = compute_classification_metrics(probabilities, targets)["f1_macro"]
    assert (found["low"], found["high"]) == pytest.approx(np.percentile(scores, [2.5, 97.5]), abs=0.03)


def test_intervals_hold_the_value_and_narrow_with_n() -> None:
    few, many = (compute_classification_metrics(*made(n, 3, seed=4)) for n in (40, 200))
    for name in SCORES:
        for found in (few, many):
            assert found[name]["low"] <= found[name]["value"] <= found[name]["high"], name
        if name != "ece":
            assert many[name]["high"] - many[name]["low"] < few[name]["high"] - few[name]["low"]
    assert compute_classification_metrics(*made(40, 3, seed=4)) == few
    assert compute_classification_metrics(*made(40, 3, seed=4), seed=1)["map"] != few["map"]


def test_perfect_and_hopeless() -> None:
    targets = np.arange(12) % 3
    perfect = compute_classification_metrics(np.eye(3)[targets], targets, np.eye(3)[targets])
    assert [perfect[name]["value"] for name in SCORES] == [1, 1, 1, 0, 1, 1]
    hopeless = compute_classification_metrics(np.eye(3)[(targets + 1) % 3], targets)
    assert [hopeless[name]["value"] for name in ("accuracy", "f1_macro", "ece")] == [0, 0, 1]
    assert "map" not in hopeless


@pytest.mark.parametrize("targets", [[0], [1, 1, 1], [0, 1], [0, 0, 1], [0, 1, 2]], ids=str)
def test_what_is_undefined_is_none_and_nobody_is_warned(targets: list[int]) -> None:
    """The smallest validation splits; warnings are errors here."""
    known = np.array(targets)
    probabilities, _, embeddings = made(len(targets), 3, seed=5)
    found = compute_classification_metrics(probabilities, known, embeddings)
    assert 0 <= found["accuracy"]["value"] <= 1
    assert (found["roc_auc"]["value"] is None) == (len(set(targets)) == 1)
    assert (found["map"]["value"] is None) == (len(set(targets)) == len(targets))
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_an_item_alone_in_its_class_is_no_query() -> None:
    _, _, embeddings = made(3, 3, seed=6)
    assert np.isnan(retrieval_precision(embeddings, np.array([0, 0, 1]))).tolist() == [False, False, True]


@settings(max_examples=6, deadline=None)
@given(n=st.integers(2, 25), k=st.integers(2, 5), seed=st.integers(0, 999), sharpness=st.floats(0, 20))
def test_scores_are_within_bounds_and_within_their_intervals(n: int, k: int, seed: int, sharpness: float) -> None:
    found = compute_classification_metrics(*made(n, k, seed, sharpness))
    for name in SCORES:
        value, low, high = found[name].values()
        assert value is None or 0 <= value <= 1
        assert low is None or 0 <= low <= value <= high <= 1, name


def test_the_scores_of_each_class_are_those_of_scikit_learn() -> None:
    probabilities, targets, _ = made(90, 4, seed=7)
    predicted = probabilities.argmax(axis=1)
    precision, recall, _, support = precision_recall_fscore_support(
        targets, predicted, labels=range(5), zero_division=0
    )
    found = compute_class_scores(predicted, targets, ["a", "b", "c", "d", "never"])
    for k, scores in enumerate(found.values()):
        assert (scores["n"], scores["n_predicted"]) == (support[k], (predicted == k).sum())
        for name, wanted, n in (("precision", precision, scores["n_predicted"]), ("recall", recall, scores["n"])):
            value, low, high = scores[name].values()
            if n == 0:
                assert (value, low, high) == (None, None, None) and k == 4
                continue
            p, z = wanted[k], norm.ppf(0.975)
            middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
            ends = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
            assert (value, low, high) == pytest.approx((p, *ends), abs=2e-6)


def test_classes_of_few_images_are_named() -> None:
    assert list_small_classes({"a": 10, "b": 9, "c": 0}) == "b (9), c (0)" and list_small_classes({"a": 10}) == ""
    splits = ["valid"] * 14 + ["test"] * 3 + ["train"]
    slugs = ["S0"] * 3 + ["Sb"] * 10 + [""] + ["Sb", "S0", "S0"] + ["irr"]
    (sentence,) = describe_small_classes(slugs, splits, ["Sb", "S0", "irr"])
    wanted = "Fewer than 10 validation images of S0 (3) and fewer than 10 test images of Sb (1), S0 (2): the scores of "
    assert sentence == f"{wanted}these classes say little."
    assert not describe_small_classes(["Sb"] * 10, ["valid"] * 10, ["Sb"])


@pytest.mark.parametrize(("right", "wanted"), [(1.0, (1.0, 3 / (3 + 1.959964**2), 1.0)), (0.0, (0.0, 0.0, 0.561497))])
def test_an_extreme_score_of_few_images_is_not_certain(right: float, wanted: tuple[float, float, float]) -> None:
    targets = np.array([0] * 3 + [1] * 5)
    first = np.where(targets == 0, right, 1 - right)
    entry = compute_metric("roc_auc", np.stack([first, 1 - first], 1), targets)
    assert (entry["value"], entry["low"], entry["high"]) == pytest.approx(wanted, abs=2e-6)


def test_a_score_that_cannot_be_measured_has_no_interval() -> None:
    entry = {"value": None, "low": None, "high": None}
    (table,) = list_score_tables({"n": 5, "map": entry, "accuracy": {"value": 0.5, "low": 0.1, "high": 0.9}})
    assert [row["95 % interval"] for row in table.rows] == ["0.100 to 0.900", "-"]


class _Metrics:
    """A plugin with a metric of probabilities, one of embeddings, one that fails and one of a name in use."""

    @hookimpl
    def register_metrics(self) -> list[MetricSpec]:
        here = f"{__name__}:"
        return [
            MetricSpec(name="log_loss", summary="s", factory=here + "log_loss", higher_is_better=False),
            MetricSpec(name="norm", summary="s", factory=here + "second_norm", inputs="embeddings"),
            MetricSpec(name="broken", summary="s", factory=here + "fail"),
            MetricSpec(name="accuracy", summary="s", factory=here + "log_loss"),
        ]


def log_loss(probabilities: np.ndarray, targets: np.ndarray) -> float:
    return -float(np.log(probabilities[np.arange(len(targets)), targets]).mean())


def second_norm(embeddings: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.where(targets == 0, np.nan, np.linalg.norm(embeddings, axis=1) ** 2)


def fail(probabilities: np.ndarray, targets: np.ndarray) -> float:
    raise ValueError("no such score")


def test_a_plugin_s_metrics_appear_with_their_intervals() -> None:
    probabilities, targets, embeddings = made(60, 3, seed=9)
    built_in = compute_classification_metrics(probabilities, targets, embeddings)
    assert list(built_in) == ["n", *SCORES]
    plugins = get_registry().plugins
    plugins.register(_Metrics(), "mine")
    try:
        scores = compute_classification_metrics(probabilities, targets, embeddings)
        alone = compute_metric("log_loss", probabilities, targets)
    finally:
        plugins.unregister("mine")
    assert list(scores) == ["n", *SCORES, "log_loss", "norm", "broken", "mine:accuracy"]
    assert {name: scores[name] for name in built_in} == built_in
    draws = np.random.default_rng(0).integers(0, 60, (200, 60))
    low, high = np.percentile([log_loss(probabilities[i], targets[i]) for i in draws], [2.5, 97.5])
    expected = {"value": log_loss(probabilities, targets), "low": low, "high": high}
    assert scores["log_loss"] == alone == {name: round(float(x), 6) for name, x in expected.items()}
    assert scores["norm"]["value"] == pytest.approx(1, abs=1e-5)
    assert scores["broken"] == {"value": None, "low": None, "high": None, "error": "ValueError: no such score"}
    assert scores["mine:accuracy"] == scores["log_loss"]
