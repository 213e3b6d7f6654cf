"""Choose the items of an epoch, of a step, of a process and of a part of a step."""

from __future__ import annotations

import numpy as np

from galaxtool.training.task import PictureSet


def draw_epoch_order(pictures: PictureSet, seed: int, epoch: int) -> np.ndarray:
    """Draw the items of an epoch in random order; an item of weight w appears w times on average."""
    rng = np.random.default_rng((seed, epoch, 0x4F52))
    times = np.floor(pictures.weights).astype(int)
    times += rng.random(len(times)) < pictures.weights - times
    return rng.permutation(np.repeat(np.arange(len(times)), times))


def split_epoch(order: np.ndarray, batch_size: int, processes: int = 1) -> list[np.ndarray]:
    """Split an epoch into batches; a last batch with fewer items than processes is dropped."""
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [batch for batch in batches if len(batch) >= processes]


def split_batch(batch: np.ndarray, accumulate: int, rank: int = 0, processes: int = 1) -> list[np.ndarray]:
    """Return the share of one process of a batch, in parts that pass through the model one after the other."""
    # every process needs the same number of parts, because they wait for each other in each part
    return np.array_split(batch[rank::processes], min(accumulate, len(batch) // processes))
