"""The recipe of table 4 of Lastufka et al. 2024, and its computation at the tiny scale."""

from __future__ import annotations

from pathlib import Path

import pytest
from galaxtool_detect.commands.reproduce import reproduce
from galaxtool_detect.commands.simulate import simulate
from galaxtool_detect.reproduction.recipe import read_recipe
from galaxtool_detect.reproduction.run import parse_data
from galaxtool_detect.training.config import TrainConfig

from galaxtool import ConfigError


def test_every_row_can_be_trained() -> None:
    recipe = read_recipe()
    assert len(recipe.cells) == 26 and len(recipe.misprints) == 4
    cells = [*recipe.cells, *recipe.list_simulated("small"), *recipe.list_simulated("tiny")]
    assert all(TrainConfig(dataset="x", backbone=c.backbone, mode=c.mode, **c.settings) for c in cells)
    assert {cell.settings["lr"] for cell in recipe.list_simulated("tiny")} == {1e-3, 3e-4}
    assert {cell.settings["lr"] for cell in recipe.list_simulated("small")} == {None}
    assert max(scale.fields["n"] for scale in recipe.scales.values()) == 300


def test_options_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--scale is 'big'; it must be tiny, small or full"):
        reproduce(output=tmp_path, scale="big")
    with pytest.raises(ConfigError, match="The table needs its data"):
        reproduce(output=tmp_path, scale="full")
    with pytest.raises(ConfigError, match="--data 'emu=x' does not say what it is"):
        parse_data(["emu=x"])


@pytest.mark.slow
def test_a_cell_is_computed_once(tmp_path: Path) -> None:
    given = {"output": tmp_path, "scale": "tiny", "only": "resnet 18 frozen", "seeds": 2, "fields": 12, "epochs": 1}
    (row,) = reproduce(**given).rows
    assert row["status"] == "done" and row["trainings"] == 2
    assert row["lowest"] <= row["ours"] <= row["highest"]
    weights = tmp_path / "pretraining" / "backbone-resnet18" / "model" / "weights.safetensors"
    written = {path: path.stat().st_mtime_ns for path in [weights, *tmp_path.glob("runs/*/model/*")]}
    assert len(written) > 4
    assert reproduce(**given).rows == [row]
    assert {path: path.stat().st_mtime_ns for path in written} == written
    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert "Misprint: MAE tuned" in text and "ResNet 18 | simulated | frozen" in text
    assert simulate(output=tmp_path / "again", n=12, size=64, density=80.0).n == 12
