"""Fill the parts of a job with embeddings, and join the parts to one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from galaxtool.inference.embedding import to_position
from galaxtool.inference.embedding_file import COLUMNS, EmbeddedImage, open_embedding_writer
from galaxtool.inference.runner import BatchRunner
from galaxtool.inference.worker import ScoredBatch
from galaxtool.inputs.items import InputItem
from galaxtool.jobs.job import Job, part_path
from galaxtool.jobs.record import EmbeddingsRecord
from galaxtool.types import Progress

_MOST_NAMED = 10


def fill_embedding_parts(
    job: Job[EmbeddingsRecord],
    items: Sequence[InputItem],
    runner: BatchRunner,
    progress: Progress,
) -> None:
    """Embed the images of the parts that a job lacks, and write these parts, each a file of embeddings."""
    dim = runner.engine.record.dim
    for number, batches in runner.run_parts(job, items, job.record.rows_per_part, "Embedding images", progress):
        count = sum(len(batch) for batch, _ in batches)
        with open_embedding_writer(job.place(number), count=count, dim=dim, meta={}) as writer:
            for batch, scored in batches:
                assert scored.values is not None
                writer.write(describe_images(batch, scored), scored.values)


def describe_images(items: Sequence[InputItem], scored: ScoredBatch) -> list[EmbeddedImage]:
    """Return everything about the images of a batch that goes into the file beside their embeddings."""
    return [
        EmbeddedImage(item.id, str(item.ref), *to_position(ra, dec), error)
        for item, ra, dec, error in zip(items, scored.ra, scored.dec, scored.errors, strict=True)
    ]


def count_errors(parts: Sequence[Path]) -> tuple[int, int, list[str]]:
    """Return the number of rows in parts, the number of rows with an error, and the first ten errors."""
    rows = unreadable = 0
    first: list[str] = []
    for path in parts:
        column = pq.ParquetFile(path).read(["error"])["error"].to_pylist()
        errors = [error for error in column if error]
        rows += len(column)
        unreadable += len(errors)
        first += errors[: _MOST_NAMED - len(first)]
    return rows, unreadable, first


def write_embeddings(folder: Path, record: EmbeddingsRecord, output: Path) -> None:
    """Write a file of embeddings from all parts of a job."""
    dim = record.meta["dim"]
    with open_embedding_writer(output, count=record.count, dim=dim, meta=record.meta) as writer:
        for number in range(record.parts):
            table = pq.ParquetFile(part_path(folder, number)).read()
            vectors = table["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            columns = [table[name].to_pylist() for name in COLUMNS]
            images = [EmbeddedImage(*row) for row in zip(*columns, strict=True)]
            writer.write(images, np.reshape(vectors, (-1, dim)))
