"""Run a model on the images of an evaluation, in parts that survive an interruption."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.assessment.labeled_items import DatasetItem
from galaxtool.assessment.scores_job import (
    DatasetRunner,
    DatasetScores,
    ScoresRecord,
    fill_score_parts,
    read_score_parts,
)
from galaxtool.inputs.gather import Inputs
from galaxtool.jobs.job import Job, count_batches_per_part
from galaxtool.jobs.options import JobOptions
from galaxtool.types import Progress


def score_images(
    items: Sequence[DatasetItem],
    runner: DatasetRunner,
    place: Path,
    prior: str,
    job_options: JobOptions,
    *,
    title: str = "Evaluating",
    progress: Progress,
) -> DatasetScores:
    """Run the model on images, in parts that survive an interruption and are kept.

    Parameters
    ----------
    items : sequence of DatasetItem
        The images.
    runner : DatasetRunner
        What reads and scores them.
    place : Path
        Beside which the parts are written.
    prior : str
        Mix of classes of the probabilities.
    job_options : JobOptions
        Whether to resume.
    title : str
        What the progress says is done.
    progress : Progress
        Receiver of the progress.
    """
    size, setup = runner.compute.batch_size, runner.setup
    rows = size * count_batches_per_part(-(-len(items) // size), 1)
    perturbation = runner.perturb.name if runner.perturb else ""
    record = ScoresRecord(
        parts=-(-len(items) // rows),
        model=setup.digest,
        engine=setup.engine,
        precision=setup.precision,
        batch_size=size,
        reading_options=setup.reading.as_dict(),
        preprocessing=setup.preprocess_digest,
        inputs=digest_items(items),
        prior=prior,
        perturbation=perturbation,
        rows_per_part=rows,
    )
    with Job(place, record, job_options) as job:
        fill_score_parts(job, items, runner, f"{title} {perturbation}".strip(), progress)
        return read_score_parts(job.folder, job.record, len(runner.engine.record.slugs), runner.engine.record.dim)


def digest_items(items: Sequence[DatasetItem]) -> str:
    """Return the digest of the identifiers and places of images."""
    return Inputs(items, None, skipped=None).digest  # type: ignore[arg-type]
