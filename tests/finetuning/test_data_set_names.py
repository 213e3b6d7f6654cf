"""Data sets of the same name, and the names by which settings and recipes call data sets."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from support.training_helpers import run_command, run_failing, write_class_folders

from galaxtool.errors import GalaxtoolError, InputError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import LabeledImages, gather_labeled
from galaxtool.finetuning.recipes import apply_recipe
from galaxtool.finetuning.split_table import write_split

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


def test_a_name_that_begins_like_another() -> None:
    write_class_folders(Path("cut"), each=6)
    names = ("cut", "cut/*/*.png")
    labeled = gather_labeled(FinetuneConfig(dataset=names, noisy=names, method="supervised"))
    assert [own.labels for own in labeled.noisy] == [
        tuple(f"{name}/{kind}" for kind in ("disc", "ring")) for name in names
    ]


def test_names_that_are_columns_of_the_history() -> None:
    for number, name in enumerate(("macro", "mean")):
        write_class_folders(Path(name), each=6, first=number)
    labeled = gather_labeled(FinetuneConfig(dataset=("macro", "mean"), method="supervised"))
    assert [own.column for own in labeled.terms] == ["macro_2", "mean_2"]


def test_the_split_of_stacks_in_another_order_and_alone() -> None:
    for number, name in enumerate(("a", "b")):
        images = np.random.default_rng(number).integers(0, 255, (20, 8, 8, 3), dtype=np.uint8)
        np.savez(f"{name}.npz", images=images, labels=np.arange(20) % 2)

    def gather(*names: str, split: Path | None = None) -> LabeledImages:
        return gather_labeled(FinetuneConfig(dataset=names, split=split, method="supervised"))

    def find_splits(labeled: LabeledImages) -> dict[tuple[str, str], str]:
        names = [(labeled.datasets[d].name, labeled.datasets[d].items[i].id) for d, i in labeled.locations]
        return dict(zip(names, labeled.splits.tolist(), strict=True))

    both = gather("a.npz", "b.npz")
    write_split(Path("both.csv"), both)
    assert find_splits(gather("b.npz", "a.npz", split=Path("both.csv"))) == find_splits(both)
    alone = find_splits(gather("b.npz", split=Path("both.csv")))
    assert alone == {key: split for key, split in find_splits(both).items() if key[0] == "b"}
    Path("b.npz").rename("other.npz")
    renamed = find_splits(gather("a.npz", "other.npz", split=Path("both.csv")))
    assert list(renamed.values()) == list(find_splits(both).values())
    Path("a.npz").rename("new.npz")
    with pytest.raises(InputError, match="does not list 20 of the 40 images"):
        Path("other.npz").rename("b.npz")
        gather("b.npz", "new.npz", split=Path("both.csv"))
