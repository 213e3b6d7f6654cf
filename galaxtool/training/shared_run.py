"""One run directory for all processes of a training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from galaxtool.training import distributed
from galaxtool.utils.run_directory import FollowedRun, RunDirectory
from galaxtool.vision.device import choose_device


@contextmanager
def share_run(make: Callable[[], RunDirectory]) -> Iterator[RunDirectory]:
    """Join the processes that `torchrun` started, if it did, and yield a run directory that they share.

    Within the block a `galaxtool.Trainer` shares its batches between them. At the end the status is recorded.

    Parameters
    ----------
    make : callable
        Function that creates or opens the run, called by the main process only. The others get a copy that they only
        read: what they save or finish is not written.
    """
    distributed.join_group()
    made = make() if distributed.is_main() else None
    path, manifest = distributed.broadcast(None if made is None else (str(made.path), made.manifest))
    run = FollowedRun(Path(path), manifest) if made is None else made
    with run.recording():
        yield run
    distributed.leave_group()


def is_main_process() -> bool:
    """Tell whether this process of a training writes files and reports progress; True if there is only one."""
    return distributed.is_main()


def choose_training_device(name: str) -> torch.device:
    """Return the device as `galaxtool.choose_device` does; each process of `torchrun` has a GPU of its own."""
    has_own = distributed.size() > 1 and torch.cuda.is_available() and name.startswith(("auto", "cuda"))
    return choose_device("cuda" if has_own else name)
