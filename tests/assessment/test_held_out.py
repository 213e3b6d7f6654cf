"""Temperatures that were not fitted to the image, where that of the model was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax
from support.helpers import make_model

from galaxtool.assessment.held_out import find_cross_fit
from galaxtool.evaluation.calibration import cross_fit, fit_temperature
from galaxtool.evaluation.cross_fit import CrossFit
from galaxtool.models.record import ModelRecord


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> ModelRecord:
    """A model of classes with a temperature."""
    path = make_model(tmp_path_factory.mktemp("models") / "model") / "model.json"
    return replace(ModelRecord.read(path), temperature=1.5)


@pytest.mark.parametrize("factors", [(), (0.5, 2.0, 1.0)])
def test_probabilities_are_those_of_the_cross_fitted_logits(factors: tuple[float, ...]) -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 90)
    logits = 3 * rng.normal(size=(90, 3)) + 2 * np.eye(3)[targets]
    shift = np.log(factors) if factors else np.zeros(3)
    probabilities = softmax(logits / 1.7 + shift, axis=1)
    expected = softmax(cross_fit(logits, targets, shift=shift), axis=1)
    np.testing.assert_allclose(CrossFit(1.7, factors).recalibrate(probabilities, targets), expected, atol=1e-5)


def test_a_class_of_the_share_0_stays_impossible_and_fits_nothing() -> None:
    rng = np.random.default_rng(1)
    targets = np.concatenate([rng.integers(0, 2, 80), np.full(20, 2)])
    logits = 3 * rng.normal(size=(100, 3)) + 2 * np.eye(3)[targets]
    shift = np.log([1.5, 0.5])
    probabilities = np.column_stack([softmax(logits[:, :2] / 1.7 + shift, axis=1), np.zeros(100)])
    found = CrossFit(1.7, (1.5, 0.5, 0.0)).recalibrate(probabilities, targets)
    order = np.random.default_rng(0).permutation(100)
    order = order[np.argsort(np.where(targets == 2, -1, targets)[order], kind="stable")]
    for number in range(5):
        held = order[number::5]
        others = np.setdiff1d(np.flatnonzero(targets < 2), held)
        temperature = fit_temperature(logits[others, :2], targets[others], shift)
        np.testing.assert_allclose(found[held, :2], softmax(logits[held, :2] / temperature + shift, axis=1), atol=1e-4)
    assert not found[:, 2].any()


def test_only_images_that_the_temperature_was_fitted_to_are_cross_fitted(record: ModelRecord) -> None:
    valid, test = ["valid"] * 20, ["test"] * 20
    options = {"factors": (), "is_coarse": False, "tta": 1}
    assert find_cross_fit(record, valid, **options)[0] == CrossFit(1.5)
    for splits in (None, test, [*valid, *test, ""], valid[:5]):
        assert find_cross_fit(record, splits, **options) == (None, "")
    assert find_cross_fit(replace(record, temperature=1.0), valid, **options) == (None, "")
    found, note = find_cross_fit(record, valid, **{**options, "is_coarse": True})
    assert found is None and "looks better than it is" in note


def test_error_bars_are_cross_fitted_and_votes_have_no_temperature(record: ModelRecord) -> None:
    options = {"factors": (), "is_coarse": False, "tta": 4}
    numbers = replace(record, regression={"quantities": []}, temperature=[1.5, 0.5])
    votes = replace(record, votes={"questions": []})
    found, note = find_cross_fit(numbers, ["valid"] * 20, **options)
    assert found == CrossFit(1.0, (1.5, 0.5)) and "lengths of the error bars" in note and "Brier" not in note
    both, _ = find_cross_fit(replace(numbers, temperature=1.5), ["valid"] * 20, **options)  # of an earlier version
    assert find_cross_fit(votes, ["valid"] * 20, **options) == (None, "")
    assert find_cross_fit(numbers, ["test"] * 20, **options) == (None, "")

    rng = np.random.default_rng(0)
    truth = rng.normal(size=(60, 2))
    truth[7] = truth[9, 0] = np.nan
    bars = np.array([1.5, 0.5])[:, None] * np.array([-0.3, 0, 0.4])
    predicted = rng.normal(0, 0.2, (60, 2, 1)) + bars
    restretched = found.restretch(predicted, truth)
    known = np.arange(60) != 7
    np.testing.assert_allclose(both.restretch(predicted, truth)[known], restretched[known], rtol=0.05, atol=0.02)
    rows = np.setdiff1d(np.arange(60), 7)
    order = rows[np.random.default_rng(0).permutation(59)]
    for number in range(5):
        held, others = order[number::5], np.setdiff1d(rows, order[number::5])
        for t in range(2):
            reach = [  # of each known value, in units of its error bar
                abs(value - middle) / (middle - low if value < middle else high - middle)
                for (low, middle, high), value in zip(predicted[others, t], truth[others, t], strict=True)
                if np.isfinite(value)
            ]
            factor = (restretched[held, t, 2] - predicted[held, t, 1]) / bars[t, 2]
            assert np.ptp(factor) == pytest.approx(0, abs=1e-9)
            assert (np.array(reach) <= factor[0]).mean() == pytest.approx(0.6827, abs=0.02)
    np.testing.assert_array_equal(restretched[..., 1], predicted[..., 1])
    truth[:20, 0] = np.nan  # too few are left
    restretched = found.restretch(predicted, truth)
    np.testing.assert_array_equal(restretched[:, 0], predicted[:, 0])
    assert (restretched[:, 1] != predicted[:, 1]).any()
