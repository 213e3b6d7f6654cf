"""A test split is scored once, at the end, and apart from the validation split that chose the epoch."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.training_helpers import run_command, run_failing, write_class_folders

import galaxtool as package
from galaxtool.evaluation.metrics import compute_classification_metrics
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import find_model

pytestmark = pytest.mark.usefixtures("narrow", "in_an_empty_folder")

QUICK = (
    "--backbone",
    "small-resnet@none",
    "--method",
    "supervised",
    "--epochs",
    "2",
    "--batch-size",
    "8",
    "--device",
    "cpu",
)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images") / "set"
    for k, split in enumerate(("train", "valid", "test")):
        write_class_folders(folder / split, each=(8, 3, 5)[k], first=10 * k)
    return folder


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_given_test_split_is_the_headline(images: Path) -> None:
    code, printed, said = run_command("finetune", images, *QUICK, "--out", "run")
    assert code == 0, said
    metrics: dict[str, Any] = json.loads(Path("run", "metrics.json").read_text())
    assert (metrics["split"], metrics["n"], metrics["test"]["n"], metrics["epochs_compared"]) == ("valid", 6, 10, 2)
    assert printed.index("Test, 10 images, scored once") < printed.index(
        "Validation, 6 images, which chose the best of 2 epochs"
    )
    assert "Classes, test images" in printed
    few = "Fewer than 10 validation images of disc (3), ring (3) and fewer than 10 test images of disc (5), ring (5): "
    assert f"Warning: {few}the scores of these classes say little." in said.replace("\n", " ")
    assert (printed + said).count("say little") == 1
    page = Path("run", "report.html").read_text()
    for text in (
        "Test, 10 images, scored once",
        "Validation, 6 images, which chose the best of 2 epochs",
        "say little",
    ):
        assert text in page
    assert page.index("Test, 10 images") < page.index("Validation, 6 images")
    assert f"Epoch {metrics['best_epoch']} of 2 is kept." in page and "200 are needed" in page
    engine = open_engine(find_model(Path("run")), "torch", "cpu")
    rows = [row for row in read_rows(Path("run", "split.csv")) if row["split"] == "test"]
    preprocess = engine.record.make_preprocess()
    scores = engine.run(np.stack([preprocess.picture(package.read_image(row["path"])) for row in rows]))
    targets = np.array([engine.record.slugs.index(row["label"]) for row in rows])
    wanted = compute_classification_metrics(scores.probabilities, targets, scores.embedding)
    for name in ("accuracy", "f1_macro", "map"):
        assert metrics["test"][name]["value"] == pytest.approx(wanted[name]["value"], abs=1e-5), name
    predicted = scores.probabilities.argmax(axis=1)
    for k, slug in enumerate(engine.record.slugs):
        entry = metrics["test"]["classes"][slug]
        assert (entry["n"], entry["n_predicted"]) == (5, int((predicted == k).sum()))
        assert entry["recall"]["value"] == pytest.approx((predicted[targets == k] == k).mean())
    assert engine.record.metrics == metrics and "which chose nothing" in engine.record.notes


@pytest.mark.slow
def test_the_test_split_changes_nothing_else(images: Path) -> None:
    """Neither the weights nor the scores of the validation split depend on it."""
    for where, name in ((None, "with"), ("split != 'test'", "without")):
        given = {"where": where} if where else {}
        package.finetune(
            images,
            method="supervised",
            backbone="small-resnet@none",
            epochs=1,
            batch_size=8,
            device="cpu",
            out=name,
            **given,
        )
    one, other = (json.loads(Path(name, "metrics.json").read_text()) for name in ("with", "without"))
    assert one.pop("test")["n"] == 10 and one == other
    weights = {Path(name, "model", "weights.safetensors").read_bytes() for name in ("with", "without")}
    assert len(weights) == 1


def test_a_test_fraction_is_held_out_by_groups(tmp_path: Path) -> None:
    folder = write_class_folders(tmp_path / "set", each=20)
    for name in ("ring", "disc"):
        (folder / name / "copy.png").write_bytes((folder / name / "0.png").read_bytes())
    code, printed, said = run_command(
        "finetune", folder, *QUICK, "--epochs", "1", "--out", "run", "--test-fraction", "0.3", "--valid-fraction", "0.2"
    )
    assert code == 0, said
    rows = read_rows(Path("run", "split.csv"))
    counts = Counter((row["label"], row["split"]) for row in rows)
    for name in ("ring", "disc"):
        assert [counts[name, split] for split in ("train", "valid", "test")] == [11, 4, 6]
        assert len({row["split"] for row in rows if row["id"] in (f"{name}/0", f"{name}/copy")}) == 1
    assert json.loads(Path("run", "metrics.json").read_text())["test"]["n"] == 12
    assert "Test, 12 images, scored once" in printed and "12 test images of 2 classes" in said


def test_scores_without_a_test_split_are_called_optimistic(images: Path) -> None:
    code, printed, said = run_command("finetune", images / "train", *QUICK, "--out", "run", "--valid-fraction", "0.4")
    assert code == 0, said
    assert "which chose the best of 2 epochs" in printed and "--test-fraction holds out others" in printed
    assert "optimistic" in json.loads(Path("run", "model", "model.json").read_text())["notes"]
    assert "cannot be measured on 6 validation images; 200 are needed" in said.replace("\n", " ")
    assert "ECE: not measurable with fewer than 200 images" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--test-fraction", "0.2"), "10 of the images have the split 'test' already"),
        (("--test-fraction", "0.9"), "--test-fraction is 0.9; it must be at least 0 and below 0.85"),
        (("--test-fraction", "-0.1"), "it must be at least 0"),
    ],
)
def test_fractions_that_cannot_be_held_out(options: tuple[str, ...], message: str, images: Path) -> None:
    assert message in run_failing("finetune", images, *QUICK, "--out", "run", *options)
    assert not Path("run").exists()


def test_test_images_of_classes_that_are_not_learned_are_left_out(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "set" / "train", each=6)
    write_class_folders(tmp_path / "set" / "valid", each=2, first=1)
    write_class_folders(tmp_path / "set" / "test", classes=("ring", "bar"), each=4, first=2)
    code, _, said = run_command("finetune", tmp_path / "set", *QUICK, "--epochs", "1", "--out", "run")
    assert code == 0, said
    assert "4 of the 8 test images have no class to be learned and are left out" in said.replace("\n", " ")
    test = json.loads(Path("run", "metrics.json").read_text())["test"]
    assert test["n"] == 4 and test["classes"]["disc"]["n"] == 0
    assert test["classes"]["disc"]["recall"] == {"value": None, "low": None, "high": None}
