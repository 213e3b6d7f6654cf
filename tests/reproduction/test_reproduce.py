"""Tables of papers: recipes are complete, and run cell by cell."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import adjusted_rand_score, f1_score, roc_auc_score

import galaxtool
from galaxtool.cli.main import application
from galaxtool.datasets.open import open_dataset
from galaxtool.errors import ConfigError, GalaxtoolError, UnknownName
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.models.find import find_model
from galaxtool.plugins.registry import get_registry
from galaxtool.reproduction.catalog import list_recipes, load_recipe
from galaxtool.reproduction.cluster import score_clusters
from galaxtool.reproduction.evaluations import is_evaluated
from galaxtool.reproduction.execute import Runner
from galaxtool.reproduction.plan import Training
from galaxtool.reproduction.recipe_file import read_table_recipe
from galaxtool.reproduction.simulated import write_galaxy10
from galaxtool.reproduction.splits import write_split
from galaxtool.reproduction.values import Value, place_evaluation, read_value
from galaxtool.search.source import read_record
from galaxtool.types import Silent

RECIPES = [spec.name for spec in get_registry().recipes.specs() if spec.command == "reproduce"]


def read_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "table.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_complete(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.elsewhere or (recipe.data and (recipe.scores if recipe.rows else recipe.figures))
    splits = {p for data in recipe.data for p in data.protocols}
    assert "random" in splits or not any("split is measured beside it" in text for text in recipe.conditions)
    slots = {data.slot for data in recipe.data}
    scores = {score.name for score in recipe.scores}
    for figure in recipe.figures:
        assert set(figure.rows) <= {row.name for row in recipe.rows}
        used = [name for text in figure.options for name in re.findall(r"\{run:(.+?)\}", text)]
        assert set(used) <= set(figure.rows)
    for row in recipe.rows:
        assert set(row.published) <= slots
        for values in row.published.values():
            named = {score for value in values.values() for score in value} if recipe.axis else set(values)
            assert named & scores


def test_a_table_of_a_plugin_names_its_command(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="computed by a command of its own: galaxtool detect reproduce") as caught:
        galaxtool.reproduce("lastufka2024-table4", output=tmp_path)
    assert caught.value.hint.startswith("Run: galaxtool detect reproduce --help;")


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


@pytest.mark.usefixtures("in_an_empty_folder", "narrow")
def test_similarity_search_is_measured_by_the_cosine_and_by_the_dot_product() -> None:
    arguments: dict[str, Any] = {"scale": "small", "images": 40, "only": ["ResNet-18, tuned"], "protocol": ["given"]}
    rows = {row.score: row for row in galaxtool.reproduce("galaxalign-table3", **arguments).rows}
    published = {"map_at_5": 0.9160, "map": 0.6865}
    for name, row in rows.items():
        assert row.published == published["map_at_5" if "at_5" in name else "map"]
    (evaluation,) = Path("reproduction/evaluations").iterdir()
    metrics = json.loads((evaluation / "metrics.json").read_text())
    assert metrics["split"] == "test" and metrics["n"] == 8
    for name, (similarity, score) in {
        "map_at_5_of_5": ("cosine", "map_at_5_possible"),
        "map_at_5_dot": ("dot_product", "map_at_5"),
        "map_dot": ("dot_product", "map"),
    }.items():
        assert rows[name].ours == metrics["retrieval"][similarity][score]["value"]
    assert rows["map"].ours == pytest.approx(metrics["map"]["value"], abs=1e-4)


@pytest.fixture(scope="module")
def shared_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the runs of all recipes, which share trainings."""
    return tmp_path_factory.mktemp("reproduction")


