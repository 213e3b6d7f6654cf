"""Run by `torchrun` in test_distributed.py: a training without BatchNorm whose losses and weights are written down."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from test_training_options import smooth_task

from galaxtool.methods.galaxalign import stages
from galaxtool.training import distributed
from galaxtool.training.step import Stepper
from galaxtool.training.trainer import Trainer


def train(folder: Path, accumulate: int = 1) -> None:
    """Train, and write ``losses.json`` and ``weights.pt``."""
    losses = []

    class Recording(Stepper):
        def step(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            found = super().step(*args, **kwargs)
            losses.append(found[0])
            return found

    import galaxtool.training.trainer as module

    module.Stepper = Recording  # type: ignore[misc]
    task = smooth_task(items=22, batch_size=8, epochs=4, warmup_epochs=3, accumulate=accumulate)
    torch.manual_seed(2)
    trainer = Trainer(task, stages(task), folder)
    trainer.fit()
    module.Stepper = Stepper  # type: ignore[misc]
    if distributed.is_main():
        (folder / "losses.json").write_text(json.dumps(losses))
        torch.save(trainer.stages.state_dict(), folder / "weights.pt")


if __name__ == "__main__":
    distributed.join()
    train(Path(sys.argv[1]), int(sys.argv[2]))
    distributed.leave()
