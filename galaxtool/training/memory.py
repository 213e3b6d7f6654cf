"""What to do when a batch does not fit into memory: find one that does, and say so."""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch

from galaxtool.errors import TrainingError

_ON_A_CPU = ("not enough memory", "can't allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that memory is short, on a GPU or on the CPU."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _ON_A_CPU)


def explain(step: Callable[[int], None], size: int, batch_size: int, accumulate: int) -> TrainingError:
    """Halve what passes through the model at once until it fits, and return an error that says what to do.

    Parameters
    ----------
    step : callable
        Computes loss and gradient of the first so many images.
    size : int
        How many did not fit.
    batch_size, accumulate : int
        As the options have them.
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
            hint="Use --checkpointing, a smaller backbone, or another --device.",
        )
    parts = -(-batch_size // fits)
    return TrainingError(
        f"{size} images at a time do not fit into memory; {fits} do.",
        hint=f"Use --accumulate {parts}, which keeps the batch of {batch_size} and its gradient, or --batch-size "
        f"{max(fits, 2)}, or --checkpointing.",
    )
