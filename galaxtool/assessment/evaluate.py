"""Score a model on a data set and write the evaluation directory: the work of ``galaxtool evaluate``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from galaxtool import __version__
from galaxtool.assessment.by_column import check_columns
from galaxtool.assessment.evaluation_table import (
    make_evaluation_table,
    write_evaluation_embeddings,
)
from galaxtool.assessment.held_out import CrossFit, find_cross_fit
from galaxtool.assessment.labeled_items import DatasetItem, list_dataset_items, select_split
from galaxtool.assessment.measure import measure_evaluation
from galaxtool.assessment.options import EvaluateOptions
from galaxtool.assessment.results import EvaluateResult
from galaxtool.assessment.run_split import list_given_splits, read_run_split
from galaxtool.assessment.scores_job import (
    DatasetRunner,
    DatasetScores,
    ScoresRecord,
    fill_score_parts,
    read_score_parts,
)
from galaxtool.assessment.truth import Truth, match_truth
from galaxtool.datasets.files import find_notes as find_dataset_notes
from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.reading import read_as_classify
from galaxtool.datasets.subset import create_items_table
from galaxtool.errors import ModelError
from galaxtool.inference.class_prior import ClassPrior, choose_prior
from galaxtool.inference.classify import check_classes
from galaxtool.inference.coarse_terms import CoarseTerms, find_terms
from galaxtool.inference.compute_options import ComputeOptions, restore_engine
from galaxtool.inference.embedding import report_unreadable
from galaxtool.inference.notes import find_notes
from galaxtool.inference.pixel_scale import assume_pixel_scale
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.runner import open_batch_engine
from galaxtool.inputs.gather import Inputs
from galaxtool.jobs.job import Job, count_batches_per_part
from galaxtool.jobs.options import JobOptions
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.find import find_model
from galaxtool.tables.write import write_table
from galaxtool.types import Progress, warn
from galaxtool.utils.atomic_write import write_json
from galaxtool.utils.run_directory import RunDirectory


@dataclass(frozen=True, eq=False)
class Subject:
    """A model and the labeled images that it is scored on.

    Parameters
    ----------
    engine : Engine
        The open model.
    dataset : Dataset
        The data set, of which `items` are scored.
    items : list of DatasetItem
        The N images.
    splits : list of str
        Split of each image; empty where it has none.
    split : str
        Split that is scored, or ``all``.
    truth : Truth
        Their true classes.
    terms : CoarseTerms or None
        Coarser classes that the model is scored in.
    prior : ClassPrior
        Mix of classes of the probabilities.
    cross_fit : CrossFit or None
        How the calibration is measured, if the temperature was fitted to the images.
    notes : list of str
        What to beware of.
    """

    engine: Engine
    dataset: Dataset
    items: list[DatasetItem]
    splits: list[str]
    split: str
    truth: Truth
    terms: CoarseTerms | None
    prior: ClassPrior
    cross_fit: CrossFit | None
    notes: list[str]


def evaluate_dataset(
    options: EvaluateOptions,
    *,
    reading: ReadingOptions,
    compute: ComputeOptions,
    job_options: JobOptions,
    progress: Progress,
) -> EvaluateResult:
    """Score a model; see `galaxtool.commands.evaluate.evaluate`."""
    compute = compute if job_options.overwrite else restore_engine(options.output / "scores", compute)
    subject, reading = open_subject(options, reading, compute, progress)
    run = _open_directory(options, job_options)
    status = "failed"
    try:
        for note in subject.notes:
            warn(progress, note)
        result = _evaluate(run, options, subject, reading, compute, job_options, progress)
        status = "done"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        run.finish(status)
    return result


def open_subject(
    options: EvaluateOptions, reading: ReadingOptions, compute: ComputeOptions, progress: Progress
) -> tuple[Subject, ReadingOptions]:
    """Open the model and the data set, and match the labels with the classes of the model."""
    files = find_model(options.model)
    engine = open_batch_engine(files, compute, 0, progress)
    record = engine.record
    check_classes(record, options.model)
    if record.votes is not None:
        raise ModelError(
            f"The model '{options.model}' predicts shares of votes, and evaluate scores classes.",
            hint="Its scores on the validation split are in the metrics.json of its run.",
        )
    prior, terms = choose_prior(record, options.prior), find_terms(record, options.coarse)
    dataset = open_dataset(
        options.dataset,
        image_column=reading.image_column,
        label_column=options.label_column,
        ra_column=reading.ra_column,
        dec_column=reading.dec_column,
        table=reading.table,
        where=options.where,
        reading=assume_pixel_scale(record, reading).read_options,
        pattern=reading.pattern,
    )
    read_as_classify(dataset, override_preprocess(record.make_preprocess(), reading))
    of_run = read_run_split(files, dataset)
    splits = list(of_run or list_given_splits(dataset))
    rows, split = select_split(dataset, splits, options.split)
    items = list_dataset_items(dataset, rows)
    if options.by_columns:
        check_columns(create_items_table([dataset.items[row] for row in rows]), options.by_columns)
    truth = match_truth([dataset.items[row].label for row in rows], record, options.model, terms)
    notes = [*find_dataset_notes(dataset), *truth.notes, *find_notes(record, reading, [i for i in items if i.ref])]
    if of_run and (learned := sum(splits[row] == "train" for row in rows)):
        notes.append(f"{learned} of the {len(rows)} images are training images of this run: the scores are too good.")
    if terms is not None and (dropped := terms.describe_dropped()):
        notes.append(dropped)
    chosen = [splits[row] for row in rows]
    cross_fit, note = find_cross_fit(
        record,
        chosen if of_run else None,
        factors=prior.factors,
        is_coarse=terms is not None,
        tta=record.tta if compute.tta is None else compute.tta,
    )
    notes += [note] if note else []
    subject = Subject(engine, dataset, items, chosen, split, truth, terms, prior, cross_fit, notes)
    return subject, assume_pixel_scale(record, reading)


def _open_directory(options: EvaluateOptions, job_options: JobOptions) -> RunDirectory:
    """Create the evaluation directory, or open an unfinished one."""
    if job_options.resume and (options.output / "manifest.json").is_file():
        return RunDirectory.open(options.output)
    config = {
        "dataset": options.dataset,
        "model": options.model,
        "output": options.output,
        "split": options.split,
        "where": options.where,
        "by": list(options.by_columns),
        "coarse": options.coarse,
        "prior": options.prior,
        "seed": options.seed,
    }
    return RunDirectory.create(options.output, command="evaluate", config=config, overwrite=job_options.overwrite)


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
    runner = DatasetRunner(
        subject.dataset,
        engine=subject.engine,
        model=options.model,
        reading=reading.read_options,
        preprocess=override_preprocess(record.make_preprocess(), reading),
        compute=compute,
        prior=subject.prior,
    )
    run.manifest["device"] = f"{subject.engine.device}, {subject.engine.precision}"
    run.manifest["notes"] = subject.notes
    run.manifest["inputs"] = [{"name": subject.dataset.name, "images": len(subject.items)}]
    run.manifest["model"] = {"name": record.name, "digest": record.digest}
    run.manifest["citations"] = record.citations
    run.save()
    scores = score_images(run, subject, runner, job_options, progress)
    table = make_evaluation_table(
        subject.dataset, subject.items, subject.splits, subject.truth, scores, record, subject.terms
    )
    report_unreadable([error for error in scores.batch.errors if error], len(subject.items), progress)
    write_table(table, run.path / "predictions.parquet", meta=_describe_table(options, subject, runner))
    write_evaluation_embeddings(
        run.path / "embeddings.parquet", subject.items, table, scores, _describe_embeddings(runner)
    )
    measured = measure_evaluation(
        table,
        subject.truth,
        scores,
        by=options.by_columns,
        cross_fit=subject.cross_fit,
        seed=options.seed,
        progress=progress,
    )
    head = {"model": options.model, "dataset": subject.dataset.name, "split": subject.split}
    metrics = {**measured, **head, "notes": subject.notes}
    write_json(run.path / "metrics.json", metrics)
    run.manifest["metrics"] = metrics
    return EvaluateResult(
        output=run.path,
        model=options.model,
        dataset=subject.dataset.name,
        split=subject.split,
        n=metrics["n"],
        unlabeled=int((subject.truth.targets < 0).sum()),
        errors=sum(map(bool, scores.batch.errors)),
        metrics=metrics,
        notes=tuple(subject.notes),
    )


def score_images(
    run: RunDirectory, subject: Subject, runner: DatasetRunner, job_options: JobOptions, progress: Progress
) -> DatasetScores:
    """Run the model on the images, in parts that survive an interruption."""
    size, setup = runner.compute.batch_size, runner.setup
    rows = size * count_batches_per_part(-(-len(subject.items) // size), 1)
    record = ScoresRecord(
        parts=-(-len(subject.items) // rows),
        model=setup.digest,
        engine=setup.engine,
        precision=setup.precision,
        batch_size=size,
        reading_options=setup.reading.as_dict(),
        preprocessing=setup.preprocess_digest,
        inputs=digest_items(subject.items),
        prior=subject.prior.header,
        rows_per_part=rows,
    )
    with Job(run.path / "scores", record, job_options) as job:
        fill_score_parts(job, subject.items, runner, "Evaluating", progress)
        scores = read_score_parts(job.folder, job.record, len(subject.engine.record.slugs))
        job.finished = True
    return scores


def digest_items(items: Sequence[DatasetItem]) -> str:
    """Return the digest of the identifiers and places of images."""
    return Inputs(items, None, skipped=None).digest  # type: ignore[arg-type]


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
