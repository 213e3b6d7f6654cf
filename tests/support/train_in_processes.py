"""A training without BatchNorm that test_distributed.py runs with `torchrun`; it writes its losses and weights."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from galaxtool.training import distributed, trainer
from galaxtool.training.step import Stepper


@contextmanager
def record_losses() -> Iterator[list[float]]:
    """Record the loss of every step of a trainer; benchmarks/two_processes.py uses this too."""
    losses: list[float] = []

    class Recording(Stepper):
        def step(self, *args: Any, **kwargs: Any) -> tuple[float, bool]:
            found = super().step(*args, **kwargs)
            losses.append(found[0])
            return found

    trainer.Stepper = Recording  # type: ignore[misc]
    try:
        yield losses
    finally:
        trainer.Stepper = Stepper  # type: ignore[misc]


def train(folder: Path, accumulate: int = 1) -> None:
    """Train, and write ``losses.json`` and ``weights.pt``."""
    from support.training_helpers import make_smooth_task

    from galaxtool.methods.galaxalign import stages

    task = make_smooth_task(items=22, batch_size=8, epochs=4, warmup_epochs=3, accumulate=accumulate)
    torch.manual_seed(2)
    training = trainer.Trainer(task, stages(task), folder)
    with record_losses() as losses:
        training.fit()
    if distributed.is_main():
        (folder / "losses.json").write_text(json.dumps(losses))
        torch.save(training.stages.state_dict(), folder / "weights.pt")


if __name__ == "__main__":
    distributed.join_group()
    train(Path(sys.argv[1]), int(sys.argv[2]))
    distributed.leave_group()
