"""Getting pictures to where they are computed with, and what to do when a batch does not fit into memory there."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch

from galaxtool.errors import TrainingError
from galaxtool.training import distributed
from galaxtool.training.options import TrainOptions

T = TypeVar("T")

_ON_A_CPU = ("not enough memory", "can't allocate memory")


def to_device(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return an array as a tensor on a device; to a GPU by way of pinned memory, which the processor need not await."""
    tensor = torch.from_numpy(values)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def map_parts(work: Callable[[slice], T], n: int, options: TrainOptions) -> list[T]:
    """Do something without gradients with n images, as many at a time as a training step passes through the model.

    Parameters
    ----------
    work : callable
        Is given a slice of the n images.
    n : int
    options : TrainOptions

    Returns
    -------
    list
        What `work` returned for each part, in order.

    Raises
    ------
    TrainingError
        If a part does not fit into memory; names one that does.
    """
    share = max(options.batch_size // distributed.size(), 1)
    size = max(share // options.accumulate, 1)
    found = []
    for start in range(0, n, size):
        stop = min(start + size, n)
        try:
            found.append(work(slice(start, stop)))
            continue
        except Exception as error:  # RuntimeError is what torch raises on a CPU
            if not is_out_of_memory(error):
                raise
        found.clear()
        # outside of the handler, whose traceback would hold what fills the memory
        raise explain_out_of_memory(_tried(work, start), stop - start, share, options.accumulate, learns=False)
    return found


def _tried(work: Callable[[slice], T], start: int) -> Callable[[int], None]:
    def attempt(images: int) -> None:
        work(slice(start, start + images))

    return attempt


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that memory is short, on a GPU or on the CPU."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _ON_A_CPU)


def explain_out_of_memory(
    step: Callable[[int], None], size: int, batch_size: int, accumulate: int, *, learns: bool = True
) -> TrainingError:
    """Halve what passes through the model at once until it fits, and return an error that says what to do.

    Parameters
    ----------
    step : callable
        Computes loss and gradient, or whatever did not fit, of the first so many images.
    size : int
        How many did not fit.
    batch_size, accumulate : int
        As the options have them.
    learns : bool
        Whether a gradient is computed, so that activations are kept.
    """
    fits = size // 2
    while fits:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            step(fits)
            break
        except Exception as error:  # RuntimeError is what torch raises on a CPU
            if not is_out_of_memory(error):
                raise
        fits //= 2
    if not fits:
        return TrainingError(
            "Not even one image at a time fits into memory.",
            hint=f"Use {'--checkpointing, ' if learns else ''}a smaller backbone, or another --device.",
        )
    parts = -(-batch_size // fits)
    return TrainingError(
        f"{size} images at a time do not fit into memory; {fits} do.",
        hint=f"Use --accumulate {parts}, which keeps the batch of {batch_size} and its gradient, or --batch-size "
        f"{max(fits, 2)}{', or --checkpointing' if learns else ''}.",
    )
