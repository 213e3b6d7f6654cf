"""Run a model on labelled images: probabilities and embeddings in one pass, in parts that survive an interruption."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from galaxtool.assessment.labeled_items import DatasetItem
from galaxtool.datasets.protocols import Dataset
from galaxtool.images.read_options import ReadOptions
from galaxtool.inference.class_prior import correct_probabilities
from galaxtool.inference.runner import Batch, BatchRunner
from galaxtool.inference.views import ViewedScores
from galaxtool.inference.worker import PictureReader, ScoredBatch, Scorer, WorkerSetup
from galaxtool.inputs.items import InputItem
from galaxtool.jobs.job import Job, list_part_paths
from galaxtool.jobs.part_check import name_part
from galaxtool.jobs.record import BatchRecord, stored_as
from galaxtool.tables.formats.parquet_file import open_parquet
from galaxtool.types import Progress
from galaxtool.utils.files.atomic_write import atomic_write
from galaxtool.utils.files.local_path import to_local_path
from galaxtool.vision.perturb import Perturbation


@dataclass(frozen=True, kw_only=True)
class ScoresRecord(BatchRecord):
    """The record of a job that scores a data set.

    Parameters
    ----------
    prior, perturbation : str
        Mix of classes of the probabilities, and what is done to the images; may be empty.
    rows_per_part : int
        Rows in each part but the last.
    """

    kind: str = "scores"
    prior: str = ""
    perturbation: str = ""
    rows_per_part: int = field(metadata=stored_as("rows a part", derived=True))


class DatasetReader(PictureReader):
    """Reads batches of images of a data set.

    Parameters
    ----------
    setup : WorkerSetup
        How images are preprocessed.
    dataset : Dataset
        The data set.
    perturb : Perturbation, optional
        What is done to each image.
    """

    def __init__(self, setup: WorkerSetup, dataset: Dataset, perturb: Perturbation | None = None) -> None:
        super().__init__(setup)
        self.dataset, self.perturb = dataset, perturb

    def _read(self, item: InputItem, options: ReadOptions) -> tuple[np.ndarray, tuple[float | None, float | None], str]:
        assert isinstance(item, DatasetItem)
        preprocess, cutout = self.setup.preprocess, self.dataset.cutout(item.row)
        if self.perturb is None:
            picture = preprocess.picture(cutout)
        else:
            picture = self.perturb.make_picture(preprocess, cutout, item.id)
        return picture, (cutout.ra, cutout.dec), " ".join(preprocess.flags(cutout))


class WholeScorer(Scorer):
    """Scores batches: `ScoredBatch.values` are the probabilities, the embeddings, and their lengths, 0 if unknown.

    Those of a model of votes are followed by the outputs of its head, which are 0 for several views.
    """

    @property
    def width(self) -> int:
        """Number of columns of `ScoredBatch.values`."""
        record = self.engine.record
        return len(record.slugs) * (1 if record.votes is None else 2) + record.dim + 1

    def select(self, scores: ViewedScores) -> np.ndarray:
        """Return the columns of a batch side by side."""
        probabilities = correct_probabilities(scores.probabilities, self.setup.factors)
        norms = np.zeros(len(probabilities), np.float32) if scores.norms is None else scores.norms
        columns = [probabilities, scores.embedding, norms]
        if self.engine.record.votes is not None:
            columns.append(np.zeros_like(probabilities) if scores.logits is None else scores.logits)
        return np.column_stack(columns)


class DatasetRunner(BatchRunner):
    """Scores the images of a data set, see `WholeScorer`.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    perturb : Perturbation, optional
        What is done to each image.
    **options
        As for `BatchRunner`.
    """

    def __init__(self, dataset: Dataset, *, perturb: Perturbation | None = None, **options: Any) -> None:
        super().__init__(**options, embeds=False)
        self.dataset, self.perturb = dataset, perturb

    def make_scorer(self, setup: WorkerSetup) -> Callable[[], Callable[[Any], Any]]:
        """Return a factory of workers that read and run the model."""
        return partial(_make_whole_scorer, setup, self.dataset, self.perturb)

    def make_reader(self) -> Callable[[], Callable[[Any], Any]]:
        """Return a factory of workers that only read."""
        return partial(DatasetReader, self.setup, self.dataset, self.perturb)

    def make_local_scorer(self) -> Scorer:
        """Return what scores the batches that workers only read."""
        return WholeScorer(self.setup, self.engine)


def _make_whole_scorer(setup: WorkerSetup, dataset: Dataset, perturb: Perturbation | None) -> WholeScorer:
    return WholeScorer(setup, read=DatasetReader(setup, dataset, perturb))


@dataclass(frozen=True, eq=False)
class DatasetScores:
    """The output of a model for N images.

    Parameters
    ----------
    batch : ScoredBatch
        Positions, flags and errors; its values are the probabilities, (N, K).
    embeddings : ndarray of float32, shape (N, dim)
        Embeddings of unit length; NaN in rows with an error.
    norms : ndarray of float32, shape (N,), or None
        Lengths of the embeddings before they were scaled; None if the engine does not know them.
    logits : ndarray of float32, shape (N, K)
        Outputs of the head of a model of votes; no columns for any other model.
    """

    batch: ScoredBatch
    embeddings: np.ndarray
    norms: np.ndarray | None
    logits: np.ndarray


def fill_score_parts(
    job: Job[ScoresRecord], items: Sequence[DatasetItem], runner: DatasetRunner, title: str, progress: Progress
) -> None:
    """Score the images of the parts that a job lacks, and write these parts."""
    for number, batches in runner.run_parts(job, items, job.record.rows_per_part, title, progress):
        _write_part(job.place(number), batches)


def read_score_parts(folder: Path, record: ScoresRecord, n_classes: int, dim: int) -> DatasetScores:
    """Read all parts of a job."""
    table = pa.concat_tables(open_parquet(path).read() for path in list_part_paths(folder, record.parts))
    values = table["values"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    values = values.reshape(table.num_rows, -1)
    batch = ScoredBatch(
        table["ra"].to_numpy(),
        table["dec"].to_numpy(),
        table["flags"].to_pylist(),
        table["error"].to_pylist(),
        np.ascontiguousarray(values[:, :n_classes]),
    )
    embeddings, norms, logits = np.split(values[:, n_classes:], [dim, dim + 1], axis=1)
    return DatasetScores(
        batch,
        np.ascontiguousarray(embeddings),
        norms[:, 0] if (norms > 0).any() else None,
        np.ascontiguousarray(logits),
    )


def _write_part(path: Path, batches: Sequence[Batch]) -> None:
    scored = [one for _, one in batches]
    values = np.concatenate([one.values for one in scored if one.values is not None])
    table = pa.table({
        "ra": np.concatenate([one.ra for one in scored]),
        "dec": np.concatenate([one.dec for one in scored]),
        "flags": [flags for one in scored for flags in one.flags],
        "error": [error.encode("utf-8", "backslashreplace").decode() for one in scored for error in one.errors],
        "values": pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1]),
    })  # fmt: skip
    table = table.replace_schema_metadata({"galaxtool": json.dumps(name_part(path))})
    with atomic_write(path) as temporary:
        pq.write_table(table, to_local_path(temporary))
