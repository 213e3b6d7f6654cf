"""Filling a job with parts of the prediction table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from galaxtool.types import Progress

if TYPE_CHECKING:
    from astropy.table import Table

    from galaxtool.inference.runner import BatchRunner
    from galaxtool.inference.worker import ScoredBatch
    from galaxtool.inputs.gather import Inputs
    from galaxtool.inputs.items import InputItem
    from galaxtool.jobs.job import Job
    from galaxtool.models.record import ModelRecord


def fill(job: Job, found: Inputs, stream: BatchRunner, *, rows_a_part: int, top_k: int, progress: Progress) -> None:
    """Score what a job lacks, and keep it part by part.

    Parameters
    ----------
    job : Job
    found : Inputs
    stream : Stream
    rows_a_part : int
        A multiple of the batch size.
    top_k : int
    progress : Progress
    """
    from galaxtool.reports.thumbnails import part_files
    from galaxtool.tables.tables import write_table

    for number, batches in stream.parts(job, found.items, rows_a_part, "Classifying", progress):
        items = [item for batch, _ in batches for item in batch]
        start = number * rows_a_part
        columns = None if found.columns is None else found.columns[start : start + len(items)]
        table = part_table(items, columns, [scored for _, scored in batches], stream.engine.record, top_k)
        write_table(table, job.place(number), meta=part_files(items))


def part_table(
    items: Sequence[InputItem], columns: Table | None, scored: Sequence[ScoredBatch], record: ModelRecord, top_k: int
) -> Table:
    """Return consecutive rows of the prediction table."""
    import numpy as np
    from astropy.table import MaskedColumn

    from galaxtool.inference.prediction_table import prediction_table
    from galaxtool.inference.worker import outcomes

    probabilities = np.concatenate([one.values for one in scored if one.values is not None])
    labelled = outcomes(record, probabilities)
    table = prediction_table(
        items,
        record.slugs,
        probabilities,
        outcomes=labelled,
        columns=columns,
        ra=np.concatenate([one.ra for one in scored]),
        dec=np.concatenate([one.dec for one in scored]),
        flags=[flags for one in scored for flags in one.flags],
        errors=[error for one in scored for error in one.errors],
    )
    failed = np.isnan(probabilities).any(axis=1)
    slugs, chances, first = labelled or (record.slugs, probabilities, None)
    # the label goes before all others, be it the most probable or not
    ranked = chances if first is None else np.where(np.arange(len(slugs)) == first[:, None], 2, chances)
    order = np.argsort(-np.nan_to_num(ranked), axis=1, kind="stable")
    for rank in range(1, min(top_k, len(slugs))):
        which = order[:, rank]
        before = table.colnames.index("flags")
        label = MaskedColumn(np.array(slugs)[which], mask=failed, name=f"label_{rank + 1}")
        value = MaskedColumn(chances[np.arange(len(which)), which], mask=failed, name=f"probability_{rank + 1}")
        table.add_columns([label, value], indexes=[before, before])
    return table
