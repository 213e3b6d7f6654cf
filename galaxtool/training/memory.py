"""Move data to the device, and explain what to do if a batch does not fit into its memory."""

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

_CPU_MESSAGES = ("not enough memory", "can't allocate memory")


def to_device(values: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return an array as a tensor on a device; copies to a GPU are asynchronous, through pinned memory."""
    tensor = torch.from_numpy(values)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def map_parts(work: Callable[[slice], T], n: int, options: TrainOptions) -> list[T]:
    """Apply a function without gradients to n images, in parts as large as those of a training step.

    Parameters
    ----------
    work : callable
        Function of a slice of the n images.
    n : int
        Number of images.
    options : TrainOptions
        Options that decide the size of a part.

    Returns
    -------
    list
        Results for the parts, in order.

    Raises
    ------
    TrainingError
        If a part does not fit into memory; the message names a size that does.
    """
    share = max(options.batch_size // distributed.size(), 1)
    size = max(share // options.accumulate, 1)
    results = []
    for start in range(0, n, size):
        stop = min(start + size, n)
        try:
            results.append(work(slice(start, stop)))
            continue
        except Exception as error:  # torch raises RuntimeError on a CPU
            if not is_out_of_memory(error):
                raise
        results.clear()
        # outside the handler, because its traceback would keep the memory occupied
        raise explain_out_of_memory(_make_attempt(work, start), stop - start, share, learns=False)
    return results


def _make_attempt(work: Callable[[slice], T], start: int) -> Callable[[int], None]:
    def attempt(images: int) -> None:
        work(slice(start, start + images))

    return attempt


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that the memory of a GPU or of the CPU is exhausted."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _CPU_MESSAGES)


def explain_out_of_memory(
    step: Callable[[int], None], size: int, batch_size: int, *, learns: bool = True
) -> TrainingError:
    """Halve the number of images at a time until they fit, and return an error that says what to do.

    Parameters
    ----------
    step : callable
        Function that repeats the failed computation for the given number of images.
    size : int
        Number of images that did not fit.
    batch_size : int
        Number of images of the whole batch, of which this process has its share.
    learns : bool
        Whether a gradient is computed, so that activations are stored.
    """
    fits = size // 2
    while fits:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            step(fits)
            break
        except Exception as error:  # torch raises RuntimeError on a CPU
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
