"""Fill the parts of a job with rows of the prediction table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import MaskedColumn, Table

from galaxtool.inference.coarse_terms import MOSTLY, CoarseTerms
from galaxtool.inference.outcomes import find_outcomes
from galaxtool.inference.predictions.table import make_prediction_table
from galaxtool.inference.runner import BatchRunner
from galaxtool.inference.worker import ScoredBatch
from galaxtool.inputs.gather import Inputs
from galaxtool.inputs.items import InputItem
from galaxtool.jobs.job import Job
from galaxtool.jobs.part_file import write_part
from galaxtool.jobs.record import PredictionsRecord
from galaxtool.models.record import ModelRecord
from galaxtool.taxonomy.quantities import quantities_from_dict
from galaxtool.types import NO_COUNTERPART, Progress


def fill_prediction_parts(
    job: Job[PredictionsRecord],
    found: Inputs,
    runner: BatchRunner,
    output: Path,
    progress: Progress,
    *,
    terms: CoarseTerms | None = None,
) -> None:
    """Classify the images of the parts that a job lacks, and write these parts for the output of that name."""
    rows = job.record.rows_per_part
    for number, batches in runner.run_parts(job, found.items, rows, "Classifying", progress):
        items = [item for batch, _ in batches for item in batch]
        start = number * rows
        columns = None if found.columns is None else found.columns[start : start + len(items)]
        scored = [one for _, one in batches]
        table = make_part_table(items, columns, scored, runner.engine.record, job.record.top_k, terms)
        dropped = 0.0 if terms is None else float(np.ma.sum(table["dropped"], dtype=float) or 0.0)
        write_part(job.place(number), table, [item.ref for item in items], output, dropped=dropped)


def list_prediction_columns(
    columns: Table | None, record: ModelRecord, top_k: int, terms: CoarseTerms | None = None, *, passes: int = 0
) -> list[str]:
    """Return the names of the columns of the prediction table, for a catalogue with these columns."""
    width = len(record.slugs) * (2 if passes else 1)
    nothing = ScoredBatch(np.zeros(0), np.zeros(0), [], [], np.zeros((0, width), dtype=np.float32))
    return list(make_part_table([], None if columns is None else columns[:0], [nothing], record, top_k, terms).colnames)


def make_part_table(
    items: Sequence[InputItem],
    columns: Table | None,
    scored: Sequence[ScoredBatch],
    record: ModelRecord,
    top_k: int,
    terms: CoarseTerms | None = None,
) -> Table:
    """Return consecutive rows of the prediction table, in the classes of the model or in coarser terms."""
    probabilities = np.concatenate([one.values for one in scored if one.values is not None])
    probabilities, spread = np.split(probabilities, [len(record.slugs)], axis=1)
    flags, dropped, classes = [flags for one in scored for flags in one.flags], None, tuple(record.slugs)
    if terms is not None:
        probabilities, dropped = terms.convert(probabilities)
        flags = _flag_dropped(flags, dropped)
        classes = tuple(terms.classes)
    outcomes = find_outcomes(record, probabilities)
    slugs, chances = (outcomes.slugs, outcomes.probabilities) if outcomes else (classes, probabilities)
    quantities = quantities_from_dict(record.regression, record.name) if record.regression else ()
    ranks = range(1, 1 if quantities else min(top_k, len(slugs)))
    table = make_prediction_table(
        items,
        classes,
        probabilities,
        outcomes=outcomes,
        quantities=quantities,
        spread=spread if spread.shape[1] else None,
        dropped=dropped,
        columns=columns,
        ra=np.concatenate([one.ra for one in scored]),
        dec=np.concatenate([one.dec for one in scored]),
        flags=flags,
        errors=[error for one in scored for error in one.errors],
        reserved=[f"{name}_{rank + 1}" for rank in ranks for name in ("label", "probability")],
    )
    failed = np.isnan(probabilities).any(axis=1)
    # the label comes first, even if another outcome is more probable
    ranked = np.where(np.arange(len(slugs)) == outcomes.chosen[:, None], 2, chances) if outcomes else chances
    order = np.argsort(-np.nan_to_num(ranked), axis=1, kind="stable")
    for rank in ranks:
        which = order[:, rank]
        before = table.colnames.index("flags")
        label = MaskedColumn(np.array(slugs)[which], mask=failed, name=f"label_{rank + 1}")
        value = MaskedColumn(chances[np.arange(len(which)), which], mask=failed, name=f"probability_{rank + 1}")
        table.add_columns([label, value], indexes=[before, before])
    return table


def _flag_dropped(flags: Sequence[str], dropped: np.ndarray) -> list[str]:
    """Return flags with `NO_COUNTERPART` in the rows that lost most of their probability."""
    return [
        f"{one} {NO_COUNTERPART}".strip() if share > MOSTLY else one
        for one, share in zip(flags, dropped.tolist(), strict=True)
    ]
