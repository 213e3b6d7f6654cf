"""Scores of a training in bfloat16 are those of the model that is saved and exported."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.training_helpers import run_command, write_class_folders

import galaxtool as package
from galaxtool.evaluation.metrics import compute_classification_metrics
from galaxtool.models.engines.open import open_engine
from galaxtool.models.find import find_model

pytestmark = pytest.mark.usefixtures("narrow", "in_an_empty_folder")

SCORES = ("accuracy", "f1_macro", "roc_auc", "map_at_5", "map")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_class_folders(tmp_path_factory.mktemp("images") / "set", classes=("ring", "disc", "bar"), each=16)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("method", ["supervised", "linear-probe"])
def test_scores_of_a_bf16_training_are_those_of_the_exported_file(method: str, images: Path) -> None:
    run = package.finetune(
        images, method=method, backbone="mini@none", epochs=2, batch_size=12, precision="bf16", device="cpu",
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
