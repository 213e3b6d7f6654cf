"""Build a similarity index: embed images, index the embeddings and measure the recall."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from galaxtool import __version__
from galaxtool.backbones.layers import JOINT
from galaxtool.inference.compute_options import restore_engine
from galaxtool.inference.embed import make_embeddings_record
from galaxtool.inference.embeddings.compute import make_embedding_runner, report_unreadable
from galaxtool.inference.embeddings.parts import FLOAT_BYTES, check_embedding_room, fill_embedding_parts
from galaxtool.inference.notes import find_notes
from galaxtool.inference.pixel_scale import assume_pixel_scale
from galaxtool.inference.reading import find_images
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.runner import BatchRunner, open_batch_engine
from galaxtool.inputs.gather import Inputs
from galaxtool.inputs.items import InputItem
from galaxtool.jobs.job import Job, job_folder
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.record import FILE_NAME as JOB_RECORD
from galaxtool.models.engines.protocol import Engine
from galaxtool.models.find import ModelFiles, find_model
from galaxtool.search.class_queries import find_class_queries
from galaxtool.search.index.assemble import IndexPlan, assemble_index
from galaxtool.search.index.folder import check_target
from galaxtool.search.index.kinds import check_count, choose_kind, find_kind
from galaxtool.search.index.record import BUNDLED, COPIED, ELSEWHERE, IndexRecord
from galaxtool.search.index.vector_source import VectorSource
from galaxtool.search.options import IndexOptions
from galaxtool.search.parts_source import PartsSource
from galaxtool.search.results import IndexResult
from galaxtool.types import Progress, warn
from galaxtool.utils.run_manifest import utc_now


def build_index(inputs: Sequence[str | Path], model: str, options: IndexOptions, progress: Progress) -> IndexResult:
    """Build an index of the images among inputs; see `galaxtool.commands.index.index`."""
    if options.kind != "auto":
        find_kind(options.kind)
    begun = options.resume and (job_folder(options.folder) / JOB_RECORD).exists()
    check_target(options.folder, overwrite=options.overwrite or begun)
    found = find_images(inputs, progress, options.reading)
    if options.kind != "auto":
        check_count(options.kind, len(found.items))
    files = find_model(model)
    compute = options.compute if options.overwrite else restore_engine(options.folder, options.compute)
    engine = open_batch_engine(files, compute, len(found.items), progress)
    record = write_index_of(found, engine, files, options, progress)
    return IndexResult(str(options.folder), record)


def write_index_of(
    found: Inputs, engine: Engine, files: ModelFiles, options: IndexOptions, progress: Progress
) -> IndexRecord:
    """Embed images, index the embeddings, measure the recall and write the index directory.

    The embeddings are kept in parts beside the directory until it is written, so that an interrupted job can be
    resumed.

    Returns
    -------
    IndexRecord
        Content of ``index.json``.
    """
    notes = find_notes(engine.record, options.reading, found.items)
    options = replace(options, reading=assume_pixel_scale(engine.record, options.reading))
    runner = make_embedding_runner(engine, files.name, options.reading, options.compute)
    for note in notes:
        warn(progress, note)
    job_record = make_embeddings_record(runner, found, 1)
    job_record = replace(job_record, kind="index", inputs=options.source_digest or job_record.inputs)
    output = options.folder if options.folder.name else Path(os.path.abspath(options.folder))  # noqa: PTH100
    job_options = JobOptions(resume=options.resume, overwrite=options.overwrite)
    if options.compute.layer == JOINT:  # an index has at least a byte for each number
        check_embedding_room(output, len(found.items) * engine.record.dim * (FLOAT_BYTES + 1), job_options)
    with Job(output, job_record, job_options) as job:
        fill_embedding_parts(job, found.items, runner, progress)
        source = PartsSource(job, found)
        job.finished = not source.count  # nothing is worth keeping
        report_unreadable([entry["error"] for entry in source.unreadable], len(found.items), progress)
        record = _make_record(source, found, runner, files, replace(options, notes=notes), progress)
        plan = make_plan(options.folder, [source], record, engine, files)
        record = assemble_index(plan, progress)
        job.finished = True
    return record


def make_plan(
    folder: Path, sources: Sequence[VectorSource], record: IndexRecord, engine: Engine, files: ModelFiles
) -> IndexPlan:
    """Return the plan of an index, whose recall is measured on texts and symbols too where the model has them."""
    queries = find_class_queries(engine, record)
    return IndexPlan(
        folder=folder,
        sources=sources,
        record=record,
        model=files,
        model_record=engine.record,
        tuned_on={name: pair.tuned_on for name, pair in queries.items()},
        measured_on={name: pair.measured_on for name, pair in queries.items()},
    )


def _make_record(
    source: PartsSource,
    found: Inputs,
    runner: BatchRunner,
    files: ModelFiles,
    options: IndexOptions,
    progress: Progress,
) -> IndexRecord:
    """Return what is known of an index before it is built."""
    engine = runner.engine
    kind = choose_kind(options.kind, source.count, engine.record.dim)
    if kind.reason:
        progress.say(f"The index is of the kind {kind.name}: {kind.reason}.")
    return IndexRecord(
        kind=kind.name,
        kind_reason=kind.reason,
        count=source.count,
        dim=engine.record.dim,
        model=files.name if files.bundled else engine.record.name,
        model_at=(BUNDLED if files.bundled else COPIED) if options.self_contained else ELSEWHERE,
        model_digest=engine.record.digest,
        preprocess_digest=runner.setup.preprocess_digest,
        tta=runner.setup.tta,
        layer=runner.setup.layer,
        recall_at_10=0.0,
        recall_queries=0,
        target_recall=options.target_recall,
        hdu=options.reading.hdu,
        shown=_describe_reading(options.reading, found.items),
        engine=engine.name,
        skipped=dict(found.skipped),
        unreadable=source.unreadable,
        flags=source.flags,
        notes=list(options.notes),
        source_digest=options.source_digest,
        created=utc_now(),
        galaxtool=__version__,
    )


def _describe_reading(options: ReadingOptions, items: Sequence[InputItem]) -> dict[str, Any]:
    """Return the options that a query needs to be read as these images were; the HDU has its own entry."""
    values = options.list_changes()
    values.pop("hdu", None)
    if bands := [band for band, _ in items[0].ref.bands]:
        values["bands"] = bands  # those that were found, where none were named
    return values
