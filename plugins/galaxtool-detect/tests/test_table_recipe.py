"""The recipe of table 4 of Lastufka et al. 2024, and its computation at the tiny scale."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from galaxtool_detect.commands.reproduce import reproduce
from galaxtool_detect.datasets.coco import describe_coco
from galaxtool_detect.reproduction.recipe import read_recipe
from galaxtool_detect.reproduction.run import parse_data
from galaxtool_detect.simulation.dataset import make_simulated_set
from galaxtool_detect.simulation.field import FieldOptions
from galaxtool_detect.simulation.run import write_field
from galaxtool_detect.simulation.sources import CLASSES
from galaxtool_detect.training.config import TrainConfig

from galaxtool import ConfigError, OutputExists, read_table


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


def test_an_interruption_says_how_to_continue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("galaxtool_detect.reproduction.run.train", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        reproduce(output=tmp_path, scale="tiny", only="resnet 18 scratch", fields=2)
    assert caught.value.__notes__ == ["Finished trainings are kept; the same command continues."]
    given = {"output": tmp_path, "only": "resnet 18 scratch"}
    with pytest.raises(OutputExists, match="has the trainings of a table with --scale tiny and --fields 2"):
        reproduce(**given, scale="small")
    with pytest.raises(OutputExists, match="has the trainings of a table with no --epochs"):
        reproduce(**given, scale="tiny", fields=2, epochs=1)
    with pytest.raises(KeyboardInterrupt):
        reproduce(**given, scale="tiny", fields=2, seeds=1)


@pytest.mark.slow
def test_a_row_of_the_paper_on_its_data(tmp_path: Path) -> None:
    """Images of 56 pixels with lists for training and tests, as the development kit of Radio Galaxy Zoo has them."""
    fields = list(make_simulated_set(6, 1, options=FieldOptions(size=56, density=200)))
    (tmp_path / "rgz").mkdir()
    for field in fields:
        write_field(field, tmp_path / "rgz" / f"{field.name}.fits")
    listed = [(f"{field.name}.fits", "test" if i < 2 else "train", field) for i, field in enumerate(fields)]
    (tmp_path / "rgz" / "boxes.json").write_text(json.dumps(describe_coco(listed, CLASSES)))
    given = {"scale": "full", "data": [f"rgz={tmp_path / 'rgz'}"], "only": "resnet 18 supervised", "seeds": 1}
    (row,) = reproduce(output=tmp_path / "table", epochs=1, **given).rows
    assert row["status"] == "done" and row["published"] == 0.644
    (record,) = (tmp_path / "table").glob("runs/*/model/detector.json")
    values = json.loads(record.read_text())
    assert values["upscale"] == 4 and values["network"]["image_size"] == 224
    assert values["training"]["fields"] == 3
    (scores,) = (tmp_path / "table").glob("scores/*/scores.json")
    (finder,) = json.loads(scores.read_text())["finders"].values()
    assert finder["n_sources"] == sum(len(field.boxes) for field in fields[:2])


@pytest.mark.slow
def test_a_cell_is_computed_once(tmp_path: Path) -> None:
    given = {"output": tmp_path, "scale": "tiny", "only": "resnet 18 frozen", "seeds": 2, "fields": 12, "epochs": 1}
    (row,) = reproduce(**given).rows
    assert row["status"] == "done" and row["trainings"] == 2
    assert row["lowest"] <= row["ours"] <= row["highest"]
    weights = tmp_path / "pretraining" / "backbone-resnet18" / "model" / "weights.safetensors"
    kept = [weights, *tmp_path.glob("runs/*/model/*"), *tmp_path.glob("scores/*/scores.json")]
    written = {path: path.stat().st_mtime_ns for path in kept}
    assert len(written) > 6
    assert reproduce(**given).rows == [row]
    assert {path: path.stat().st_mtime_ns for path in written} == written
    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert "Misprint: MAE tuned" in text and "ResNet 18 | simulated | frozen" in text
    assert "fields that no training has seen" in text
    found = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("scores/*/scores.json"))]
    scores = [next(iter(one["finders"].values()))["average_precision"]["map50"] for one in found]
    assert (row["lowest"], row["highest"]) == (min(scores), max(scores))
    tested, trained = (read_table(tmp_path / name / "sources.csv") for name in ("test-fields-12", "fields-12"))
    assert found[0]["dataset"] == str(tmp_path / "test-fields-12")
    assert not set(tested["flux"]) & set(trained["flux"])
