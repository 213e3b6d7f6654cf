"""Temperature scaling: against a search of the grid, and on its way from the training to the table."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.table import Table
from scipy.special import logsumexp
from support.helpers import SLUGS, make_model, write_png
from support.training_helpers import run_command

from galaxtool.evaluation.calibration import fit_temperature
from galaxtool.evaluation.metrics import compute_classification_metrics
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import find_model
from galaxtool.models.record import ModelRecord
from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.training.objective import ClassObjective
from galaxtool.training.options import TrainOptions
from galaxtool.utils.atomic_write import write_json

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


@pytest.mark.parametrize("factor", [4.0, 0.4])
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
    found = objective.metrics(torch.from_numpy(logits), targets, np.eye(4)[targets], temperature=temperature, seed=0)
    wanted = [compute_classification_metrics(softmax(logits / t), targets)["ece"]["value"] for t in (1.0, temperature)]
    assert [found["ece_uncalibrated"]["value"], found["ece"]["value"]] == pytest.approx(wanted, abs=1e-5)


# --- from the model to the table -------------------------------------------------------------------------------------


def test_the_temperature_decides_the_digest(tmp_path: Path) -> None:
    record = ModelRecord.read(make_model(tmp_path / "tiny") / "model.json")
    other = dataclasses.replace(record, temperature=2.5)
    assert other.digest != record.digest
    again = ModelRecord.from_dict(json.loads(json.dumps(other.as_dict())), "here")
    assert again.temperature == 2.5 and again.digest == other.digest


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
