"""Classify images and write the table of predictions: the work of ``galaxtool classify``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.errors import ConfigError, ModelError
from galaxtool.inference.class_prior import ClassPrior, choose_prior
from galaxtool.inference.coarse_terms import CoarseTerms, find_terms
from galaxtool.inference.compute_options import ComputeOptions, restore_engine
from galaxtool.inference.error_report import report_errors
from galaxtool.inference.notes import find_notes
from galaxtool.inference.pixel_scale import assume_pixel_scale
from galaxtool.inference.predictions.parts import fill_prediction_parts, list_prediction_columns
from galaxtool.inference.provenance import make_provenance
from galaxtool.inference.reading import find_inputs, override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.results import ClassifyResult
from galaxtool.inference.runner import BatchRunner, open_batch_engine
from galaxtool.inputs.gather import Inputs
from galaxtool.jobs.job import Job, count_batches_per_part
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.part_file import count_parts
from galaxtool.jobs.record import PredictionsRecord
from galaxtool.models.find import find_model
from galaxtool.models.record import ModelRecord
from galaxtool.reports.output_options import OutputOptions
from galaxtool.reports.outputs import describe_calibration, send_outputs, write_outputs
from galaxtool.reports.sorted_before import LISTING, SortedBefore
from galaxtool.tables.formats.find import check_columns, check_table_path
from galaxtool.tables.kept_inputs import refuse_inputs
from galaxtool.types import FLAGS, Progress, warn


def classify_inputs(
    inputs: Sequence[str | Path],
    model: str,
    *,
    top_k: int,
    prior: str,
    terms: str | None,
    strict: bool,
    reading: ReadingOptions,
    compute: ComputeOptions,
    outputs: OutputOptions,
    job_options: JobOptions,
    progress: Progress,
) -> ClassifyResult:
    """Classify images and write the table, or one shard of it; see `galaxtool.commands.classify.classify`."""
    if top_k < 1:
        raise ConfigError(f"--top-k is {top_k}; it must be at least 1.", hint="Leave it out for 1.")
    shard = job_options.shard
    check_table_path(outputs.table)
    refuse_inputs({"--output": outputs.table, "--html": outputs.html}, inputs)
    outputs.check(shard, overwrite=job_options.overwrite or job_options.resume)
    files = find_model(model)
    found = find_inputs(inputs, reading, progress if shard.index == 1 else None)
    if outputs.sort_into is not None and (outputs.sort_into / LISTING).is_file():
        sorted_before = SortedBefore(outputs.sort_into)
        for item in found.items:
            sorted_before.refuse(item.ref.path)
    chosen = compute if job_options.overwrite else restore_engine(outputs.table, compute)
    engine = open_batch_engine(files, chosen, len(found.items), progress)
    check_classes(engine.record, model)
    _check_numbers(engine.record, model, top_k, outputs)
    class_prior = choose_prior(engine.record, prior)
    coarse = find_terms(engine.record, terms)
    changed_names = check_columns(
        outputs.table, list_prediction_columns(found.columns, engine.record, top_k, coarse, passes=compute.passes or 0)
    )
    notes = find_notes(engine.record, reading, found.items)
    reading = assume_pixel_scale(engine.record, reading)
    if coarse is not None and (dropped := coarse.describe_dropped()):
        notes.append(dropped)
    if shard.index == 1:
        for note in (*notes, *filter(None, [changed_names])):
            warn(progress, note)
    runner = BatchRunner(
        engine,
        model=model,
        reading=reading.read_options,
        preprocess=override_preprocess(engine.record.make_preprocess(), reading),
        compute=compute,
        embeds=False,
        prior=class_prior,
    )
    record = _make_record(runner, found, model, top_k, shard.count, prior=class_prior, terms=coarse, notes=notes)
    with Job(outputs.table, record, job_options) as job:
        fill_prediction_parts(job, found, runner, outputs.table, progress, terms=coarse)
        counts = count_parts(job.done)
        sorted_into: dict[str, int] = {}
        if shard.count == 1:
            sorted_into = write_outputs(outputs, job.folder, job.record, progress)
            job.finished = True
            send_outputs(outputs, progress)
    result = ClassifyResult(
        output=outputs.table,
        n=counts.rows,
        labels=dict(counts.labels.most_common()),
        errors=counts.errors,
        skipped=dict(found.skipped),
        engine=engine.name,
        provider=engine.provider,
        model=model,
        model_digest=engine.record.digest,
        shard=str(shard) if shard.count > 1 else "",
        sorted_into=sorted_into,
        flags=counts.order_flags(FLAGS),
        notes=tuple(notes),
        prior=class_prior.header,
        terms=coarse.coarse.name if coarse else "",
        dropped=counts.dropped / max(1, counts.rows - counts.errors) if coarse else None,
    )
    report_errors(result, counts, strict=strict, progress=progress)
    return result


def check_classes(record: ModelRecord, model: str) -> None:
    """Raise `ModelError` for a model without classes."""
    if record.head == "none":
        backbone = record.backbone.partition("@")[0]
        raise ModelError(
            f"The model '{model}' was trained without labels and has no classes.",
            hint="Use it with embed or index, or train classes: galaxtool finetune DATASET --method linear-probe "
            f"--backbone {backbone}@PATH/weights.safetensors",
        )


def _check_numbers(record: ModelRecord, model: str, top_k: int, outputs: OutputOptions) -> None:
    """Raise `ConfigError` for options that show classes, if the model predicts numbers."""
    if record.regression is None:
        return
    for flag, given in (("--html", outputs.html), ("--sort-into", outputs.sort_into), ("--top-k", top_k > 1)):
        if given:
            raise ConfigError(
                f"The model '{model}' predicts numbers, and {flag} shows classes.", hint=f"Leave {flag} out."
            )


def _make_record(
    runner: BatchRunner,
    found: Inputs,
    model: str,
    top_k: int,
    shards: int,
    *,
    prior: ClassPrior,
    terms: CoarseTerms | None,
    notes: Sequence[str],
) -> PredictionsRecord:
    size = runner.compute.batch_size
    rows = size * count_batches_per_part(-(-len(found.items) // size), shards)
    setup, engine = runner.setup, runner.engine
    names = [one.name for one in engine.record.make_taxonomy().classes]
    classes = {} if engine.record.regression else dict(zip(engine.record.slugs, names, strict=True))
    classes = terms.classes if terms else classes
    calibration = describe_calibration(engine.record)
    return PredictionsRecord(
        parts=-(-len(found.items) // rows),
        shards=shards,
        model=setup.digest,
        engine=setup.engine,
        precision=setup.precision,
        batch_size=size,
        reading_options=setup.reading.as_dict(),
        preprocessing=setup.preprocess_digest,
        inputs=found.digest,
        top_k=top_k,
        prior=prior.header or None,
        terms=terms.coarse.name if terms else None,
        rows_per_part=rows,
        meta=make_provenance(
            engine,
            model,
            terms=terms.coarse.name if terms else "",
            notes=notes,
            prior=prior.header,
            tta=setup.tta,
            passes=setup.passes,
        ),
        notes=list(notes),
        classes=classes,
        calibration=f"{calibration}, for the model's own classes" if terms else calibration,
        preprocess=setup.preprocess.as_dict(),
    )
