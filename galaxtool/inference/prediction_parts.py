"""Fill the parts of a job with rows of the prediction table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import MaskedColumn, Table

from galaxtool.inference.outcomes import find_outcomes
from galaxtool.inference.prediction_table import make_prediction_table
from galaxtool.inference.runner import BatchRunner
from galaxtool.inference.worker import ScoredBatch
from galaxtool.inputs.gather import Inputs
from galaxtool.inputs.items import InputItem
from galaxtool.jobs.job import Job
from galaxtool.jobs.part_file import write_part
from galaxtool.jobs.record import PredictionsRecord
from galaxtool.models.record import ModelRecord
from galaxtool.types import Progress


def fill_prediction_parts(
    job: Job[PredictionsRecord], found: Inputs, runner: BatchRunner, output: Path, progress: Progress
) -> None:
    """Classify the images of the parts that a job lacks, and write these parts for the output of that name."""
    rows = job.record.rows_per_part
    for number, batches in runner.run_parts(job, found.items, rows, "Classifying", progress):
        items = [item for batch, _ in batches for item in batch]
        start = number * rows
        columns = None if found.columns is None else found.columns[start : start + len(items)]
        scored = [one for _, one in batches]
        table = make_part_table(items, columns, scored, runner.engine.record, job.record.top_k)
        write_part(job.place(number), table, [item.ref for item in items], output)


def make_part_table(
    items: Sequence[InputItem], columns: Table | None, scored: Sequence[ScoredBatch], record: ModelRecord, top_k: int
) -> Table:
    """Return consecutive rows of the prediction table."""
    probabilities = np.concatenate([one.values for one in scored if one.values is not None])
    outcomes = find_outcomes(record, probabilities)
    table = make_prediction_table(
        items,
        record.slugs,
        probabilities,
        outcomes=outcomes,
        columns=columns,
        ra=np.concatenate([one.ra for one in scored]),
        dec=np.concatenate([one.dec for one in scored]),
        flags=[flags for one in scored for flags in one.flags],
        errors=[error for one in scored for error in one.errors],
    )
    failed = np.isnan(probabilities).any(axis=1)
    slugs, chances = (outcomes.slugs, outcomes.probabilities) if outcomes else (record.slugs, probabilities)
    # the label comes first, even if another outcome is more probable
    ranked = np.where(np.arange(len(slugs)) == outcomes.chosen[:, None], 2, chances) if outcomes else chances
    order = np.argsort(-np.nan_to_num(ranked), axis=1, kind="stable")
    for rank in range(1, min(top_k, len(slugs))):
        which = order[:, rank]
        before = table.colnames.index("flags")
        label = MaskedColumn(np.array(slugs)[which], mask=failed, name=f"label_{rank + 1}")
        value = MaskedColumn(chances[np.arange(len(which)), which], mask=failed, name=f"probability_{rank + 1}")
        table.add_columns([label, value], indexes=[before, before])
    return table
