"""Data sets of the same name, and the names by which settings and recipes call data sets."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from support.training_helpers import run_command, run_failing, write_class_folders

from galaxtool.errors import GalaxtoolError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import gather_labeled
from galaxtool.finetuning.recipes import apply_recipe

pytestmark = pytest.mark.usefixtures("narrow", "in_an_empty_folder")

QUICK = ("--backbone", "small-resnet@none", "--method", "supervised", "--epochs", 1, "--batch-size", 8)
RECIPE = '[finetune]\ndataset = ["{good}", "{bad}"]\nweight = ["{good}=5", "{bad}=0.5"]\nnoisy = ["{bad}=0.2"]\n'


@pytest.fixture
def twins() -> tuple[str, str]:
    """Two data sets in folders of the same name."""
    folders = (Path("first", "cutouts"), Path("second", "cutouts"))
    for number, folder in enumerate(folders):
        write_class_folders(folder, each=6, first=number)
    return str(folders[0]), str(folders[1])


def test_each_has_its_own_weight_and_scores(twins: tuple[str, str]) -> None:
    code, _, said = run_command(
        "finetune", twins[0], f"{twins[1]}/", "--weight", "first/cutouts=3", "--weight", "second/cutouts/ring=2",
        "--valid-fraction", 0.4, *QUICK, "--device", "cpu", "-o", "run",
    )  # fmt: skip
    assert code == 0, said
    with Path("run/split.csv").open(newline="") as stream:
        weights = {(row["id"][0], row["label"], float(row["weight"])) for row in csv.DictReader(stream)}
    assert weights == {("0", "ring", 3), ("0", "disc", 3), ("1", "ring", 2), ("1", "disc", 1)}
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert list(metrics["datasets"]) == list(twins)
    assert sum(entry["n"] for entry in metrics["datasets"].values()) == metrics["n"]
    assert json.loads(Path("run/model/model.json").read_text())["data"]["names"] == list(twins)


def test_a_name_that_two_have_is_refused(twins: tuple[str, str]) -> None:
    said = run_failing("finetune", *twins, "--weight", "cutouts=3", *QUICK, "-o", "run")
    assert "no data set in --weight called 'cutouts'" in said and "second/cutouts" in said


@pytest.mark.parametrize("kind", ["folders", "tables"])
def test_slots_of_a_recipe_with_the_same_name(kind: str, twins: tuple[str, str]) -> None:
    Path("mine.toml").write_text(RECIPE)
    given = list(twins)
    if kind == "tables":
        for number, folder in enumerate(map(Path, twins)):
            lines = [f"{path.relative_to(folder)},{path.parent.name}\n" for path in sorted(folder.glob("*/*.png"))]
            (folder / f"labels{number}.csv").write_text("path,label\n" + "".join(lines))
            given[number] = str(folder / f"labels{number}.csv")
    config = FinetuneConfig(recipe="mine.toml", data=[f"good={given[0]}", f"bad={given[1]}"])
    labeled = gather_labeled(apply_recipe(config))
    sources = [number for number, _ in labeled.locations]
    assert {*zip(sources, labeled.weights.tolist(), strict=True)} == {(0, 5.0), (1, 0.5)}
    (noisy,) = labeled.noisy
    assert noisy.dataset == (twins[1] if kind == "folders" else "labels1") and noisy.rate == 0.2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (("good=a", "bad=b", "other=c"), "There is no slot for data in 'mine.toml' called 'other'."),
        (("good=a", "bad=b", "bad=c"), "--data fills 'bad' twice."),
    ],
)
def test_data_that_a_recipe_does_not_take(data: tuple[str, ...], message: str) -> None:
    Path("mine.toml").write_text(RECIPE)
    with pytest.raises(GalaxtoolError, match=message):
        apply_recipe(FinetuneConfig(recipe="mine.toml", data=data))
