"""The files that a training leaves in its run directory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import tomli_w
from torch import nn

from galaxtool import __version__
from galaxtool.errors import TrainingError
from galaxtool.evaluation.prior import TRAINING
from galaxtool.finetuning.appearance import learn_appearance
from galaxtool.finetuning.captions import list_words
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import LabeledImages
from galaxtool.finetuning.data_record import describe_data
from galaxtool.finetuning.domain import describe_domain
from galaxtool.finetuning.readouts import make_readouts, save_probabilities, score_readouts
from galaxtool.finetuning.score_tables import list_score_tables
from galaxtool.finetuning.scoring import ScoredPictures, run_head, score_test, score_validation
from galaxtool.finetuning.task import TrainingSetup, make_objective
from galaxtool.inference.field_of_view import summarize_fields
from galaxtool.inference.training_domain import DOMAIN
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
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import Citation, HeadSpec
from galaxtool.reports.html.training import write_training_page
from galaxtool.taxonomy.quantities import quantities_to_dict
from galaxtool.training.objective import scale_logits
from galaxtool.training.options import TrainOptions
from galaxtool.training.stage import embed_pictures
from galaxtool.training.state import Outcome
from galaxtool.training.task import PictureSet, Task
from galaxtool.types import Progress
from galaxtool.utils.atomic_write import atomic_write, write_json
from galaxtool.utils.digests import hash_file
from galaxtool.utils.run_directory import RunDirectory, utc_now


def write_inputs(run: RunDirectory, config: FinetuneConfig, labeled: LabeledImages) -> None:
    """Write ``config.toml``, and add the data sets and the digest of the split to the manifest."""
    settings = {name: value for name, value in config.to_dict().items() if value is not None}
    with atomic_write(run.path / "config.toml") as temporary:
        temporary.write_text(tomli_w.dumps({"finetune": settings}), encoding="utf-8")
    run.manifest["inputs"] = [
        {"name": dataset.name, "images": len(dataset.items), "split_sha256": hash_file(run.path / "split.csv")}
        for dataset in labeled.datasets
    ]
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
        task = _answer_for_training(task, setup)
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
    record = _make_record(run, config, task, setup, outcome=outcome, metrics=metrics, temperature=temperature)
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


def _answer_for_training(task: Task, setup: TrainingSetup) -> Task:
    """Return the task with the objective of fitted heads, whose scores answer for the mix of the training."""
    options = replace(task.options, scores_prior=TRAINING)
    label_sets = None if task.label_sets is None else task.label_sets.cpu().numpy()
    objective = make_objective(setup, options, task.train, label_sets)
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
    readouts = make_readouts(task, outcome.head, _answer_for_training(task, setup).objective)
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


def _draw_confusion(task: Task, scored: ScoredPictures, temperature: float, split: str, path: Path) -> None:
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


def _make_record(
    run: RunDirectory,
    config: FinetuneConfig,
    task: Task,
    setup: TrainingSetup,
    *,
    outcome: Outcome,
    metrics: dict[str, Any],
    temperature: float,
) -> ModelRecord:
    """Return the content of ``model.json``."""
    method, backbone = setup.method, setup.backbone
    votes = getattr(task.taxonomy, "votes", None)
    return ModelRecord(
        name=run.path.name,
        # a model from a hub is rebuilt from what its files said, even where they are no longer at hand
        backbone=getattr(getattr(task.backbone, "image", task.backbone), "recorded_name", "") or str(backbone),
        dim=task.backbone.dim,
        head=setup.head.name,
        preprocess=task.preprocess.as_dict(),
        taxonomy=task.taxonomy.as_dict(),
        temperature=temperature,
        method={**asdict(task.options), "name": method.name, "options": dict(task.options.method)},
        data={
            **describe_data(setup.labeled, config),
            **summarize_fields(task.train.fields),
            DOMAIN: describe_domain(setup.labeled, task).as_dict(),
        },
        metrics=metrics,
        votes=votes.as_dict() if votes else None,
        regression=quantities_to_dict(task.taxonomy.quantities) if task.taxonomy.quantities else None,
        prior=_describe_prior(task),
        scores_prior=task.options.scores_prior,
        words=list_words(task),
        text_encoder=str(setup.text_encoder or ""),
        has_text="text" in method.needs,
        has_symbol_tower=outcome.symbol_tower is not None,
        has_symbol_statistics=outcome.symbol_statistics is not None,
        licence=backbone.weights.licence if backbone.weights else "",
        citations=_collect_citations(setup),
        notes=_write_notes(setup.head, task.options, temperature, has_test="test" in metrics),
        created=utc_now(),
        galaxtool=__version__,
    )


def _describe_prior(task: Task) -> dict[str, float]:
    """Return the share of each class in the training, by slug; empty if the targets are votes or there are none."""
    shares = getattr(task.objective, "prior", None)
    if shares is None:
        return {}
    return {slug: round(share, 6) for slug, share in zip(task.taxonomy.slugs, shares.tolist(), strict=True)}


def _fit_head(task: Task, spec: HeadSpec) -> nn.Module | None:
    """Return a head fitted to the features of the training images, or None where the head is trained instead."""
    if not spec.fitted:
        return None
    head: Any = replace(task, head=spec.name).make_head()
    pictures = task.train.select_classes(len(task.taxonomy))
    if not len(pictures):
        raise TrainingError(
            f"The head '{spec.name}' is fitted to images with a class, and all labels are coarser.",
            hint="Add a data set labeled with classes, or use another --head.",
        )
    head.fit(embed_pictures(task, pictures), pictures.targets)
    fitted: nn.Module = head.eval()
    return fitted


def _write_notes(head: HeadSpec, options: TrainOptions, temperature: float, *, has_test: bool) -> str:
    """Return the notes of the model: what its scores are worth."""
    if head.name == "none":
        return "Learned without labels: it embeds, and has no classes. No score is known."
    epoch = {"best": "the best epoch", "last": "" if options.stopping == "best" else "the number of epochs"}
    factor = "the length of the error bars" if "values" in head.label_kinds else "the temperature"
    choices = [epoch[options.select], factor if temperature != 1.0 else ""]
    chose = " and ".join(filter(None, choices))
    scores = f"Scores are of the validation split of its own training data, which chose {chose or 'nothing'}"
    if not chose:
        return f"{scores}."
    if has_test:
        return f"{scores}; those under 'test' are of a test split, which chose nothing."
    return f"{scores}, so they are optimistic; no test split was scored."


def _collect_citations(setup: TrainingSetup) -> list[dict[str, str]]:
    """Return the citations of everything that the training used, each once."""
    of_dataset = {spec.name: spec.citation for spec in get_registry().datasets.specs()}
    backbone, text = setup.backbone, setup.text_encoder
    citations: Iterable[Citation | None] = (
        setup.method.citation,
        setup.head.citation,
        backbone.spec.citation,
        backbone.weights.citation if backbone.weights else None,
        text.spec.citation if text else None,
        *(of_dataset.get(dataset.name.partition(":")[0]) for dataset in setup.labeled.datasets),
        *setup.labeled.taxonomy.citations,
    )
    return [asdict(citation) for citation in dict.fromkeys(citations) if citation is not None]
