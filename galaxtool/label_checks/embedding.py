"""The features of the images of a data set, computed in parts that survive an interruption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.assessment.labeled_items import DatasetItem
from galaxtool.assessment.scores_job import DatasetReader
from galaxtool.datasets.protocols import Dataset
from galaxtool.inference.embed import make_embeddings_record
from galaxtool.inference.embeddings.parts import fill_embedding_parts
from galaxtool.inference.runner import BatchRunner
from galaxtool.inference.worker import Scorer, WorkerSetup
from galaxtool.inputs.gather import Inputs
from galaxtool.jobs.job import Job, list_part_paths
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.record import EmbeddingsRecord
from galaxtool.tables.formats.parquet_file import open_parquet
from galaxtool.types import Progress


class DatasetEmbedder(BatchRunner):
    """Embeds the images of a data set; `ScoredBatch.values` are embeddings of unit length.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    **options
        As for `BatchRunner`.
    """

    def __init__(self, dataset: Dataset, **options: Any) -> None:
        super().__init__(**options, embeds=True)
        self.dataset = dataset

    def make_scorer(self, setup: WorkerSetup) -> Callable[[], Callable[[Any], Any]]:
        """Return a factory of workers that read and run the model."""
        return partial(_make_scorer, setup, self.dataset)

    def make_reader(self) -> Callable[[], Callable[[Any], Any]]:
        """Return a factory of workers that only read."""
        return partial(DatasetReader, self.setup, self.dataset)


def _make_scorer(setup: WorkerSetup, dataset: Dataset) -> Scorer:
    return Scorer(setup, read=DatasetReader(setup, dataset))


def open_embedding_job(
    items: Sequence[DatasetItem], runner: DatasetEmbedder, output: Path, job_options: JobOptions
) -> Job[EmbeddingsRecord]:
    """Open the job that embeds images, whose parts are kept until what is made of them is written."""
    return Job(output, make_embeddings_record(runner, Inputs(items, None, Counter()), 1), job_options)


def embed_items(
    job: Job[EmbeddingsRecord], items: Sequence[DatasetItem], runner: DatasetEmbedder, progress: Progress
) -> tuple[np.ndarray, list[str]]:
    """Return the embeddings of images, float32 (N, dim) with NaN where there is an error, and the errors."""
    fill_embedding_parts(job, items, runner, progress)
    parts = [open_parquet(path).read() for path in list_part_paths(job.folder, job.count)]
    dim = runner.engine.record.dim
    vectors = [part["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False) for part in parts]
    errors = [error or "" for part in parts for error in part["error"].to_pylist()]
    return np.concatenate(vectors).reshape(-1, dim), errors
