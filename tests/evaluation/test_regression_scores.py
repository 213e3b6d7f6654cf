"""Scores of predicted numbers, against written-out formulas and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import median_abs_deviation
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, r2_score, root_mean_squared_error

from galaxtool.evaluation.regression_scores import measure_quantity
from galaxtool.taxonomy.quantities import build_quantity_taxonomy, measure_quantities
from galaxtool.taxonomy.quantity import QUANTILES, Quantity
from galaxtool.training.options import TrainOptions
from galaxtool.training.regression import RegressionObjective


def test_scores_are_those_of_the_formulas() -> None:
    rng = np.random.default_rng(1)
    truth = rng.uniform(0, 5, 400)
    predicted = truth + rng.normal(0.1, 0.3, 400)
    predicted[:6] += 5
    found = measure_quantity(predicted, predicted - 0.3, predicted + 0.3, truth, slug="size", seed=0)
    error = predicted - truth
    assert found["n"] == 400 and found["error"] == "predicted - true"
    wanted = {
        "rmse": root_mean_squared_error(truth, predicted),
        "mae": mean_absolute_error(truth, predicted),
        "bias": error.mean(),
        "nmad": median_abs_deviation(error, scale="normal"),
        "r2": r2_score(truth, predicted),
        "outlier_fraction": 6 / 400,
        "coverage": (np.abs(error) <= 0.3).mean(),
    }
    for name, value in wanted.items():
        assert found[name]["value"] == pytest.approx(value, abs=1e-4), name
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]


def test_errors_of_redshifts_are_divided_by_one_plus_z() -> None:
    truth = np.array([0.1, 0.2, 1.0, 3.0, np.nan])
    predicted = np.array([0.2, 0.2, 1.5, 3.4, 1.0])
    found = measure_quantity(predicted, predicted - 1, predicted + 1, truth, slug="z_spec", seed=0)
    scaled = (predicted - truth)[:4] / (1 + truth[:4])
    assert found["n"] == 4 and found["bias"]["value"] == pytest.approx(scaled.mean(), abs=1e-6)
    assert found["outlier_fraction"]["value"] == 0.25  # 0.5 / 2 alone is beyond 0.15


def test_no_value_at_all() -> None:
    nothing = np.full(3, np.nan)
    found = measure_quantity(nothing, nothing, nothing, nothing, slug="size", seed=0)
    assert found["n"] == 0 and found["rmse"] == {"value": None, "low": None, "high": None}


def make_objective(targets: np.ndarray | None = None) -> RegressionObjective:
    quantities = (Quantity(column="a", slug="a", center=10.0, scale=2.0), Quantity(column="b", slug="b"))
    taxonomy = build_quantity_taxonomy(quantities)
    values = np.zeros((1, 2), np.float32) if targets is None else targets
    return RegressionObjective(taxonomy=taxonomy, options=TrainOptions(), targets=values)


def test_the_loss_is_the_pinball_loss_of_the_values_that_are_there() -> None:
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.normal(size=(50, 6)).astype(np.float32))
    targets = rng.normal((10, 0), (2, 1), (50, 2)).astype(np.float32)
    targets[::3, 1] = np.nan
    objective, given = make_objective(targets), torch.from_numpy(targets)
    loss = float(objective.loss(logits, given))
    assert objective.validate(logits, targets)["valid_loss"] == pytest.approx(loss, rel=1e-5)
    # also where the parts of a batch have different shares of values
    parts = [objective.loss(logits[rows], given[rows]) * len(rows) / 50 for rows in (range(3), range(3, 50))]
    assert float(sum(parts)) == pytest.approx(loss, rel=1e-5)
    raw = logits.numpy().reshape(50, 2, 3)
    softplus = np.log1p(np.exp(raw))
    predicted = {0: raw[..., 1] - softplus[..., 0], 1: raw[..., 1], 2: raw[..., 1] + softplus[..., 2]}
    standard, known = (targets - [10, 0]) / [2, 1], np.isfinite(targets)
    levels = zip(predicted.values(), QUANTILES, strict=True)
    wanted = np.mean([mean_pinball_loss(standard[known], one[known], alpha=alpha) for one, alpha in levels])
    assert loss == pytest.approx(2 * wanted, rel=1e-5)


def test_error_bars_are_stretched_until_they_cover_what_they_should() -> None:
    objective = make_objective()
    rng = np.random.default_rng(0)
    targets = rng.normal((10, 0), (2, 1), (2000, 2)).astype(np.float32)
    # bars of 0.25 and 2 standard deviations, where one is right
    logits = torch.log(torch.expm1(torch.tensor([0.25, 1, 0.25, 2, 1, 2]))).expand(2000, 6).clone()
    logits[:, [1, 4]] = 0
    factors = objective.calibrate(logits, targets)
    assert factors == [pytest.approx(4, rel=0.1), pytest.approx(0.5, rel=0.1)]
    scores = objective.metrics(logits, targets, np.zeros((0, 0)), temperature=factors, seed=0)["quantities"]
    for slug in ("a", "b"):
        assert scores[slug]["coverage"]["value"] == pytest.approx(0.683, abs=0.01)
    assert objective.calibrate(logits[:10], targets[:10]) == 1.0
    targets[40:, 0] = np.nan  # too few to fit a length to
    assert objective.calibrate(logits, targets) == [1.0, factors[1]]
    alone = RegressionObjective(
        taxonomy=build_quantity_taxonomy(objective.quantities[1:]), options=TrainOptions(), targets=targets[:, 1:]
    )
    assert alone.calibrate(logits[:, 3:], targets[:, 1:]) == factors[1]


def test_the_coverage_of_a_training_is_that_of_error_bars_fitted_to_other_images() -> None:
    objective = make_objective()
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.normal(size=(60, 6)).astype(np.float32))
    targets = rng.normal((10, 0), (2, 1), (60, 2)).astype(np.float32)
    factors = objective.calibrate(logits, targets)
    plain = objective.metrics(logits, targets, np.zeros((0, 0)), temperature=factors, seed=0)["quantities"]
    found = objective.measure_calibration(logits, targets, seed=0)["quantities"]
    order, inside = np.random.default_rng(0).permutation(60), np.zeros((60, 2), dtype=bool)
    for number in range(5):
        held, others = order[number::5], np.delete(order, np.s_[number::5])
        others = np.tile(others, 2)  # enough of them
        scaled = np.array(objective.calibrate(logits[others], targets[others]))[:, None] * np.log1p(
            np.exp(logits.numpy()[held].reshape(-1, 2, 3))
        )
        error = (targets[held] - [10, 0]) / [2, 1] - logits.numpy()[held].reshape(-1, 2, 3)[..., 1]
        inside[held] = (-scaled[..., 0] <= error) & (error <= scaled[..., 2])
    for t, slug in enumerate(("a", "b")):
        assert found[slug]["coverage"]["value"] == pytest.approx(inside[:, t].mean(), abs=1e-6)
        assert {**found[slug], "coverage": plain[slug]["coverage"]} == plain[slug]
    assert objective.measure_calibration(logits[:20], targets[:20], seed=0) == {}


def test_center_and_scale_are_robust() -> None:
    values = np.concatenate([np.random.default_rng(0).normal(5, 2, (5000, 1)), np.full((20, 1), 1e6)])
    (found,) = measure_quantities((Quantity(column="a", slug="a"),), values)
    assert (found.center, found.scale) == (pytest.approx(5, abs=0.2), pytest.approx(2, abs=0.1))
