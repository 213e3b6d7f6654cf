"""Fill the parts of a job with embeddings, and join the parts to one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from galaxtool.inference.embeddings.compute import to_position
from galaxtool.inference.embeddings.file import COLUMNS, EmbeddedImage, open_embedding_writer
from galaxtool.inference.runner import BatchRunner
from galaxtool.inference.worker import ScoredBatch
from galaxtool.inputs.items import InputItem
from galaxtool.jobs.job import Job, job_folder, list_part_paths
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.part_check import name_part
from galaxtool.jobs.part_counts import PartCounts
from galaxtool.jobs.part_file import COUNTS
from galaxtool.jobs.record import EmbeddingsRecord
from galaxtool.tables.formats.parquet_file import open_parquet
from galaxtool.types import Progress
from galaxtool.utils.files.disk_space import check_room, measure_files

FLOAT_BYTES = 4
"""Bytes of a number of an embedding."""


def check_embedding_room(output: Path, needed: int, options: JobOptions) -> None:
    """Check that there is room for an output of embeddings and for its parts, less those that are there already.

    Raises
    ------
    GalaxtoolError
        If the disk has less free space.
    """
    kept = measure_files(job_folder(output)) if options.resume else 0
    check_room(output, needed - kept, "the embeddings, with the parts that are kept until they are complete,")


def fill_embedding_parts(
    job: Job[EmbeddingsRecord],
    items: Sequence[InputItem],
    runner: BatchRunner,
    progress: Progress,
) -> None:
    """Embed the images of the parts that a job lacks, and write these parts, each a file of embeddings."""
    dim = runner.engine.record.dim
    for number, batches in runner.run_parts(job, items, job.record.rows_per_part, "Embedding images", progress):
        errors = [error for _, scored in batches for error in scored.errors]
        counts = PartCounts.of(errors, flags=[flags for _, scored in batches for flags in scored.flags])
        path = job.place(number)
        meta = {COUNTS: counts.to_dict(), **name_part(path)}
        with open_embedding_writer(path, count=counts.rows, dim=dim, meta=meta) as writer:
            for batch, scored in batches:
                assert scored.values is not None
                writer.write(describe_images(batch, scored), scored.values)


def describe_images(items: Sequence[InputItem], scored: ScoredBatch) -> list[EmbeddedImage]:
    """Return everything about the images of a batch that goes into the file beside their embeddings."""
    return [
        EmbeddedImage(item.id, str(item.ref), *to_position(ra, dec), error)
        for item, ra, dec, error in zip(items, scored.ra, scored.dec, scored.errors, strict=True)
    ]


def write_embeddings(folder: Path, record: EmbeddingsRecord, output: Path) -> None:
    """Write a file of embeddings from all parts of a job."""
    dim = record.meta["dim"]
    with open_embedding_writer(output, count=record.count, dim=dim, meta=record.meta) as writer:
        for path in list_part_paths(folder, record.parts):
            table = open_parquet(path).read()
            vectors = table["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            columns = [table[name].to_pylist() for name in COLUMNS]
            images = [EmbeddedImage(*row) for row in zip(*columns, strict=True)]
            writer.write(images, np.reshape(vectors, (-1, dim)))
