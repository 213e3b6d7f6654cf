"""Batches whose worker process died: read image by image, with an error in the row of the culprit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from galaxtool.inference.worker import ScoredBatch
from galaxtool.inputs.items import InputItem


class BatchRescue:
    """A `galaxtool.executors.isolation.Rescue` of batches.

    Parameters
    ----------
    width : int or None
        Number of columns of `ScoredBatch.values`; None if workers only read.
    """

    def __init__(self, width: int | None) -> None:
        self._width = width

    def split(self, task: Sequence[InputItem]) -> Sequence[Sequence[InputItem]]:
        """Return a batch of each image."""
        return [[item] for item in task]

    def join(self, results: Sequence[ScoredBatch], tasks: Sequence[Sequence[InputItem]]) -> ScoredBatch:
        """Return the batches as one."""
        values = [one.values for one in results if one.values is not None]
        return ScoredBatch(
            np.concatenate([one.ra for one in results]),
            np.concatenate([one.dec for one in results]),
            [flags for one in results for flags in one.flags],
            [error for one in results for error in one.errors],
            values=np.concatenate(values) if values else None,
            pictures=_stack([one.pictures for one in results if one.pictures is not None]),
        )

    def fail(self, task: Sequence[InputItem], why: str) -> ScoredBatch:
        """Return a row with an error for each image of a batch."""
        place = [(np.nan, np.nan) if item.ra is None or item.dec is None else (item.ra, item.dec) for item in task]
        ra, dec = np.array(place, dtype=float).reshape(-1, 2).T
        errors = [f"Reading '{item.ref}' ends its process{why}." for item in task]
        values = None if self._width is None else np.full((len(task), self._width), np.nan, dtype=np.float32)
        return ScoredBatch(ra, dec, [""] * len(task), errors, values=values)


def _stack(pictures: Sequence[np.ndarray]) -> np.ndarray | None:
    return np.concatenate(pictures) if pictures else None
