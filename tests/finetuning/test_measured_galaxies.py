"""Numbers that the bundled backbone learns from simulated galaxies, and their export."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.training_helpers import run_command

from galaxtool.tables.read import read_table

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


@pytest.mark.slow
def test_simulated_galaxies_are_measured_and_exported(tmp_path: Path) -> None:
    folder = tmp_path / "galaxies"
    assert run_command("simulate", "-o", folder, "-n", 600, "--size", 64)[0] == 0
    code, _, said = run_command(
        "finetune", folder, "--target", "axis_ratio", "--target", "bulge_fraction", "--backbone", "mini",
        "--epochs", 6, "--test-fraction", 0.2, "-o", "run", "--device", "cpu",
    )  # fmt: skip
    assert code == 0, said
    scores = json.loads(Path("run", "metrics.json").read_text())["test"]["quantities"]
    assert scores["axis_ratio"]["r2"]["value"] > 0.5
    for quantity in ("axis_ratio", "bulge_fraction"):
        # 0.68, three standard deviations for 115 images and a length that was fitted to some 85
        assert 0.48 < scores[quantity]["coverage"]["value"] < 0.88
    code, _, said = run_command("export", "--model", "run", "-o", "model.onnx")
    assert code == 0, said
    for model, table in (("run", "a.csv"), ("model.onnx", "b.csv")):
        assert run_command("classify", folder, "--model", model, "-o", table, "--device", "cpu")[0] == 0
    one, other = read_table(Path("a.csv")), read_table(Path("b.csv"))
    np.testing.assert_allclose(one["axis_ratio"], other["axis_ratio"], atol=1e-3)
