"""The ways to read one training out, in metrics.json and as heads."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.training_helpers import make_task, run_command, run_failing, write_class_folders

from galaxtool.backbones.create import parse_name
from galaxtool.finetuning.data import LabeledImages
from galaxtool.finetuning.readouts import make_readouts, run_readouts, score_readouts
from galaxtool.finetuning.report import answer_for_training
from galaxtool.finetuning.task import TrainingSetup
from galaxtool.heads.logistic import LogisticHead
from galaxtool.methods.clip import stages as clip_stages
from galaxtool.methods.galaxalign import stages as galaxalign_stages
from galaxtool.plugins.registry import get_registry
from galaxtool.training.stage import embed_pictures


@pytest.mark.parametrize(
    ("stages", "names"),
    [
        (galaxalign_stages, ["prompt", "symbol", "both", "logistic", "knn"]),
        (clip_stages, ["prompt", "logistic", "knn"]),
    ],
)
def test_each_readout_is_its_head_on_the_same_features(stages: Any, names: list[str]) -> None:
    task = make_task(items=30, score="symbol")
    stage = stages(task)[-1]
    stage.begin()
    stage.eval()
    head = stage.make_head()
    readouts = make_readouts(task, head, task.objective)
    assert list(readouts) == names
    found = run_readouts(task, readouts, task.valid)
    unit = torch.nn.functional.normalize(embed_pictures(task, task.valid), dim=1)
    for name, values in (("prompt", head.prompts), ("symbol", head.symbols)):
        if name in names:
            torch.testing.assert_close(found[name].logits, head.log_scale.exp() * unit @ values.T)
    scores = score_readouts(task, readouts, task.valid, seed=0)
    for name, scored in found.items():
        share = float((scored.logits.argmax(dim=1).numpy() == task.valid.targets).mean())
        assert scores[name]["accuracy"]["value"] == pytest.approx(share)
    assert torch.equal(head.weights, stage.make_head().weights)  # the head itself is unchanged


def test_images_with_coarse_labels_are_neither_fitted_nor_scored() -> None:
    task = make_task(items=30)
    valid = replace(task.valid, targets=np.array([0, 1, 3, 2, -1, 0]))
    task = replace(task, valid=valid, label_sets=torch.cat([torch.eye(3), torch.ones(1, 3)]))
    stage = clip_stages(task)[0].eval()
    scores = score_readouts(task, make_readouts(task, stage.make_head(), task.objective), valid, seed=0)
    assert all(round(4 * score["accuracy"]["value"]) == 4 * score["accuracy"]["value"] for score in scores.values())


def test_fitted_heads_answer_for_the_mix_of_the_images_that_they_are_fitted_to() -> None:
    task, registry = make_task(items=200), get_registry()
    targets = np.array([0] * 60 + [1] * 100 + [2] * 20 + [3] * 20)  # the last are of one of all classes
    train = replace(task.train, targets=targets, weights=np.where(targets == 1, 9.0, 1.0))
    sets = torch.cat([torch.eye(3), torch.ones(1, 3)])
    task = replace(task, train=train, label_sets=sets, options=replace(task.options, class_weights="inverse"))
    nothing = np.zeros(0)
    labeled = LabeledImages(
        datasets=[], locations=[], items=[], slugs=[], splits=nothing, weights=nothing, taxonomy=task.taxonomy
    )
    method, head = registry.methods.find("supervised").spec, registry.heads.find("logistic").spec
    setup = TrainingSetup(labeled, parse_name("mini", registry), None, method, head)
    found = answer_for_training(task, setup)
    assert found.options.scores_prior == "training" and found.options.class_weights == "inverse"
    noise = torch.randn((180, 8), generator=torch.Generator().manual_seed(0))
    fitted = LogisticHead(8, 3).fit(noise, targets[:180])
    means = torch.softmax(fitted(noise), dim=1).mean(dim=0).detach().numpy()  # those of features that say nothing
    np.testing.assert_allclose(found.objective.prior, [1 / 3, 5 / 9, 1 / 9])
    np.testing.assert_allclose(means, found.objective.prior, atol=0.01)


@pytest.mark.slow
def test_finetune_writes_readouts_and_keeps_a_logistic_head(tmp_path: Path) -> None:
    images = write_class_folders(tmp_path / "set", each=12)
    options = (
        "--backbone",
        "small-resnet@none",
        "--epochs",
        1,
        "--test-fraction",
        "0.2",
        "--device",
        "cpu",
        "--weight",
        "set/ring=4",
    )
    given = (images, "--method", "clip", "--head", "logistic", "--readouts", *options, "-o", tmp_path / "run")
    code, _, err = run_command("finetune", *given)
    assert code == 0, err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert list(metrics["readouts"]) == list(metrics["test"]["readouts"]) == ["prompt", "logistic", "knn"]
    assert metrics["readouts"]["logistic"]["accuracy"] == metrics["accuracy"]
    with np.load(tmp_path / "run" / "readouts.npz") as stored:
        truth, classes = stored["targets"], stored["classes"].tolist()
        rows = list(csv.DictReader((tmp_path / "run" / "split.csv").read_text().splitlines()))
        assert [classes[target] for target in truth] == [row["label"] for row in rows if row["split"] == "test"]
        for name, scores in metrics["test"]["readouts"].items():
            np.testing.assert_allclose(stored[name].sum(axis=1), 1, atol=1e-5)
            assert (stored[name].argmax(axis=1) == truth).mean() == pytest.approx(scores["accuracy"]["value"])
    record = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert record["head"] == "logistic" and record["prior"] == {
        "ring": 0.5,
        "disc": 0.5,
    }  # each image was fitted to once
    code, _, err = run_command("classify", images, "--model", tmp_path / "run", "-o", tmp_path / "out.csv")
    assert code == 0, err


def test_readouts_of_votes_are_refused(tmp_path: Path) -> None:
    images = write_class_folders(tmp_path / "set", each=2)
    said = run_failing("finetune", images, "--method", "supervised", "--votes", "gz2", "--readouts")
    assert "votes, which have no classes" in said
