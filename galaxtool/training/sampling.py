"""Which items are seen in an epoch, a step, a process and a part of a step."""

from __future__ import annotations

import numpy as np

from galaxtool.training.task import PictureSet


def draw_epoch_order(pictures: PictureSet, seed: int, epoch: int) -> np.ndarray:
    """Return the items of an epoch in random order; one of weight w appears w times, on average."""
    rng = np.random.default_rng((seed, epoch, 0x4F52))
    times = np.floor(pictures.weights).astype(int)
    times += rng.random(len(times)) < pictures.weights - times
    return rng.permutation(np.repeat(np.arange(len(times)), times))


def split_epoch(order: np.ndarray, batch_size: int, processes: int = 1) -> list[np.ndarray]:
    """Return an epoch's batches; a last one that has not an item for each process is left out."""
    split_epoch = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [batch for batch in split_epoch if len(batch) >= processes]


def split_batch(batch: np.ndarray, accumulate: int, rank: int = 0, processes: int = 1) -> list[np.ndarray]:
    """Return one process's share of a batch, in parts that pass through the model one after the other."""
    # as many for every process, which wait for one another in each
    return np.array_split(batch[rank::processes], min(accumulate, len(batch) // processes))
