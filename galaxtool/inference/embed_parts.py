"""Filling a job with parts of a file of embeddings, and writing the file from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool import __version__
from galaxtool.inference.embedding import position
from galaxtool.jobs.job import Job, part, read_record
from galaxtool.types import Progress

if TYPE_CHECKING:
    from galaxtool.inference.embedding_file import Embedded
    from galaxtool.inference.runner import BatchRunner
    from galaxtool.inference.worker import ScoredBatch
    from galaxtool.inputs.items import InputItem

_SHOWN = 10


def embedding_meta(stream: BatchRunner) -> dict[str, Any]:
    """Return what made the embeddings, as their file tells it."""
    record = stream.engine.record
    return {
        "model": record.name,
        "model_digest": record.digest,
        "preprocess_digest": stream.plan.preprocess.digest,
        "dim": record.dim,
        "unit_length": True,
        "engine": stream.engine.name,
        "galaxtool": __version__,
    }


def fill(job: Job, items: Sequence[InputItem], stream: BatchRunner, *, rows_a_part: int, progress: Progress) -> None:
    """Embed what a job lacks, and keep it part by part, each a file of embeddings."""
    from galaxtool.inference.embedding_file import writing_embeddings

    dim = stream.engine.record.dim
    for number, batches in stream.parts(job, items, rows_a_part, "Embedding images", progress):
        with writing_embeddings(job.place(number), count=sum(len(b) for b, _ in batches), dim=dim, meta={}) as writer:
            for batch, scored in batches:
                assert scored.values is not None
                writer.write(embedded(batch, scored), scored.values)


def embedded(items: Sequence[InputItem], scored: ScoredBatch) -> list[Embedded]:
    """Return what is known of a batch beside its vectors."""
    from galaxtool.inference.embedding_file import Embedded

    return [
        Embedded(item.id, str(item.ref), *position(ra, dec), error)
        for item, ra, dec, error in zip(items, scored.ra, scored.dec, scored.errors, strict=True)
    ]


def first_errors(parts: Sequence[Path]) -> tuple[int, int, list[str]]:
    """Return how many rows parts have, how many of them have an error, and the first ten errors."""
    import pyarrow.parquet as pq

    rows = unreadable = 0
    first: list[str] = []
    for path in parts:
        errors = pq.ParquetFile(path).read(["error"])["error"].to_pylist()
        rows += len(errors)
        there = [error for error in errors if error]
        unreadable += len(there)
        first += there[: _SHOWN - len(first)]
    return rows, unreadable, first


def write_embeddings(folder: Path, output: Path) -> int:
    """Write the file of embeddings from all parts of a job; return the number of rows."""
    import numpy as np
    import pyarrow.parquet as pq

    from galaxtool.inference.embedding_file import COLUMNS, Embedded, writing_embeddings

    about = read_record(folder)
    dim = about["meta"]["dim"]
    with writing_embeddings(output, count=about["count"], dim=dim, meta=about["meta"]) as writer:
        for number in range(about["parts"]):
            table = pq.ParquetFile(part(folder, number)).read()
            vectors = table["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            lists = [table[name].to_pylist() for name in COLUMNS]
            writer.write([Embedded(*row) for row in zip(*lists, strict=True)], np.reshape(vectors, (-1, dim)))
    return int(about["count"])
