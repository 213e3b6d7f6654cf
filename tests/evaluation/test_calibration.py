"""Temperature scaling: against a search of the grid, and on its way from the training to the table."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from support.helpers import SLUGS, make_model, write_png
from support.training_helpers import run_command

from galaxtool.evaluation.calibration import choose_temperature, cross_fit, fit_temperature
from galaxtool.evaluation.calibration_error import expected_calibration_error, measure_calibration_error
from galaxtool.evaluation.metrics import compute_classification_metrics
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import find_model
from galaxtool.models.record import ModelRecord
from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.training.objective import ClassObjective
from galaxtool.training.options import TrainOptions
from galaxtool.utils.files.atomic_write import write_json

pytestmark = pytest.mark.usefixtures("narrow")


def overconfident(factor: float, seed: int = 0, n: int = 3000, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Draw classes by the softmax of logits, and return the logits times a factor, and the classes."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, k))
    # the greatest of logits with Gumbel noise is a draw by their softmax
    targets = (logits + rng.gumbel(size=(n, k))).argmax(axis=1)
    return (factor * logits).astype(np.float32), targets


def softmax(logits: np.ndarray) -> np.ndarray:
    exact = logits.astype(np.float64)
    return np.exp(exact - logsumexp(exact, axis=1, keepdims=True))


def cross_entropy(logits: np.ndarray, targets: np.ndarray, temperature: float) -> float:
    return -float(np.log(softmax(logits / temperature)[np.arange(len(targets)), targets]).mean())


@pytest.mark.parametrize(("factor", "n"), [(5.0, 800), (1.0, 800), (0.3, 800), (3.0, 12)])
def test_no_temperature_on_a_grid_is_better(factor: float, n: int) -> None:
    logits, targets = overconfident(factor, seed=n, n=n)
    found = fit_temperature(logits, targets)
    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 1500))
    losses = [cross_entropy(logits, targets, t) for t in grid]
    assert cross_entropy(logits, targets, found) <= min(losses) + 1e-9
    # neighbours on the grid are 0.4 % apart
    assert found == pytest.approx(grid[int(np.argmin(losses))], rel=6e-3)


@pytest.mark.parametrize("factor", [4.0, 0.5])
def test_the_factor_by_which_logits_are_too_large_is_found(factor: float) -> None:
    assert fit_temperature(*overconfident(factor)) == pytest.approx(factor, rel=0.05)


def test_what_has_no_best_temperature_stays_within_bounds() -> None:
    logits = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    assert fit_temperature(logits, np.array([0, 1, 2, 0])) == pytest.approx(0.05, rel=0.01)
    assert fit_temperature(logits, np.array([1, 2, 0, 2])) == pytest.approx(20, rel=0.01)


@pytest.mark.parametrize("factor", [4.0, pytest.param(0.4, marks=pytest.mark.slow)])
def test_calibration_lowers_the_calibration_error_and_changes_no_class(factor: float) -> None:
    logits, targets = overconfident(factor)
    temperature = fit_temperature(logits, targets)
    before, after = (compute_classification_metrics(softmax(logits / t), targets) for t in (1.0, temperature))
    assert after["ece"]["value"] < 0.03 < 0.08 < before["ece"]["value"]
    assert after["accuracy"] == before["accuracy"] and after["f1_macro"] == before["f1_macro"]


def test_the_metrics_tell_the_calibration_error_before_and_after() -> None:
    logits, targets = overconfident(4.0, n=60)
    objective = ClassObjective(taxonomy=build_taxonomy(["a", "b", "c", "d"]), options=TrainOptions(), targets=targets)
    temperature = objective.calibrate(torch.from_numpy(logits), targets)
    assert temperature == fit_temperature(logits, targets)
    assert temperature != 1
    found = objective.metrics(torch.from_numpy(logits), targets, np.eye(4)[targets], temperature=temperature, seed=0)
    wanted = [compute_classification_metrics(softmax(logits / t), targets)["ece"]["value"] for t in (1.0, temperature)]
    assert [found["ece_uncalibrated"]["value"], found["ece"]["value"]] == pytest.approx(wanted, abs=1e-5)


# --- on other images than those it was fitted to ---------------------------------------------------------------------


def test_folds_share_the_classes_and_are_scaled_by_the_other_folds() -> None:
    logits, targets = overconfident(4.0, n=203)
    asked: list[tuple[int, float]] = []

    def fit(others: np.ndarray, known: np.ndarray) -> float:
        asked.append((len(known), fit_temperature(others, known)))
        counts = np.bincount(targets) - np.bincount(known, minlength=4)
        assert np.all(np.abs(counts - np.bincount(targets) / 5) < 1)
        return asked[-1][1]

    scaled = cross_fit(logits, targets, fit)
    assert [n for n, _ in asked] == [162, 162, 162, 163, 163] and len({t for _, t in asked}) == 5
    ratio = np.median(logits / scaled, axis=1)
    assert sorted(set(np.round(ratio, 5))) == sorted(round(t, 5) for _, t in asked)


@pytest.mark.parametrize(("factor", "n", "kept"), [(4.0, 400, True), (1.0, 400, False), (5.0, 60, True)])
def test_a_temperature_is_kept_where_it_helps_other_images(factor: float, n: int, kept: bool) -> None:
    logits, targets = overconfident(factor, seed=3, n=n)
    found = choose_temperature(logits, targets)
    assert (found.temperature == found.fitted == fit_temperature(logits, targets)) == kept
    assert kept or found.temperature == 1
    held = cross_fit(logits, targets)
    assert found.log_loss == pytest.approx(cross_entropy(held.astype(np.float32), targets, 1.0), abs=1e-5)
    assert found.log_loss_uncalibrated == pytest.approx(cross_entropy(logits, targets, 1.0), abs=1e-5)
    assert found.ece == pytest.approx(expected_calibration_error(softmax(held), targets), abs=1e-6)
    assert not kept or (found.ece <= found.ece_uncalibrated and found.log_loss < found.log_loss_uncalibrated)
    assert ("is used" if kept else "No temperature is used") in found.note
    assert ("cannot be measured on 60 validation images; 200 are needed" in found.note) == (n < 200)


def test_no_temperature_is_fitted_to_a_handful() -> None:
    found = choose_temperature(*overconfident(5.0, n=9))
    assert found.temperature == 1 and "No temperature is fitted to so few" in found.note


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(factor=st.floats(0.2, 6), n=st.integers(10, 400), seed=st.integers(0, 999))
def test_calibration_never_raises_the_error_that_is_told(factor: float, n: int, seed: int) -> None:
    logits, targets = overconfident(factor, seed=seed, n=n)
    objective = ClassObjective(taxonomy=build_taxonomy(["a", "b", "c", "d"]), options=TrainOptions(), targets=targets)
    outputs = torch.from_numpy(logits)
    temperature = objective.calibrate(outputs, targets)
    found = objective.metrics(outputs, targets, np.eye(4)[targets], temperature=temperature, seed=seed)
    found |= objective.measure_calibration(outputs, targets, seed=seed)
    assert found["ece"]["value"] <= found["ece_uncalibrated"]["value"] + 1e-6
    for name in ("ece", "ece_uncalibrated"):
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    assert found["calibration"]["temperature"] == temperature
    if temperature == 1:
        assert found["ece"] == found["ece_uncalibrated"]
    json.dumps(found, allow_nan=False)


@pytest.mark.slow
def test_the_interval_covers_the_true_calibration_error() -> None:
    """The true error is the mean difference between confidence and probability, since the labels are drawn by it."""
    logits, targets = overconfident(1.0, seed=1, n=40_000)
    for factor, least in ((1.0, 0.8), (2.5, 0.7)):
        scaled, exact = softmax(factor * logits), softmax(logits)
        top = scaled.argmax(axis=1)
        true = abs(float((scaled.max(axis=1) - exact[np.arange(len(top)), top]).mean()))
        inside = 0
        for start in range(0, 4000, 400):
            part = slice(start, start + 400)
            value, low, high = measure_calibration_error(scaled[part], targets[part], seed=0)
            inside += low <= true <= high
            assert low <= value <= high
        assert inside / 10 >= least, (factor, inside, true)


def test_images_of_the_same_confidence_share_a_bin() -> None:
    """Otherwise the order of the images, often by class, would look like an error of calibration."""
    targets = np.repeat([0, 1], [70, 30])
    probabilities = np.tile([0.7, 0.3], (100, 1))
    assert expected_calibration_error(probabilities, targets) == pytest.approx(0, abs=1e-9)


# --- from the model to the table -------------------------------------------------------------------------------------


def test_the_temperature_decides_the_digest(tmp_path: Path) -> None:
    record = ModelRecord.read(make_model(tmp_path / "tiny") / "model.json")
    other = dataclasses.replace(record, temperature=2.5)
    assert other.digest != record.digest
    again = ModelRecord.from_dict(json.loads(json.dumps(other.as_dict())), "here")
    assert again.temperature == 2.5 and again.digest == other.digest


@pytest.mark.slow
def test_both_engines_divide_by_the_temperature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = make_model(tmp_path / "tiny")
    pictures = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), dtype=np.uint8)
    plain = open_engine(find_model(folder), "torch", "cpu", "fp32").run(pictures)
    record = ModelRecord.read(folder / "model.json")
    write_json(folder / "model.json", dataclasses.replace(record, temperature=2.5).as_dict())
    code, _, said = run_command("export", "--model", folder, "-o", folder / "model.onnx", "--quiet")
    assert code == 0, said
    wanted = softmax(plain.logits / 2.5)
    assert np.abs(wanted - plain.probabilities).max() > 1e-4
    for i in range(3):
        write_png(tmp_path / "images" / f"{i}.png", i)
    tables = []
    for engine in ("torch", "onnx"):
        opened = open_engine(find_model(folder), engine, "cpu", "fp32")
        found = opened.run(pictures)
        np.testing.assert_allclose(found.logits, plain.logits, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(found.probabilities, softmax(found.logits / 2.5), rtol=1e-5)
        assert opened.record.temperature == 2.5
        code, _, said = run_command(
            "classify", "images", "--model", folder, "--engine", engine, "--precision", "fp32", "-o", f"{engine}.ecsv"
        )
        assert code == 0, said
        tables.append(Table.read(f"{engine}.ecsv"))
    columns = [f"p_{slug}" for slug in SLUGS]
    first, second = (np.stack([table[name] for name in columns], axis=1) for table in tables)
    np.testing.assert_allclose(first, second, atol=1e-4)
    np.testing.assert_allclose(first.sum(axis=1), 1, rtol=1e-5)
