"""Weighted scores are those of scikit-learn for the items repeated, and retrieval is that of a written-out loop."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from astropy.stats import binom_conf_interval
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from galaxtool.evaluation import scores, weighted_scores
from galaxtool.evaluation.calibration_error import CalibrationError, expected_calibration_error
from galaxtool.evaluation.resamples import StratifiedResamples, make_resampled_entry
from galaxtool.evaluation.retrieval import DEPTHS, compute_chance, measure_retrieval
from galaxtool.evaluation.weighted_scores import weigh_accuracy

K = 4


def draw(n: int, seed: int, *, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(K, 0.5), n)
    return (np.round(probabilities, 1) if ties else probabilities), rng.integers(0, K - 1, n)


def by_class(score: Callable[..., float]) -> Callable[[np.ndarray, np.ndarray], list[float]]:
    return lambda p, t: [score(t == k, p[:, k]) if (t == k).any() else np.nan for k in range(K)]


EXPECTED: dict[str, Callable[[np.ndarray, np.ndarray], object]] = {
    "accuracy": lambda p, t: sk.accuracy_score(t, p.argmax(axis=1)),
    "confusion": lambda p, t: sk.confusion_matrix(t, p.argmax(axis=1), labels=range(K)),
    "precision": lambda p, t: sk.precision_score(t, p.argmax(axis=1), labels=range(K), average=None, zero_division=0),
    "f1": lambda p, t: sk.f1_score(t, p.argmax(axis=1), labels=range(K), average=None, zero_division=0),
    "top_2": lambda p, t: sk.top_k_accuracy_score(t, p, k=2, labels=range(K)),
    "top_3": lambda p, t: sk.top_k_accuracy_score(t, p, k=3, labels=range(K)),
    "cross_entropy": lambda p, t: sk.log_loss(t, p, labels=range(K)),
    "brier": lambda p, t: ((p - np.eye(K)[t]) ** 2).sum(axis=1).mean(),
    "roc_auc": by_class(sk.roc_auc_score),
    "average_precision": by_class(sk.average_precision_score),
}


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", EXPECTED)
def test_scores_are_those_of_scikit_learn(name: str, ties: bool) -> None:
    rounds = ties and not name.startswith(("top", "cross"))  # rounded probabilities do not sum to 1
    probabilities, targets = draw(200, 1, ties=rounds)
    weights = np.random.default_rng(2).integers(0, 4, 200).astype(float)
    rows = np.repeat(np.arange(200), weights.astype(int))
    score = getattr(weighted_scores, f"weigh_{name}")(probabilities, targets)
    for drawn, used in ((weights, rows), (np.ones(200), np.arange(200))):
        expected = EXPECTED[name](probabilities[used], targets[used])
        found = score(drawn)
        defined = np.isfinite(found)
        np.testing.assert_allclose(np.asarray(found)[defined], np.asarray(expected)[defined], atol=1e-12)
    if name in ("roc_auc", "average_precision"):
        assert np.isnan(found[K - 1]), "no item is of the last class"


def test_a_true_class_of_the_probability_0_costs_what_it_does_in_scikit_learn() -> None:
    probabilities, targets = np.array([[0, 1, 0], [0.5, 0.25, 0.25]]), np.array([0, 1])
    expected = sk.log_loss(targets, probabilities, labels=range(3))
    assert scores.cross_entropy(probabilities, targets) == pytest.approx(expected, abs=1e-12)


def test_plain_scores_are_those_of_scikit_learn() -> None:
    probabilities, targets = draw(300, 3)
    predicted = probabilities.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the last class is predicted and does not occur
        assert scores.balanced_accuracy(probabilities, targets) == pytest.approx(
            sk.balanced_accuracy_score(targets, predicted)
        )
    assert scores.precision_macro(probabilities, targets) == pytest.approx(
        sk.precision_score(targets, predicted, average="macro", zero_division=0)
    )
    assert np.isnan(scores.top_5(probabilities, targets)), "there are only four classes"


def test_resamples_keep_the_number_of_each_class_and_do_not_depend_on_threads() -> None:
    targets = np.repeat([0, 1, 2], [3, 50, 7])
    resamples = StratifiedResamples(targets, seed=4, count=20)
    for weights in resamples:
        assert np.bincount(targets, weights).tolist() == [3, 50, 7]
    one, two = (resamples.apply([lambda weights: weights @ targets**2], workers=n)[0] for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    assert len(set(np.concatenate(list(resamples)))) > 2


def test_the_interval_of_an_accuracy_is_that_of_the_binomial() -> None:
    correct = np.arange(1000) < 900
    resamples = StratifiedResamples(np.zeros(1000, int), seed=0)
    drawn = resamples.apply([lambda weights: weights @ correct / 1000])[0]
    entry = make_resampled_entry(0.9, drawn)
    assert (entry["low"], entry["high"]) == pytest.approx((0.9 - 1.96 * 0.0095, 0.9 + 1.96 * 0.0095), abs=0.002)
    perfect = make_resampled_entry(1.0, np.ones(1000), share_of=20)
    assert perfect["high"] == 1.0 and perfect["low"] == pytest.approx(0.8389, abs=1e-3)


def test_a_model_that_always_gives_one_class_has_an_interval() -> None:
    targets = np.repeat(np.arange(3), 8)
    statistic = weigh_accuracy(np.tile([0.2, 0.5, 0.3], (24, 1)), targets)
    drawn = StratifiedResamples(targets, seed=0).apply([statistic])[0]
    entry = make_resampled_entry(statistic(np.ones(24)), drawn, share_of=24)
    low, high = binom_conf_interval(8, 24, interval="wilson", confidence_level=0.95)
    assert (entry["value"], entry["low"], entry["high"]) == pytest.approx((1 / 3, low, high), abs=1e-6)
    no_share = make_resampled_entry(2.5, np.full(1000, 2.5), share_of=24)
    assert (no_share["low"], no_share["high"]) == (2.5, 2.5)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(2, 60), seed=st.integers(0, 99), ties=st.booleans())
def test_a_resampled_calibration_error_is_that_of_the_items_repeated(n: int, seed: int, ties: bool) -> None:
    probabilities, targets = draw(n, seed, ties=ties)
    weights = np.random.default_rng(seed).integers(0, 3, n)
    weights[0] += 1
    rows = np.repeat(np.arange(n), weights)
    found = CalibrationError(probabilities, targets).resample(weights.astype(float))
    assert found == pytest.approx(expected_calibration_error(probabilities[rows], targets[rows]), abs=1e-9)


def loop(queries: np.ndarray, targets: np.ndarray, gallery: np.ndarray, labels: np.ndarray, alone: bool) -> dict:
    """Return the scores of retrieval, query by query and rank by rank."""
    found: dict[str, list[float]] = {}
    for row, (query, wanted) in enumerate(zip(queries, targets, strict=True)):
        near = [(-float(query @ other), j) for j, other in enumerate(gallery) if not (alone and j == row)]
        relevant = [labels[j] == wanted for _, j in sorted(near)]
        total = sum(relevant)
        precision = [sum(relevant[: r + 1]) / (r + 1) for r in range(len(relevant))]
        hits = [p for p, hit in zip(precision, relevant, strict=True) if hit]
        first = [p for p, hit in zip(precision[:5], relevant[:5], strict=True) if hit]
        scores = {
            "map": sum(hits) / total if total else np.nan,
            "map_at_5": (sum(first) / len(first) if first else 0.0) if total else np.nan,
            "map_at_5_possible": sum(first) / min(5, total) if total else np.nan,
            **{f"precision_at_{k}": sum(relevant[:k]) / k if total else np.nan for k in DEPTHS},
        }
        for name, value in scores.items():
            found.setdefault(name, []).append(value)
    return found


def test_a_query_in_a_gallery_is_not_compared_with_itself() -> None:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(40, 3)).astype(np.float32)
    targets = rng.integers(0, 4, 40)
    order = rng.permutation(40)
    rows = np.argsort(order)  # where each vector is in the gallery
    gallery = vectors[order], targets[order]
    alone, chance = measure_retrieval(vectors, targets)[0].list_scores(), compute_chance(targets)
    found = measure_retrieval(vectors, targets, *gallery, own_rows=rows)[0].list_scores()
    partly = measure_retrieval(vectors, targets, *gallery, own_rows=np.where(rows < 20, rows, -1))[0].list_scores()
    whole = measure_retrieval(vectors, targets, *gallery)[0].list_scores()
    expected = compute_chance(targets, gallery[1], np.where(rows < 20, rows, -1))
    for name, values in alone.items():
        np.testing.assert_allclose(found[name], values, atol=1e-12)
        np.testing.assert_allclose(compute_chance(targets, gallery[1], rows)[name], chance[name])
        np.testing.assert_allclose(partly[name], np.where(rows < 20, values, whole[name]), atol=1e-12)
        mixed = np.where(rows < 20, chance[name], compute_chance(targets, gallery[1])[name])
        np.testing.assert_allclose(expected[name], mixed)


@pytest.mark.parametrize("own_gallery", [False, True])
def test_retrieval_is_that_of_a_loop(own_gallery: bool) -> None:
    rng = np.random.default_rng(5)
    vectors = rng.integers(-2, 3, (60, 3)).astype(np.float32)  # with many ties, and not of unit length
    targets = rng.integers(0, 5, 60)
    targets[0] = 7  # alone in its class
    queries, gallery = (vectors[:20], vectors[20:]) if own_gallery else (vectors, vectors)
    wanted, labels = (targets[:20], targets[20:]) if own_gallery else (targets, targets)
    given_gallery = (gallery, labels) if own_gallery else ()
    expected = loop(queries, wanted, gallery, labels, not own_gallery)
    for workers in (1, 2):
        found = measure_retrieval(queries, wanted, *given_gallery, workers=workers)[0].list_scores()
        assert set(found) == set(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, atol=1e-12)
    assert np.isnan(found["map"][0])


def test_chance_is_what_permuted_labels_give() -> None:
    rng = np.random.default_rng(6)
    vectors = rng.normal(size=(40, 4)).astype(np.float32)
    targets = np.repeat([0, 1, 2], [4, 12, 24])
    chance = compute_chance(targets)
    found = [
        measure_retrieval(vectors, targets, permuted=rng.permutation(targets))[1].list_scores() for _ in range(300)
    ]
    for name, expected in chance.items():
        means = [scores[name].mean() for scores in found]
        assert np.mean(means) == pytest.approx(expected.mean(), abs=4 * np.std(means) / np.sqrt(len(means)))
