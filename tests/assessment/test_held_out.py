"""Temperatures that were not fitted to the image, where that of the model was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax
from support.helpers import make_model

from galaxtool.assessment.held_out import CrossFit, find_cross_fit
from galaxtool.evaluation.calibration import cross_fit, fit_temperature
from galaxtool.models.record import ModelRecord


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


def test_only_images_that_the_temperature_was_fitted_to_are_cross_fitted(tmp_path: Path) -> None:
    record = replace(ModelRecord.read(make_model(tmp_path / "model") / "model.json"), temperature=1.5)
    valid, test = ["valid"] * 20, ["test"] * 20
    options = {"factors": (), "is_coarse": False, "tta": 1}
    assert find_cross_fit(record, valid, **options)[0] == CrossFit(1.5)
    for splits in (None, test, [*valid, *test, ""], valid[:5]):
        assert find_cross_fit(record, splits, **options) == (None, "")
    assert find_cross_fit(replace(record, temperature=1.0), valid, **options) == (None, "")
    found, note = find_cross_fit(record, valid, **{**options, "is_coarse": True})
    assert found is None and "looks better than it is" in note
