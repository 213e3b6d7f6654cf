"""Scored batches as bytes, for the journal of a job."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from galaxtool.inference.worker import ScoredBatch
from galaxtool.jobs.journal import BatchJournal

_PLACE, _VALUE = np.dtype("<f8"), np.dtype("<f4")


def encode_batch(batch: ScoredBatch) -> bytes:
    """Return a scored batch as bytes."""
    assert batch.values is not None
    head = {"flags": batch.flags, "errors": batch.errors, "width": batch.values.shape[1]}
    text = json.dumps(head).encode("ascii")
    arrays = (batch.ra.astype(_PLACE), batch.dec.astype(_PLACE), batch.values.astype(_VALUE))
    return b"\n".join((text, b"".join(array.tobytes() for array in arrays)))


def decode_batch(content: bytes, count: int) -> ScoredBatch | None:
    """Return the batch of `encode_batch`; None unless it has `count` images."""
    text, _, rest = content.partition(b"\n")
    head = json.loads(text)
    width, places = int(head["width"]), 2 * count * _PLACE.itemsize
    sizes = {len(head["flags"]), len(head["errors"])}
    if sizes != {count} or len(rest) != places + count * width * _VALUE.itemsize:
        return None
    ra, dec = np.frombuffer(rest, _PLACE, 2 * count).reshape(2, count).astype(float)
    values = np.frombuffer(rest, _VALUE, offset=places).reshape(count, width).astype(np.float32)
    return ScoredBatch(ra, dec, head["flags"], head["errors"], values)


def load_batches(journal: BatchJournal, tasks: Sequence[range]) -> dict[int, ScoredBatch]:
    """Return those of some batches that are in a journal, by the number of their first image."""
    lengths = {task.start: len(task) for task in tasks}
    found = {at: decode_batch(content, lengths[at]) for at, content in journal.load().items() if at in lengths}
    return {at: batch for at, batch in found.items() if batch is not None}
