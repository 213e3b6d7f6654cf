"""Tables of papers: recipes are complete, and run cell by cell."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import galaxtool
from galaxtool.cli.main import application
from galaxtool.errors import ConfigError, GalaxtoolError
from galaxtool.plugins.registry import get_registry
from galaxtool.reproduction.catalog import list_recipes, load_recipe
from galaxtool.reproduction.recipe import read_table_recipe

RECIPES = [spec.name for spec in get_registry().recipes.specs() if spec.command == "reproduce"]


def read_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "table.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_complete(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.waiting or (recipe.data and (recipe.scores if recipe.rows else recipe.figures))
    slots = {data.slot for data in recipe.data}
    scores = {score.name for score in recipe.scores}
    for row in recipe.rows:
        assert set(row.published) <= slots
        for values in row.published.values():
            named = {score for value in values.values() for score in value} if recipe.axis else set(values)
            assert named & scores


def test_list_names_all_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        application()(["reproduce", "--list", "--json"])
    assert ended.value.code == 0
    assert [entry["name"] for entry in json.loads(capsys.readouterr().out)["recipes"]] == RECIPES
    assert [recipe.name for recipe in list_recipes().recipes] == RECIPES


def test_published_values_are_those_of_the_paper() -> None:
    rows = {row.name: row.published for row in load_recipe("galaxalign-table4").rows}
    assert rows["Ours(ViT-16)"]["galaxy10"] == {"accuracy": 0.9732, "f1_macro": 0.9702}
    assert rows["CLIP(ConvNeXT)"]["galaxymnist"] == {"accuracy": 0.9310, "f1_macro": 0.9316}
    assert len(rows) == 12


@pytest.mark.usefixtures("in_an_empty_folder", "narrow")
def test_small_table_is_computed_once_and_written() -> None:
    arguments: dict[str, Any] = {"scale": "small", "images": 24, "only": ["v1 (ViT"], "protocol": ["given"]}
    result = galaxtool.reproduce("galaxalign-table4", **arguments)
    folder = Path("reproduction/galaxalign-table4-small")
    assert result.output == folder
    rows = read_rows(folder)
    assert [(row["readout"], row["score"]) for row in rows] == [
        (readout, score) for readout in ("prompt", "symbol", "both") for score in ("accuracy", "f1_macro")
    ]
    (run,) = Path("reproduction/runs").iterdir()
    metrics = json.loads((run / "metrics.json").read_text())["test"]
    assert metrics["n"] == 4
    for row in rows:
        assert float(row["ours"]) == metrics["readouts"][row["readout"]][row["score"]]["value"]
        assert float(row["difference"]) == pytest.approx(float(row["ours"]) - float(row["published"]))
    assert metrics["readouts"]["both"]["accuracy"]["value"] == metrics["accuracy"]["value"]
    assert "Ours_v1 (ViT-16) | symbol" in (folder / "table.md").read_text()

    finished = (run / "manifest.json").stat().st_mtime_ns
    again = galaxtool.reproduce("galaxalign-table4", **arguments)
    assert [row.as_dict() for row in again.rows] == [row.as_dict() for row in result.rows]
    assert (run / "manifest.json").stat().st_mtime_ns == finished


@pytest.fixture(scope="module")
def shared_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the runs of all recipes, which share trainings."""
    return tmp_path_factory.mktemp("reproduction")


@pytest.mark.slow
@pytest.mark.usefixtures("in_an_empty_folder", "narrow")
@pytest.mark.parametrize("name", [name for name in RECIPES if not load_recipe(name).waiting])
def test_every_recipe_runs_at_the_small_scale(name: str, shared_output: Path) -> None:
    result = galaxtool.reproduce(name, scale="small", images=60, output=shared_output)
    if result.recipe.rows:
        assert {row.row for row in result.rows} == {row.name for row in result.recipe.rows}
    for row in result.rows:
        assert (row.status, row.reason) in (("done", ""), ("done", "not defined on these images")), row
        assert row.published is None or row.ours is None or row.difference == row.ours - row.published
    assert sum(row.ours is not None for row in result.rows) > 0.3 * len(result.rows)
    assert len(read_rows(result.output)) == len(result.rows)
    assert json.loads((result.output / "recipe.json").read_text())["name"] == name
    drawn = [file.name for file in result.files if file.suffix == ".png"]
    kinds = [figure.kind for figure in result.recipe.figures]
    assert all(any(name.startswith(kind) for name in drawn) for kind in kinds), drawn


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "No table or figure was named"),
        ({"recipe": "galaxalign-table9"}, "galaxalign-table"),
        ({"recipe": "mini"}, "a recipe of finetune"),
        ({"recipe": "galaxalign-table4"}, "needs data: Galaxy10 DECaLS, GalaxyMNIST"),
        ({"recipe": "galaxalign-table4", "data": ["x.h5"]}, "does not say which"),
        ({"recipe": "galaxalign-table4", "data": ["galaxy10=missing.h5"]}, "no file or folder"),
        ({"recipe": "galaxalign-table4", "data": ["galaxy=missing.h5"]}, "galaxy10"),
        ({"recipe": "galaxalign-table4", "scale": "medium"}, "small"),
        ({"recipe": "galaxalign-table4", "scale": "small", "images": 8}, "at least 20"),
        ({"recipe": "galaxalign-table4", "scale": "small", "seeds": 0}, "at least 1"),
        ({"recipe": "galaxalign-table4", "scale": "small", "images": 20, "only": ["VGG"]}, "No row"),
        ({"recipe": "galaxalign-table4", "scale": "small", "images": 20, "protocol": ["by-row"]}, "way to split"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("in_an_empty_folder")
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(GalaxtoolError) as raised:
        galaxtool.reproduce(**arguments)
    assert message in f"{raised.value.message} {raised.value.hint}"
    assert raised.value.hint


def test_recipe_with_an_unknown_entry_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('paper = "p"\ntitle = "t"\n[settings]\nbatchsize = 3\n')
    with pytest.raises(ConfigError, match="'batchsize'"):
        read_table_recipe(file)
    file.write_text('paper = "p"\ntitel = "t"\n')
    with pytest.raises(ConfigError, match="'titel'"):
        read_table_recipe(file)


def test_finetune_refuses_a_table() -> None:
    with pytest.raises(ConfigError) as raised:
        galaxtool.finetune(recipe="galaxalign-table4")
    assert "galaxtool reproduce galaxalign-table4" in raised.value.hint