NEEDS_MORE = {"galaxalign-fig7": 120, "lastufka2024-fig2": 120}
"""Recipes that need several test images of each class, and their number of images."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")  # which umap says when it is imported
@pytest.mark.usefixtures("in_an_empty_folder", "narrow")
@pytest.mark.parametrize("name", [name for name in RECIPES if not load_recipe(name).elsewhere])
def test_every_recipe_runs_at_the_small_scale(name: str, shared_output: Path) -> None:
    result = galaxtool.reproduce(name, scale="small", images=NEEDS_MORE.get(name, 60), output=shared_output)
    if result.recipe.rows:
        assert {row.row for row in result.rows} == {row.name for row in result.recipe.rows}
    for row in result.rows:
        is_done = (row.status, row.reason) in (("done", ""), ("done", "not defined on these images"))
        needs_plugin = row.status == "missing" and row.reason.endswith("galaxtool-zoobot, which is not installed.")
        needs_plugin &= row.row.endswith("as its authors tune")
        assert is_done or needs_plugin, row
        assert row.published is None or row.ours is None or row.difference == row.ours - row.published
    computed = [row for row in result.rows if row.status == "done"]
    assert sum(row.ours is not None for row in computed) > 0.3 * len(computed) > 0
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


def test_clusters_are_matched_and_scored_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(3), 20)
    features = rng.normal(0, 0.1, (60, 6)) + 5 * np.eye(3, 6)[targets]
    features[:4] = features[20:24]  # four images in the cluster of another class
    scores = score_clusters(features, targets, 3, seed=0)
    assert scores["accuracy"]["value"] == pytest.approx(56 / 60, abs=1e-6)
    assert np.array(scores["confusion"]).tolist() == [[16, 4, 0], [0, 20, 0], [0, 0, 20]]
    predicted = np.where(np.arange(60) < 4, 1, targets)
    expected = roc_auc_score(targets, np.eye(3)[predicted], multi_class="ovr")
    assert scores["roc_auc"]["value"] == pytest.approx(expected, abs=1e-6)
    assert scores["ari"]["value"] == pytest.approx(adjusted_rand_score(targets, predicted))
    assert scores["majority"] == pytest.approx(1 / 3) and scores["components"] == 2


def test_splits_leak_only_where_they_are_meant_to(tmp_path: Path) -> None:
    write_galaxy10(tmp_path / "a.h5", 60)
    dataset = open_dataset(f"galaxy10:{tmp_path}/a.h5")
    same = {"10": "0", "31": "21", "52": "42"}
    where = {item.id: (item.ra, item.dec) for item in dataset.items}
    assert all(where[a] == where[b] for a, b in same.items()) and len(set(where.values())) == 57

    def read(protocol: str, text: str = f"galaxy10:{tmp_path}/a.h5", share: float = 1.0) -> dict[str, str]:
        file = tmp_path / f"{protocol}.csv"
        write_split(file, open_dataset(text), protocol, test_fraction=0.2, valid_fraction=0.1, share=share)
        with file.open(encoding="utf-8", newline="") as stream:
            return {row["id"]: row["split"] for row in csv.DictReader(stream)}

    safe = read("leak-safe")
    assert len(safe) == 60 and all(safe[a] == safe[b] for a, b in same.items())
    assert set(safe.values()) == {"train", "valid", "test"}
    each = read("random")
    assert any(each[a] != each[b] for a, b in same.items())
    assert sum(split == "test" for split in each.values()) == 10
    half = read("random", share=0.5)
    assert sum(split == "unused" for split in half.values()) == 30
    copies = read("augmented-first", f"copies:galaxy10:{tmp_path}/a.h5")
    assert len(copies) == 120
    assert any(copies[str(row)] != copies[f"{row}-turned"] for row in range(60))
    turned = open_dataset(f"copies:galaxy10:{tmp_path}/a.h5").cutout(1).data
    assert np.array_equal(turned, np.rot90(dataset.cutout(0).data, axes=(1, 2))[:, :, ::-1])


def test_trainings_on_other_data_with_the_same_numbers_are_others(tmp_path: Path) -> None:
    def digest(rows: int, label: str = "a") -> str:
        folder = tmp_path / f"{rows}-{label}"
        folder.mkdir(exist_ok=True)
        for row in range(9):
            Image.fromarray(np.full((rows, 4, 3), row, dtype=np.uint8)).save(folder / f"{row}.png")
        lines = [f"{row},{row}.png,{label if row % 2 else 'b'}" for row in range(9)]
        (folder / "labels.csv").write_text("\n".join(["id,path,label", *lines]) + "\n")
        dataset = open_dataset(str(folder / "labels.csv"))
        return write_split(tmp_path / "s.csv", dataset, "random", test_fraction=0.3, valid_fraction=0.3)

    assert digest(4) == digest(4) and len({digest(4), digest(40), digest(4, "c")}) == 3


def test_values_are_read_from_the_files_of_a_run(tmp_path: Path) -> None:
    entry = {"value": 0.5, "low": 0.25, "high": 0.75}
    (tmp_path / "metrics.json").write_text(
        json.dumps({"test": {"accuracy": entry, "readouts": {"knn": {"f1": entry}}}})
    )
    (tmp_path / "history.csv").write_text("epoch,valid_loss,seconds\n1,0.9,30\n2,0.4,60\n3,0.6,30\n")
    targets = np.array([0, 0, 1, 1, 2])
    predicted = np.array([0, 1, 1, 1, 2])
    written = np.append(targets, [-1, 3])  # without a label, and with a coarser one
    linear = np.eye(3)[np.append(predicted, [0, 2])]
    np.savez(tmp_path / "readouts.npz", classes=np.array(["a", "b", "c"]), targets=written, linear=linear)
    assert read_value(tmp_path, "test.accuracy") == Value(0.5, 0.25, 0.75)
    assert read_value(tmp_path, "test.f1", "knn") == Value(0.5, 0.25, 0.75)
    evaluation = tmp_path / "evaluations" / "one"
    evaluation.mkdir(parents=True)
    (evaluation / "metrics.json").write_text(json.dumps({"retrieval": {"dot_product": {"map": entry}}}))
    assert read_value(tmp_path / "runs" / "one", "evaluation:retrieval.dot_product.map") == Value(0.5, 0.25, 0.75)
    expected = {
        "min:valid_loss": 0.4,
        "count:epoch": 3,
        "mean:seconds": 40,
        "minutes:seconds": 2,
        "last:valid_loss": 0.6,
    }
    for text, value in {**expected, "minutes:seconds": 2}.items():
        assert read_value(tmp_path, f"history:{text}") == Value(value)
    scores = f1_score(targets, predicted, average=None)
    for number, slug in enumerate("abc"):
        found = read_value(tmp_path, f"f1:{slug}")
        assert found is not None and found.low is not None and found.high is not None
        assert found.value == pytest.approx(scores[number]) and found.low <= found.value <= found.high
    assert read_value(tmp_path, "f1:d") is None
    for text in ("test.recall", "history:max:lr"):
        with pytest.raises(ConfigError):
            read_value(tmp_path, text)


def test_missing_weights_are_said_in_the_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_galaxy10(tmp_path / "a.h5", 60)
    with pytest.raises(GalaxtoolError, match="dinov1-s@dino are not on this machine"):
        galaxtool.reproduce("alberghi2024-figA1", data=["a.h5"])
    rows = read_rows(Path("reproduction/alberghi2024-figA1"))
    assert [(row["status"], row["ours"], row["published"]) for row in rows] == [
        ("missing", "", "0.16"),
        ("missing", "", "0.521"),
    ]


def test_a_missing_method_leaves_others_on_its_backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def start(config: FinetuneConfig, *_: object, **__: object) -> None:
        tried.append(config.method)
        if config.method == "zoobot":
            raise UnknownName("method", "zoobot", ["supervised"])

    monkeypatch.setattr("galaxtool.reproduction.execute.start_run", start)
    runner = Runner(Silent())
    configs = [
        FinetuneConfig(method=method, backbone="small-resnet@none", seed=seed)
        for seed, method in enumerate(("zoobot", "zoobot", "supervised"))
    ]
    outcomes = [runner.run(Training(config, tmp_path / str(config.seed))) for config in configs]
    assert [one.status for one in outcomes] == ["missing", "missing", "done"]
    assert tried == ["zoobot", "supervised"]


def test_an_interrupted_evaluation_is_continued_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        error = KeyboardInterrupt()
        error.add_note("Resume with: galaxtool reproduce vit-galaxy10-fig3 --resume")
        raise error

    monkeypatch.setattr("galaxtool.reproduction.run.draw_figures", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        galaxtool.reproduce("vit-galaxy10-fig3", scale="small", images=20, output=tmp_path)
    (note,) = caught.value.__notes__
    assert note.startswith("The same command continues; the table so far is")


def test_the_evaluation_of_an_earlier_training_is_not_that_of_a_new_one(tmp_path: Path) -> None:
    training = Training(FinetuneConfig(), tmp_path / "runs" / "one", evaluates=True)
    (folder := place_evaluation(training.path)).mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({"retrieval": {"dot_product": {}}}))
    files = find_model("mini")
    assert files.folder is not None
    digest = read_record(files).digest
    (folder / "manifest.json").write_text(json.dumps({"model": {"digest": digest}}))
    assert is_evaluated(training), "its model was removed"
    shutil.copytree(files.folder, training.path / "model")
    assert is_evaluated(training)
    (folder / "manifest.json").write_text(json.dumps({"model": {"digest": digest[::-1]}}))
    assert not is_evaluated(training)
