"""Embed images and write the file of embeddings: the work of ``galaxtool embed``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool import __version__
from galaxtool.backbones.layers import JOINT
from galaxtool.inference.compute_options import ComputeOptions, restore_engine
from galaxtool.inference.embeddings.compute import make_embedding_runner, report_unreadable
from galaxtool.inference.embeddings.file import check_embedding_path, list_embedding_files
from galaxtool.inference.embeddings.parts import (
    FLOAT_BYTES,
    check_embedding_room,
    fill_embedding_parts,
    write_embeddings,
)
from galaxtool.inference.notes import find_notes
from galaxtool.inference.pixel_scale import assume_pixel_scale
from galaxtool.inference.provenance import describe_other_provider
from galaxtool.inference.reading import find_images
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inference.results import EmbedResult
from galaxtool.inference.runner import BatchRunner, open_batch_engine
from galaxtool.inputs.gather import Inputs
from galaxtool.jobs.job import Job, count_batches_per_part
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.part_file import count_parts
from galaxtool.jobs.record import EmbeddingsRecord
from galaxtool.models.find import find_model
from galaxtool.tables.kept_inputs import refuse_inputs
from galaxtool.types import FLAGS, Progress, warn


def embed_inputs(
    inputs: Sequence[str | Path],
    model: str,
    output: Path,
    *,
    reading: ReadingOptions,
    compute: ComputeOptions,
    job_options: JobOptions,
    progress: Progress,
) -> EmbedResult:
    """Embed images and write the file, or one shard of it; see `galaxtool.commands.embed.embed`."""
    check_embedding_path(output)
    for path in list_embedding_files(output):
        refuse_inputs({"--output": path}, inputs)
    found = find_images(inputs, progress, reading)
    chosen = compute if job_options.overwrite else restore_engine(output, compute)
    engine = open_batch_engine(find_model(model), chosen, len(found.items), progress)
    notes = find_notes(engine.record, reading, found.items)
    runner = make_embedding_runner(engine, model, assume_pixel_scale(engine.record, reading), compute)
    shard = job_options.shard
    if compute.layer == JOINT:
        whole = len(found.items) * engine.record.dim * FLOAT_BYTES
        # the parts are kept until the file is complete
        check_embedding_room(output, 2 * whole if shard.count == 1 else whole // shard.count, job_options)
    if shard.index == 1:
        for note in notes:
            warn(progress, note)
    with Job(output, make_embeddings_record(runner, found, shard.count, notes), job_options) as job:
        fill_embedding_parts(job, found.items, runner, progress)
        counts = count_parts(job.done)
        if shard.count == 1:
            write_embeddings(job.folder, job.record, output)
            job.finished = True
    report_unreadable(counts.first_errors, counts.rows, progress, number=counts.errors)
    return EmbedResult(
        output=str(output),
        count=counts.rows,
        unreadable=counts.errors,
        skipped=found.skipped.total(),
        dim=engine.record.dim,
        model=engine.record.name,
        model_digest=engine.record.digest,
        preprocess_digest=runner.setup.preprocess_digest,
        shard=str(shard) if shard.count > 1 else "",
        flags=counts.order_flags(FLAGS),
        notes=tuple(notes),
        layer=compute.layer,
    )


def make_embeddings_record(
    runner: BatchRunner, found: Inputs, shards: int, notes: Sequence[str] = ()
) -> EmbeddingsRecord:
    """Return the record of a job that embeds images."""
    size = runner.compute.batch_size
    rows = size * count_batches_per_part(-(-len(found.items) // size), shards)
    setup, model = runner.setup, runner.engine.record
    return EmbeddingsRecord(
        parts=-(-len(found.items) // rows),
        shards=shards,
        model=setup.digest,
        engine=setup.engine,
        precision=setup.precision,
        batch_size=size,
        reading_options=setup.reading.as_dict(),
        preprocessing=setup.preprocess_digest,
        inputs=found.digest,
        layer=None if setup.layer == JOINT else setup.layer,
        rows_per_part=rows,
        count=len(found.items),
        meta={
            "model": model.name,
            "model_digest": model.digest,
            "preprocess_digest": setup.preprocess_digest,
            "dim": model.dim,
            "unit_length": True,
            **({"tta": setup.tta} if setup.tta != 1 else {}),
            **({"layer": setup.layer} if setup.layer != JOINT else {}),
            "engine": runner.engine.name,
            **describe_other_provider(runner.engine, "provider"),
            "galaxtool": __version__,
            **({"notes": list(notes)} if notes else {}),
        },
    )
