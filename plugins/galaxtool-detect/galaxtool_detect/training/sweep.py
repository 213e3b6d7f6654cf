"""A short sweep of learning rates: the largest one whose loss falls smoothly."""

from __future__ import annotations

import csv
import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from galaxtool import Progress, Task, Trainer, TrainingError, atomic_write, is_main_process
from galaxtool_detect.training.config import TrainConfig
from galaxtool_detect.training.stage import DetectionStage
from galaxtool_detect.training.task import Setup, make_stage, make_task

RATES = {"frozen": (1e-4, 3e-4, 1e-3, 3e-3), "finetuned": (1e-4, 3e-4, 1e-3), "scratch": (3e-4, 1e-3, 3e-3)}
"""Learning rates that are tried, by what learns."""

_EPOCHS = 3
_STEPS = 10
"""Steps of each short epoch."""

_JITTER = 1.05
"""Ratio of the losses of two short epochs up to which the loss counts as falling."""


@dataclass(frozen=True)
class _Trial:
    """A learning rate and the losses of its short epochs, fewer if the loss was not finite."""

    lr: float
    losses: list[float]

    @property
    def falls(self) -> bool:
        pairs = zip(self.losses, self.losses[1:], strict=False)
        return len(self.losses) == _EPOCHS and all(after <= before * _JITTER for before, after in pairs)


class _SweepStage(DetectionStage):
    """The same training without validation: the loss is what is compared."""

    def validate(self, task: Task) -> dict[str, float]:
        """Return nothing new."""
        return {"valid_loss": 0.0}

    def score(self, task: Task, row: dict[str, Any]) -> tuple[float, ...]:
        """Rank the last epoch first."""
        return (row["epoch"],)


def sweep_rates(config: TrainConfig, setup: Setup, record: Path, progress: Progress) -> float:
    """Train a few steps at each of the `RATES`, and return the one to train with.

    It is the rate with the lowest loss at the end among those whose loss falls in every short epoch (by more than
    noise); if there is none, the smallest. Weights are as before afterwards.

    Parameters
    ----------
    config : TrainConfig
        Settings of the training.
    setup : Setup
        What it starts from.
    record : Path
        CSV file for the losses of each rate.
    progress : Progress
        Receives what was found.

    Raises
    ------
    TrainingError
        If the loss is not finite at any rate.
    """
    start = {key: value.clone() for key, value in setup.detector.state_dict().items()}
    rng = np.random.default_rng((config.seed, 0x5357))
    n = min(len(setup.train), _STEPS * config.batch_size)
    chosen = rng.permutation(len(setup.train))[:n]
    trials = []
    for rate in RATES[config.mode]:
        trials.append(_Trial(rate, _try_rate(config, setup, rate, chosen, _find_scratch(record))))
        setup.detector.load_state_dict(start)
    finished = [trial for trial in trials if trial.losses]
    if not finished:
        raise TrainingError(
            "The loss is not finite at any learning rate of the sweep.", hint="Check the pixels, or give --lr 1e-5."
        )
    smooth = [trial for trial in finished if trial.falls] or finished[:1]
    best = min(smooth, key=lambda trial: trial.losses[-1]).lr
    if is_main_process():
        _write(record, trials, best)
        shutil.rmtree(_find_scratch(record), ignore_errors=True)
    tried = ", ".join(f"{trial.lr:g}: {trial.losses[-1]:.3f}" for trial in finished)
    progress.say(f"Learning rate {best:g}, by a sweep of {_EPOCHS} times {_STEPS} steps (loss at {tried}).")
    return best


def _write(record: Path, trials: list[_Trial], best: float) -> None:
    with atomic_write(record) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["lr", *(f"loss_{i + 1}" for i in range(_EPOCHS)), "falls", "chosen"])
        for trial in trials:
            cells = [*(f"{loss:.5f}" for loss in trial.losses), *[""] * (_EPOCHS - len(trial.losses))]
            writer.writerow([f"{trial.lr:g}", *cells, trial.falls, trial.lr == best])


def _find_scratch(record: Path) -> Path:
    """Return the folder for the short trainings, the same in all processes."""
    return record.with_name("sweep")


def _try_rate(config: TrainConfig, setup: Setup, rate: float, chosen: np.ndarray, folder: Path) -> list[float]:
    """Return the losses of the short epochs; fewer if the loss was not finite."""
    short = dataclasses.replace(config, epochs=_EPOCHS, ema=0.0)
    task = make_task(short, setup, rate)
    weights = np.zeros(len(task.train))
    weights[chosen] = 1
    task = dataclasses.replace(task, train=dataclasses.replace(task.train, weights=weights))
    stage = make_stage(short, setup, epochs=_EPOCHS, kind=_SweepStage)
    with torch.random.fork_rng(devices=[]):
        trainer = Trainer(task, [stage], folder)
        try:
            history = trainer.fit().history
        except TrainingError:
            history = trainer.state.history
    return [float(row["loss"]) for row in history]
