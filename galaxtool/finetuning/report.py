"""The files that a training leaves in its run directory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from torch import nn

from galaxtool.errors import TrainingError
from galaxtool.evaluation.prior import TRAINING
from galaxtool.finetuning.appearance import learn_appearance
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import LabeledImages
from galaxtool.finetuning.model_record import make_record
from galaxtool.finetuning.readouts import make_readouts, save_probabilities, score_readouts
from galaxtool.finetuning.score_tables import list_score_tables
from galaxtool.finetuning.scoring import ScoredPictures, run_head, score_test, score_validation
from galaxtool.finetuning.split_table import hash_numbers
from galaxtool.finetuning.task import TrainingSetup, make_objective
from galaxtool.models.directory import save_model
from galaxtool.models.network import GalaxyModel
from galaxtool.models.onnx.kept_images import (
    MAX_CALIBRATION,
    KeptImages,
    choose_evenly,
    count_kept,
    get_classes,
    keep_check_images,
)
from galaxtool.models.record import ModelRecord
from galaxtool.models.unlike_training import write_detector
from galaxtool.plotting.charts.confusion import draw_confusion
from galaxtool.plotting.charts.training import draw_training
from galaxtool.plotting.class_names import name_classes
from galaxtool.plotting.save import save_figure
from galaxtool.plugins.specs import HeadSpec
from galaxtool.reports.html.training import write_training_page
from galaxtool.training.objective import scale_logits
from galaxtool.training.stage import embed_pictures
from galaxtool.training.state import Outcome
from galaxtool.training.task import PictureSet, Task
from galaxtool.types import Progress, Temperature
from galaxtool.utils.digests import hash_file
from galaxtool.utils.files.atomic_write import atomic_write, write_json
from galaxtool.utils.run_directory import RunDirectory


def write_inputs(run: RunDirectory, config: FinetuneConfig, labeled: LabeledImages) -> None:
    """Write ``config.toml``, and add the data sets and the digest of the split to the manifest."""
    settings = {name: value for name, value in config.to_dict().items() if value is not None}
    with atomic_write(run.path / "config.toml") as temporary:
        temporary.write_text(tomli_w.dumps({"finetune": settings}), encoding="utf-8")
    run.manifest["inputs"] = [
        {"name": dataset.name, "images": len(dataset.items), "split_sha256": hash_file(run.path / "split.csv")}
        for dataset in labeled.datasets
    ]
    if numbers := hash_numbers(labeled):
        run.manifest["numbers_sha256"] = numbers
    if labeled.coarse:
        run.manifest["coarse_labels"] = {label: list(classes) for label, classes in labeled.coarse.items()}
    run.save()


def finish_run(
    run: RunDirectory,
    config: FinetuneConfig,
    task: Task,
    outcome: Outcome,
    setup: TrainingSetup,
    *,
    test: PictureSet | None,
    log: Progress,
) -> dict[str, Any]:
    """Score the best epoch; write ``metrics.json``, the figures and the model directory.

    Parameters
    ----------
    run : RunDirectory
    config : FinetuneConfig
    task : Task
    outcome : Outcome
    setup : TrainingSetup
    test : PictureSet or None
        Test split, which is scored here for the first time.
    log : Progress

    Returns
    -------
    dict
        The metrics.
    """
    trained = task
    if setup.head.fitted:
        task = answer_for_training(task, setup)
    head = _fit_head(task, setup.head) or outcome.head
    has_classes = setup.head.name != "none"
    figures = run.path / "figures"
    scored = run_head(task, head, task.valid.select_labeled() if has_classes else task.valid)
    metrics, temperature = score_validation(task, scored, outcome, calibrate=config.calibrate, seed=config.seed)
    if noise := setup.labeled.noisy and getattr(trained.objective, "noise", None):
        metrics["noise"] = noise.describe(task.taxonomy.slugs)
    if note := metrics.get("calibration", {}).get("note"):
        log.say(note)
    if has_classes and test is not None:
        tested = run_head(task, head, test)
        metrics["test"] = score_test(task, tested, temperature=temperature, seed=config.seed)
        _draw_confusion(task, tested, temperature, "Test", figures / "confusion_test.png")
    if config.readouts and has_classes:
        _add_readouts(run, metrics, trained, outcome, setup, test, seed=config.seed)
    write_json(run.path / "metrics.json", metrics)
    _draw_history(outcome, figures / "history.png")
    if has_classes:
        _draw_confusion(task, scored, temperature, "Validation", figures / "confusion.png")
    record = make_record(run.path.name, config, task, setup, outcome=outcome, metrics=metrics, temperature=temperature)
    fitted = learn_appearance(task, test)
    if fitted is not None:
        record = replace(record, unlike_training=fitted[1])
    model = GalaxyModel(task.backbone, head, outcome.symbol_tower, symbol_statistics=outcome.symbol_statistics).eval()
    record = save_model(run.path / "model", model, record, task.taxonomy)
    if fitted is not None:
        write_detector(run.path / "model", fitted[0])
    keep_check_images(run.path, _choose_kept(trained), record.weights_sha256)
    _write_page(run, record, setup, outcome)
    run.manifest["metrics"] = metrics
    run.manifest["citations"] = record.citations
    return metrics


def _choose_kept(task: Task) -> KeptImages:
    """Return the images that a run keeps for `export`, about equally many of every class."""
    size, valid = task.valid.pictures.shape[1], task.valid
    chosen = choose_evenly(valid.targets, count_kept(valid.pictures[:1].nbytes))
    classes = get_classes(valid.targets, len(task.taxonomy))
    return KeptImages(
        valid.pictures[chosen],
        None if classes is None else classes[chosen],
        task.train.take(choose_evenly(task.train.targets, MAX_CALIBRATION), size),
    )


def answer_for_training(task: Task, setup: TrainingSetup) -> Task:
    """Return the task with the objective of fitted heads, whose scores assume the frequencies of the training images.

    That is each training image with a class, once: neither the weights of the data sets nor coarser labels count.
    """
    options = replace(task.options, scores_prior=TRAINING)
    label_sets = None if task.label_sets is None else task.label_sets.cpu().numpy()
    fitted = task.train.select_classes(len(task.taxonomy))
    fitted = replace(fitted, weights=np.ones(len(fitted)))
    # nothing is trained any more; a class with coarse labels only has no weight
    objective = make_objective(setup, replace(options, class_weights="none"), fitted, label_sets)
    return replace(task, options=options, objective=objective)


def _add_readouts(
    run: RunDirectory,
    metrics: dict[str, Any],
    task: Task,
    outcome: Outcome,
    setup: TrainingSetup,
    test: PictureSet | None,
    *,
    seed: int,
) -> None:
    """Add the scores of all ways to read the training out, and those on the test split to ``test``.

    The probabilities of the test images are written to ``readouts.npz``.
    """
    readouts = make_readouts(task, outcome.head, answer_for_training(task, setup).objective)
    metrics["readouts"] = score_readouts(task, readouts, task.valid, seed=seed)
    if test is not None:
        metrics["test"]["readouts"] = score_readouts(task, readouts, test, seed=seed)
        save_probabilities(run.path / "readouts.npz", task, readouts, test)


def _write_page(run: RunDirectory, record: ModelRecord, setup: TrainingSetup, outcome: Outcome) -> None:
    """Write ``report.html``: the scores, the figures and what to beware of."""
    metrics, figures = record.metrics, run.path / "figures"
    calibration = metrics.get("calibration", {}).get("note", "")
    write_training_page(
        run.path / "report.html",
        title=run.path.name,
        kept=f"Epoch {metrics['best_epoch']} of {len(outcome.history)} is kept.",
        tables=list_score_tables(metrics) if "n" in metrics else [],
        notes=[note for note in (record.notes, calibration, *setup.labeled.warnings) if note],
        settings={
            "Method": setup.method.name,
            "Backbone": record.backbone,
            "Head": record.head,
            "Data": ", ".join(record.data["names"]),
            "Images": ", ".join(f"{sum(n.values())} {split}" for split, n in record.data["counts"].items()),
            "Made by": f"galaxtool {record.galaxtool}, {record.created}",
        },
        figures=[
            ("Confusion matrix, test", figures / "confusion_test.png"),
            ("Confusion matrix, validation", figures / "confusion.png"),
            ("Learning curves", figures / "history.png"),
        ],
    )


def _draw_confusion(task: Task, scored: ScoredPictures, temperature: Temperature, split: str, path: Path) -> None:
    """Draw the confusion matrix of the pictures with a class, unless the targets are votes."""
    scored = scored.select_classes(len(task.taxonomy))
    if scored.pictures.targets.ndim == 1 and len(scored.pictures):
        predicted = scale_logits(task.objective, scored.logits, temperature).argmax(dim=1).numpy()
        title = f"{split}, {len(scored.pictures)} images"
        figure = draw_confusion(scored.pictures.targets, predicted, name_classes(task.taxonomy.slugs), title=title)
        save_figure(figure, path, path.with_suffix(".pdf"))


def _draw_history(outcome: Outcome, path: Path) -> None:
    """Draw the losses and scores by epoch."""
    save_figure(draw_training(outcome.history, outcome.best["epoch"]), path, path.with_suffix(".pdf"))


def _fit_head(task: Task, spec: HeadSpec) -> nn.Module | None:
    """Return a head fitted to the features of the training images, or None where the head is trained instead."""
    if not spec.fitted:
        return None
    head: Any = replace(task, head=spec.name).make_head()
    pictures = task.train.select_classes(len(task.taxonomy))
    if not len(pictures):
        raise TrainingError(
            f"The head '{spec.name}' is fitted to images with a class, and all labels are coarser.",
            hint="Add a data set labelled with classes, or use another --head.",
        )
    head.fit(embed_pictures(task, pictures), pictures.targets)
    fitted: nn.Module = head.eval()
    return fitted
