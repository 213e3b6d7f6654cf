"""Communication between the processes of one training.

Every function also works in a single process, without `torchrun`.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

_TIMEOUT = timedelta(hours=4)  # the others wait while the first process validates, scores and draws


def rank() -> int:
    """Return the number of this process; process 0 writes files and reports progress."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_main() -> bool:
    """Tell whether this process writes files and reports progress."""
    return rank() == 0


def join_group() -> bool:
    """Join the processes that `torchrun` started; return whether there are any.

    Each process uses the GPU of its local rank and NCCL; without a GPU, gloo.
    """
    if dist.is_initialized():
        return True
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or "RANK" not in os.environ:
        return False
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=_TIMEOUT)
    return True


def leave_group() -> None:
    """Leave the group of processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def all_mean(tensor: torch.Tensor) -> torch.Tensor:
    """Return the mean of a tensor over the processes, without gradient."""
    if size() == 1:
        return tensor
    total = tensor.detach().clone()
    dist.all_reduce(total)
    return total / size()


def broadcast(value: Any) -> Any:
    """Return the value of the main process in every process."""
    if size() == 1:
        return value
    values = [value]
    dist.broadcast_object_list(values, src=0)
    return values[0]


def gather_all(value: Any) -> list[Any]:
    """Return the values of all processes, in order of rank."""
    values = [value] * size()
    if size() > 1:
        dist.all_gather_object(values, value)
    return values
