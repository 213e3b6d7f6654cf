"""``galaxtool evaluate`` on the images of a training: it finds the same scores as the training."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.helpers import write_png
from support.training_helpers import narrow_resnet, run_command, write_class_folders

import galaxtool
from galaxtool.errors import GalaxtoolError, InputError
from galaxtool.evaluation.calibration_error import expected_calibration_error
from galaxtool.tables.read import read_table
from galaxtool.types import Silent

pytestmark = pytest.mark.slow

TINY = ("--backbone", "small-resnet@none", "--epochs", 2, "--batch-size", 16)
COLUMNS = ("smooth-or-featured_smooth", "smooth-or-featured_featured-or-disk", "smooth-or-featured_artifact")


@pytest.fixture(scope="module", autouse=True)
def narrow() -> Iterator[None]:
    with narrow_resnet():
        yield


def train(output: Path, *args: object) -> dict[str, Any]:
    code, _, said = run_command("finetune", *args, *TINY, "--out", output)
    assert code == 0, said
    return json.loads((output / "metrics.json").read_text())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("data") / "images", classes=("ring", "disc", "bar"), each=40)


@pytest.fixture(scope="module")
def run(data: Path) -> Path:
    train(data.parent / "run", data, "--method", "supervised", "--test-fraction", 0.2)
    return data.parent / "run"


@pytest.mark.parametrize("split", ["valid", "test"])
def test_scores_of_a_run_are_its_own(split: str, run: Path, data: Path, tmp_path: Path) -> None:
    own = json.loads((run / "metrics.json").read_text())
    own = own["test"] if split == "test" else own
    found = galaxtool.evaluate(data, model=run, output=tmp_path / "out", split=split, figures=False)
    assert found.n == own["n"] and found.split == split
    for name in ("accuracy", "f1_macro", "roc_auc", "map", "map_at_5"):
        assert found.metrics[name]["value"] == pytest.approx(own[name]["value"], abs=2e-4), name
    temperature = json.loads((run / "model" / "model.json").read_text())["temperature"]
    crossed = split == "valid" and temperature != 1
    assert found.metrics["calibration"]["cross_fitted"] is crossed
    assert found.metrics["ece"]["value"] == pytest.approx(own["ece"]["value"], abs=2e-3)
    table = read_table(tmp_path / "out" / "predictions.parquet")
    assert set(table["split"]) == {split}
    if not crossed:
        slugs = list(found.metrics["classes"])
        probabilities = np.array([table[f"p_{slug}"] for slug in slugs]).T
        targets = np.array([slugs.index(slug) for slug in table["truth"]])
        expected = expected_calibration_error(probabilities, targets)
        assert found.metrics["ece"]["value"] == pytest.approx(expected, abs=1e-6)


def test_the_test_split_is_the_default_and_training_images_are_noticed(run: Path, data: Path, tmp_path: Path) -> None:
    found = galaxtool.evaluate(data, model=run, output=tmp_path / "test", figures=False)
    assert found.split == "test" and not any("training images" in note for note in found.notes)
    everything = galaxtool.evaluate(data, model=run, output=tmp_path / "all", split="all", figures=False)
    assert everything.n == 120
    assert any("are training images of this run" in note for note in everything.notes)


def test_an_interrupted_evaluation_is_resumed(run: Path, data: Path, tmp_path: Path) -> None:
    class Stop(Silent):
        def start(self, what: str, total: int | None = None) -> None:
            if what == "Resampling":
                raise KeyboardInterrupt

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    galaxtool.evaluate(data, model=run, output=whole, figures=False)
    with pytest.raises(KeyboardInterrupt) as caught:
        galaxtool.evaluate(data, model=run, output=broken, figures=False, progress=Stop())
    assert "resume=True" in caught.value.__notes__[0]
    assert json.loads((broken / "manifest.json").read_text())["status"] == "interrupted"
    with pytest.raises(GalaxtoolError, match="already contains an interrupted run"):
        galaxtool.evaluate(data, model=run, output=broken, figures=False)
    with pytest.raises(InputError, match=r"--split left out \(now valid\)"):
        galaxtool.evaluate(data, model=run, output=broken, figures=False, resume=True, split="valid")
    galaxtool.evaluate(data, model=run, output=broken, figures=False, resume=True)
    for name in ("metrics.json", "embeddings.parquet"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()
    assert {path.name for path in broken.iterdir()} == {path.name for path in whole.iterdir()}


def test_votes_are_scored_by_their_likelihood_and_shares(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [["path", "z", *COLUMNS]]
    for i in range(40):
        write_png(tmp_path / "images" / f"{i}.png", i)
        rows.append([f"images/{i}.png", str(i / 100), *map(str, rng.multinomial(20, [0.5, 0.3, 0.2]))])
    with (tmp_path / "catalogue.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    catalogue, run, output = tmp_path / "catalogue.csv", tmp_path / "run", tmp_path / "out"
    own = train(run, catalogue, "--votes", "gz-decals", "--method", "supervised", "--valid-fraction", 0.5)
    found = galaxtool.evaluate(catalogue, model=run, output=output, split="valid").metrics
    assert found["n"] == own["n"] and found["n_votes"] == own["n_votes"] == 20 * own["n"]
    for name in ("loss", "mean_error", "accuracy"):
        value = own[name]["value"]
        assert found[name]["value"] == (None if value is None else pytest.approx(value, rel=1e-3))
    table = read_table(output / "predictions.parquet")
    (question,) = found["questions"].values()
    for name, answer in zip(COLUMNS, question["answers"].values(), strict=True):
        shares, expected = table[name] / 20, table[f"p_{name.replace('-', '_')}"]
        assert answer["observed"] == pytest.approx(shares.mean(), abs=1e-6)
        assert answer["expected"] == pytest.approx(expected.mean(), abs=1e-5)
        assert answer["mean_error"] == pytest.approx(np.abs(shares - expected).mean(), abs=1e-5)
    assert (output / "tables" / "answers.csv").is_file() and "Questions" in (output / "report.html").read_text()
    many = galaxtool.evaluate(catalogue, model=run, output=tmp_path / "tta", split="valid", tta=4).metrics
    assert "loss" not in many and many["mean_error"]["value"] is not None
    for option, value in (("by", ["z"]), ("coarse", "gz2-5"), ("prior", "uniform"), ("perturb", ["noise"])):
        with pytest.raises(GalaxtoolError, match="votes"):
            galaxtool.evaluate(catalogue, model=run, output=tmp_path / "no", **{option: value})
