"""Several processes as one training: who is who, and what is shared between them.

Every function works without `torchrun` too, where there is one process.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

_PATIENCE = timedelta(hours=4)  # of the others, while the first process validates, scores and draws


def rank() -> int:
    """Return this process's number; 0 writes and talks."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_main() -> bool:
    """Say whether this process writes and talks."""
    return rank() == 0


def join_group() -> bool:
    """Join the processes that `torchrun` started; say whether there are any.

    Each takes the GPU of its local rank, and NCCL; without GPUs, gloo.
    """
    if dist.is_initialized():
        return True
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or "RANK" not in os.environ:
        return False
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
    return True


def leave_group() -> None:
    """Leave the processes joined."""
    if dist.is_initialized():
        dist.destroy_process_group()


def all_mean(tensor: torch.Tensor) -> torch.Tensor:
    """Return the mean of a tensor over the processes; no gradient flows through it."""
    if size() == 1:
        return tensor
    total = tensor.detach().clone()
    dist.all_reduce(total)
    return total / size()


def all_true(flag: bool, device: torch.device) -> bool:
    """Say whether a flag is set in every process."""
    return _reduced(flag, device, dist.ReduceOp.MIN) if size() > 1 else flag


def any_true(flag: bool, device: torch.device) -> bool:
    """Say whether a flag is set in any process."""
    return _reduced(flag, device, dist.ReduceOp.MAX) if size() > 1 else flag


def broadcast(value: Any) -> Any:
    """Return the main process's value in every process."""
    if size() == 1:
        return value
    held = [value]
    dist.broadcast_object_list(held, src=0)
    return held[0]


def gather_all(value: Any) -> list[Any]:
    """Return the values of all processes, in their order."""
    found = [value] * size()
    if size() > 1:
        dist.all_gather_object(found, value)
    return found


def _reduced(flag: bool, device: torch.device, how: Any) -> bool:
    held = torch.tensor(int(flag), device=device)
    dist.all_reduce(held, how)
    return bool(held)
