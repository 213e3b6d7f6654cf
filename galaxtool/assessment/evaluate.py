"""Score a model on a data set and write the evaluation directory: the work of ``galaxtool evaluate``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from astropy.table import Table

from galaxtool import __version__
from galaxtool.assessment.evaluation_table import (
    make_evaluation_table,
    write_evaluation_embeddings,
)
from galaxtool.assessment.gallery import Gallery, fill_gallery, name_place
from galaxtool.assessment.labeled_items import DatasetItem
from galaxtool.assessment.measure import measure_evaluation, measure_retrieval_alone
from galaxtool.assessment.metrics.values import measure_values
from galaxtool.assessment.options import EvaluateOptions
from galaxtool.assessment.report import draw_figures, write_page, write_tables
from galaxtool.assessment.results import EvaluateResult
from galaxtool.assessment.robustness import measure_robustness
from galaxtool.assessment.same_settings import check_same_settings, describe_settings
from galaxtool.assessment.score_images import score_images
from galaxtool.assessment.scores_job import (
    DatasetRunner,
    DatasetScores,
)
from galaxtool.assessment.subject import NO_CLASSES, Subject, open_subject
from galaxtool.datasets.protocols import Dataset
from galaxtool.inference.compute_options import ComputeOptions, restore_engine
from galaxtool.inference.embeddings.compute import report_unreadable
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.jobs.job import job_folder
from galaxtool.jobs.job_files import remove_job
from galaxtool.jobs.options import JobOptions
from galaxtool.tables.write import write_table
from galaxtool.types import Progress, warn
from galaxtool.utils.files.atomic_write import write_json
from galaxtool.utils.optional_imports import import_attribute
from galaxtool.utils.resume_command import make_resume_command
from galaxtool.utils.run_directory import RunDirectory
from galaxtool.utils.run_manifest import utc_now
from galaxtool.vision.perturb import Perturbation, list_perturbations


def evaluate_dataset(
    options: EvaluateOptions,
    *,
    reading: ReadingOptions,
    compute: ComputeOptions,
    job_options: JobOptions,
    progress: Progress,
) -> EvaluateResult:
    """Score a model; see `galaxtool.commands.evaluate.evaluate`."""
    settings = describe_settings(options, reading, compute)
    if job_options.resume:
        check_same_settings(options.output, settings)
    compute = compute if job_options.overwrite else restore_engine(options.output / "scores", compute)
    subject, reading = open_subject(options, reading, compute, progress)
    run = _open_directory(options, settings, job_options, subject.engine.record.digest)
    try:
        with run.recording():
            for note in subject.notes:
                warn(progress, note)
            result = _evaluate(run, options, subject, reading, compute, job_options, progress)
    except KeyboardInterrupt as error:
        if not getattr(error, "__notes__", ()):  # a job says how to resume if it has parts
            error.add_note(f"Resume with: {make_resume_command()}")
        raise
    return result


def _open_directory(
    options: EvaluateOptions, settings: Mapping[str, Any], job_options: JobOptions, digest: str
) -> RunDirectory:
    """Create the evaluation directory, or open an unfinished one of the same settings and model."""
    if job_options.resume and (options.output / "manifest.json").is_file():
        check_same_settings(options.output, settings, digest=digest)
        return RunDirectory.open(options.output, command="evaluate")
    return RunDirectory.create(options.output, command="evaluate", config=settings, overwrite=job_options.overwrite)


def _evaluate(
    run: RunDirectory,
    options: EvaluateOptions,
    subject: Subject,
    reading: ReadingOptions,
    compute: ComputeOptions,
    job_options: JobOptions,
    progress: Progress,
) -> EvaluateResult:
    """Score the images, and write the files of the evaluation."""
    record = subject.engine.record
    make_any_runner = partial(
        DatasetRunner,
        engine=subject.engine,
        model=options.model,
        reading=reading.read_options,
        preprocess=override_preprocess(record.make_preprocess(), reading),
        compute=compute,
        prior=subject.prior,
    )
    make_runner = partial(make_any_runner, subject.dataset)
    runner = make_runner()
    run.manifest["device"] = f"{subject.engine.device}, {subject.engine.precision}"
    run.manifest["notes"] = subject.notes
    run.manifest["inputs"] = [{"name": subject.dataset.name, "images": len(subject.items)}]
    run.manifest["model"] = {"name": record.name, "digest": record.digest}
    run.manifest["citations"] = record.citations
    run.save()
    scores = score_images(
        subject.items, runner, run.path / "scores", subject.prior.header, job_options, progress=progress
    )
    table = make_evaluation_table(
        subject.dataset, subject.items, subject.splits, subject.truth, scores, record, subject.terms
    )
    report_unreadable([error for error in scores.batch.errors if error], len(subject.items), progress)
    write_table(table, run.path / "predictions.parquet", meta=_describe_table(options, subject, runner))
    write_evaluation_embeddings(
        run.path / "embeddings.parquet", subject.items, table, scores, _describe_embeddings(runner)
    )
    gallery = _fill_gallery(subject, make_any_runner, run.path / "gallery", job_options, progress)
    measured = _measure(options, subject, table, scores, gallery, progress, has_logits=runner.setup.tta == 1)
    head = {"model": options.model, "dataset": subject.dataset.name, "split": subject.split}
    robustness = _measure_robustness(options, subject, make_runner, run.path / "perturbed", job_options, progress)
    metrics = {**measured, **robustness, **head, "notes": subject.notes}
    write_json(run.path / "metrics.json", metrics)
    run.manifest["metrics"] = metrics
    tables = write_tables(run.path / "tables", metrics)
    figures = draw_figures(run.path, metrics, progress) if options.figures else []
    settings = _describe_settings(options, subject, runner)
    write_page(run.path / "report.html", metrics, tables, figures, notes=subject.notes, settings=settings)
    for name in ("scores", "gallery"):
        remove_job(job_folder(run.path / name))
    return EvaluateResult(
        output=run.path,
        model=options.model,
        dataset=subject.dataset.name,
        split=subject.split,
        n=metrics["n"],
        unlabeled=int((~subject.truth.is_known).sum()),
        errors=sum(map(bool, scores.batch.errors)),
        metrics=metrics,
        notes=tuple(subject.notes),
    )


def _measure(
    options: EvaluateOptions,
    subject: Subject,
    table: Table,
    scores: DatasetScores,
    gallery: Gallery | None,
    progress: Progress,
    *,
    has_logits: bool,
) -> dict[str, Any]:
    """Return the scores of classes, of votes, of numbers, or of embeddings alone."""
    truth = subject.truth
    if truth.votes is not None:
        measure_votes = import_attribute("galaxtool.assessment.metrics.votes:measure_votes")  # with PyTorch
        measured: dict[str, Any] = measure_votes(
            scores, truth.votes, subject.engine.record, seed=options.seed, has_logits=has_logits
        )
        return measured
    if truth.values is not None:
        record = subject.engine.record
        return measure_values(scores, truth.values, record, cross_fit=subject.cross_fit, seed=options.seed)
    if subject.engine.record.head == NO_CLASSES:
        return measure_retrieval_alone(truth, scores, gallery, seed=options.seed, progress=progress)
    return measure_evaluation(
        table,
        truth,
        scores,
        gallery,
        by=options.by_columns,
        cross_fit=subject.cross_fit,
        seed=options.seed,
        progress=progress,
    )


def _fill_gallery(
    subject: Subject,
    make_runner: Callable[..., DatasetRunner],
    place: Path,
    job_options: JobOptions,
    progress: Progress,
) -> Gallery | None:
    """Return the gallery of the subject with its embeddings; None if the images are looked up among themselves."""
    if subject.gallery is None or subject.gallery_targets is None:
        return None

    def embed(dataset: Dataset, items: Sequence[DatasetItem]) -> DatasetScores:
        scores = score_images(
            items,
            make_runner(dataset),
            place,
            subject.prior.header,
            job_options,
            title="Embedding the gallery",
            progress=progress,
        )
        report_unreadable([error for error in scores.batch.errors if error], len(items), progress)
        return scores

    queries = [name_place(subject.dataset, item) for item in subject.items]
    return fill_gallery(subject.gallery, subject.gallery_targets, queries, embed)


def _measure_robustness(
    options: EvaluateOptions,
    subject: Subject,
    make_runner: Callable[..., DatasetRunner],
    folder: Path,
    job_options: JobOptions,
    progress: Progress,
) -> dict[str, Any]:
    """Return the entry ``robustness`` of the metrics; empty if nothing is to be perturbed."""
    perturbations = list_perturbations(options.perturbations)
    if not perturbations:
        return {}
    terms = subject.terms

    def score(items: Sequence[DatasetItem], perturbation: Perturbation | None, place: Path) -> DatasetScores:
        runner = make_runner(perturb=perturbation)
        return score_images(items, runner, place, subject.prior.header, job_options, progress=progress)

    measured = measure_robustness(
        subject.items,
        subject.truth.targets,
        perturbations,
        lambda item: subject.dataset.cutout(item.row),
        score,
        lambda values: values if terms is None else terms.convert(values)[0],
        folder=folder,
        seed=options.seed,
    )
    return {"robustness": measured}


def _describe_settings(options: EvaluateOptions, subject: Subject, runner: DatasetRunner) -> dict[str, str]:
    """Return what the scores depend on, for the report."""
    record, setup = runner.engine.record, runner.setup
    settings = {
        "Model": f"{options.model} ({record.digest[:12]})",
        "Backbone": record.backbone,
        "Data": f"{options.dataset}, {len(subject.items):,} images",
        "Where": options.where or "",
        "Coarser terms": options.coarse or "",
        "Gallery": _describe_gallery(options),
        "Class frequencies": subject.prior.header,
        "Views": str(setup.tta) if setup.tta != 1 else "",
        "Engine": f"{setup.engine}, {setup.precision}",
        "Made by": f"galaxtool {__version__}, {utc_now()}",
    }
    return {name: value for name, value in settings.items() if value}


def _describe_gallery(options: EvaluateOptions) -> str:
    split = "" if options.gallery_split in (None, "all") else f", split {options.gallery_split}"
    return f"{options.gallery}{split}" if options.gallery else ""


def _describe_table(options: EvaluateOptions, subject: Subject, runner: DatasetRunner) -> dict[str, str]:
    record = runner.engine.record
    return {
        "MODEL": options.model,
        "MODELSHA": record.digest,
        "DATASET": subject.dataset.name,
        "SPLIT": subject.split,
        "GALAXTOOL": __version__,
    }


def _describe_embeddings(runner: DatasetRunner) -> dict[str, object]:
    setup, record = runner.setup, runner.engine.record
    return {
        "model": record.name,
        "model_digest": record.digest,
        "preprocess_digest": setup.preprocess_digest,
        "dim": record.dim,
        "unit_length": True,
        **({"tta": setup.tta} if setup.tta != 1 else {}),
        "engine": runner.engine.name,
        "galaxtool": __version__,
    }
