"""Scores of a training in bfloat16 are those of the model that is saved and exported."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.training_helpers import run_command, write_class_folders

import galaxtool as package
from galaxtool.evaluation.metrics import compute_classification_metrics
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import find_model
from galaxtool.models.record import ModelRecord

pytestmark = pytest.mark.usefixtures("narrow", "in_an_empty_folder")

SCORES = ("accuracy", "f1_macro", "roc_auc", "map_at_5", "map")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("images") / "set", classes=("ring", "disc", "bar"), each=16)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_scores_are_those_of_the_pictures_that_classify_sees(tmp_path: Path) -> None:
    """Large JPEGs are decoded at a reduced size, which gives other pixels than all of the file."""
    rng = np.random.default_rng(0)
    for split, n in (("train", 4), ("valid", 6)):
        for k, name in enumerate(("ring", "disc")):
            for i in range(n):
                path = tmp_path / "set" / split / name / f"{i}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                coarse = Image.fromarray(rng.integers(0, 255 - 60 * k, (50, 50, 3), dtype=np.uint8))
                coarse.resize((400, 400)).save(path, quality=90)
    run = package.finetune(
        tmp_path / "set", method="supervised", backbone="small-resnet@none", epochs=1, batch_size=4, device="cpu",
        out="run", where="label in ('ring', 'disc')",
    ).run  # fmt: skip
    table = package.classify(tmp_path / "set" / "valid", model=run, output="p.csv").table
    with np.load(run / "check_images.npz") as content:
        kept = content["pictures"]
    paths = [row["path"] for row in read_rows(run / "split.csv") if row["split"] == "valid"]
    preprocess = ModelRecord.read(run / "model" / "model.json").make_preprocess()
    whole = np.stack([preprocess.picture(package.read_image(path)) for path in paths])
    assert np.abs(whole.astype(int) - kept).max() > 2
    scores = open_engine(find_model(run), "torch", "cpu").run(kept)
    by_path = {str(row["path"]): row["p_ring"] for row in table}
    shown = [next(p for name, p in by_path.items() if path.endswith(name)) for path in paths]
    np.testing.assert_allclose(scores.probabilities[:, 1], shown, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["supervised", "linear-probe"])
def test_scores_of_a_bf16_training_are_those_of_the_exported_file(method: str, images: Path) -> None:
    run = package.finetune(
        images, method=method, backbone="small-resnet@none", epochs=2, batch_size=12, precision="bf16", device="cpu",
        valid_fraction=0.5, out="run",
    ).run  # fmt: skip
    code, _, said = run_command("export", "--model", run, "-o", run / "model" / "model.onnx", "--quiet")
    assert code == 0, said
    rows = [row for row in read_rows(run / "split.csv") if row["split"] == "valid"]
    kept: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    history = read_rows(run / "history.csv")[kept["best_epoch"] - 1]
    labels = []
    for name in ("torch", "onnx"):
        engine = open_engine(find_model(run), name, "cpu")
        preprocess = engine.record.make_preprocess()
        scores = engine.run(np.stack([preprocess.picture(package.read_image(row["path"])) for row in rows]))
        targets = np.array([engine.record.slugs.index(row["label"]) for row in rows])
        found = compute_classification_metrics(scores.probabilities, targets, scores.embedding)
        for score in SCORES:
            assert found[score]["value"] == pytest.approx(kept[score]["value"], abs=1e-5), (name, score)
        # in bf16 the loss differs in the third digit
        unscaled = scores.logits - np.log(np.exp(scores.logits).sum(axis=1, keepdims=True))
        loss = -float(unscaled[np.arange(len(rows)), targets].mean())
        assert loss == pytest.approx(float(history["valid_loss"]), abs=2e-5), name
        labels.append(scores.probabilities.argmax(axis=1))
    assert np.array_equal(*labels)
