"""The training loop, once for all methods."""

from __future__ import annotations

import copy
import csv
import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score
from torch import nn

from galaxtool.errors import TrainingError
from galaxtool.files import replacing
from galaxtool.training.checkpoint import load_checkpoint, random_states, restore_random_states, save_checkpoint
from galaxtool.training.interrupt import Interruptible
from galaxtool.training.task import Batch, PictureSet, Stage, Task
from galaxtool.types import Progress, Silent
from galaxtool.vision.augment import standardise
from galaxtool.vision.device import autocast

_RAMP = 0.05  # of a stage's steps, until its learning rate is that of the schedule


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a training came to.

    Parameters
    ----------
    head : torch.nn.Module
        Of the best epoch, as the backbone now is too.
    symbol_tower : torch.nn.Module or None
        Of the best epoch, where it is not the image tower.
    best : dict
        The row of the history that was best.
    history : list of dict
        One row an epoch.
    """

    head: nn.Module
    symbol_tower: nn.Module | None
    best: dict[str, Any]
    history: list[dict[str, Any]]


@dataclass
class _Position:
    """How far a training is: the next step to do, and what came before."""

    stage: int = 0
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    seen: int = 0
    stale: int = 0
    best: tuple[float, float] = (-math.inf, -math.inf)
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)


class Trainer:
    """Runs the stages of a method: AdamW, cosine schedule, validation each epoch, checkpoints, resume.

    Parameters
    ----------
    task : Task
    stages : sequence of Stage
        As a method makes them.
    folder : Path
        A run directory; ``checkpoints/`` and ``history.csv`` are written there.
    progress : Progress, optional
    """

    def __init__(self, task: Task, stages: Sequence[Stage], folder: Path, progress: Progress | None = None) -> None:
        if not stages:
            raise TrainingError("The method has no stages.", hint="A method returns a list of galaxtool.Stage.")
        if task.train.weights.sum() < 1:
            raise TrainingError("The weights leave less than one image an epoch.", hint="Raise --weight.")
        self.task = task
        self.stages = nn.ModuleList(stages).to(task.device)
        self.folder = folder
        self.progress = progress or Silent()
        self.at = _Position()

    @property
    def last_checkpoint(self) -> Path:
        """Where to go on from."""
        return self.folder / "checkpoints" / "last.pt"

    @property
    def best_checkpoint(self) -> Path:
        """The best epoch of the last stage."""
        return self.folder / "checkpoints" / "best.pt"

    def fit(self, *, resume: bool = False) -> Outcome:
        """Train to the end.

        Parameters
        ----------
        resume : bool
            Go on from the last checkpoint, if there is one.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C or SIGTERM; a checkpoint has been written.
        TrainingError
            If the loss is no longer finite; the last good checkpoint stays.
        """
        torch.manual_seed(self.task.options.seed)
        saved = load_checkpoint(self.last_checkpoint) if resume and self.last_checkpoint.exists() else None
        if saved:
            self.at = _Position(**{**saved["position"], "best": tuple(saved["position"]["best"])})
        with Interruptible() as interrupt:
            for number in range(self.at.stage, len(self.stages)):
                stage = self._stage(number)
                if saved is None:
                    stage.begin()
                optimizer = self._optimizer(stage)
                if saved:
                    self.stages.load_state_dict(saved["modules"])
                    optimizer.load_state_dict(saved["optimizer"])
                    restore_random_states(saved["random"])
                    saved = None
                self._run_stage(stage, number, optimizer, interrupt)
                self.at = dataclasses.replace(self.at, stage=number + 1, epoch=0, step=0, loss_sum=0.0, seen=0, stale=0)
        return self._outcome()

    def _stage(self, number: int) -> Stage:
        stage = self.stages[number]
        assert isinstance(stage, Stage)
        return stage

    def _run_stage(self, stage: Stage, number: int, optimizer: torch.optim.Optimizer, interrupt: Interruptible) -> None:
        n, size = self._per_epoch(), self.task.options.batch_size
        label = f"{stage.name}, {number + 1} of {len(self.stages)}" if len(self.stages) > 1 else stage.name
        self.progress.start(f"Training {label}", stage.epochs * n)
        self.progress.advance(self.at.epoch * n + self.at.step * size)
        is_last = number == len(self.stages) - 1
        while self.at.epoch < stage.epochs and not (is_last and 0 < self.task.options.patience <= self.at.stale):
            started, first = time.perf_counter(), self.at.seen
            self._run_epoch(stage, optimizer, interrupt)
            # no step is left in the epoch when the interrupt came with its last
            speed = max(self.at.seen - first, 1) / (time.perf_counter() - started)
            row = self._validate(stage, speed, optimizer.param_groups[0]["lr"])
            self.at.history.append(row)
            write_history(self.folder / "history.csv", self.at.history)
            self.at.epoch, self.at.step, self.at.loss_sum, self.at.seen = self.at.epoch + 1, 0, 0.0, 0
            score = (row["valid_f1_macro"], -row["valid_loss"])
            if is_last:
                self.at.stale = 0 if score > self.at.best else self.at.stale + 1
                if score > self.at.best:
                    self.at.best = score
                    save_checkpoint(self.best_checkpoint, {"modules": self.stages.state_dict(), "row": row})
            self._save(optimizer)
            left = (stage.epochs - self.at.epoch) * n / speed
            self.progress.say(
                f"{label}: epoch {self.at.epoch}/{stage.epochs}  loss {row['loss']:.4f}  "
                f"valid accuracy {row['valid_accuracy']:.4f}  F1 {row['valid_f1_macro']:.4f}  "
                f"{speed:.0f} images/s  {_duration(left)} left"
            )
        if is_last and self.at.epoch < stage.epochs:
            self.progress.say(f"No better for {self.at.stale} epochs; stopped early.")

    def _run_epoch(self, stage: Stage, optimizer: torch.optim.Optimizer, interrupt: Interruptible) -> None:
        options, task = self.task.options, self.task
        before = sum(self._stage(i).epochs for i in range(self.at.stage))
        epoch = before + self.at.epoch
        order = epoch_order(task.train, options.seed, epoch)
        size = options.batch_size
        per_epoch = math.ceil(len(order) / size)
        stage.train()
        while self.at.step < per_epoch:
            items = order[self.at.step * size : (self.at.step + 1) * size]
            for group in optimizer.param_groups:
                group["lr"] = options.lr * self._schedule(self.at.epoch + self.at.step / per_epoch, stage.epochs)
            with autocast(task.device, options.precision):
                loss = stage.loss(self._batch(items, epoch))
            self._check_finite("loss", loss, stage)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(stage.trainable(), 1.0)
            self._check_finite("gradient's norm", norm, stage)
            optimizer.step()
            self.at.step += 1
            self.at.seen += len(items)
            self.at.loss_sum += float(loss.detach()) * len(items)
            self.progress.advance(len(items), note=f"loss {self.at.loss_sum / self.at.seen:.4f}")
            if interrupt.wanted:
                self._save(optimizer)
                raise KeyboardInterrupt

    def _check_finite(self, what: str, value: torch.Tensor, stage: Stage) -> None:
        if not torch.isfinite(value):
            raise TrainingError(
                f"The {what} is {value.item()} in stage '{stage.name}', epoch {self.at.epoch + 1}, "
                f"after {self.at.step} steps.",
                hint=f"Try --lr {self.task.options.lr / 10:g} or --precision fp32; the last checkpoint is kept.",
            )

    def _schedule(self, epochs: float, length: int) -> float:
        """Return the factor of the learning rate: one cosine over all stages, and a ramp at the start of each.

        The ramp lets AdamW, which begins anew with a stage, learn its step sizes before it takes large ones.
        """
        before = sum(self._stage(i).epochs for i in range(self.at.stage))
        whole = sum(self._stage(i).epochs for i in range(len(self.stages)))
        ramp = min(1.0, max(epochs / (_RAMP * length), 1e-2))
        return ramp * cosine((before + epochs) / whole)

    def _batch(self, items: np.ndarray, epoch: int) -> Batch:
        task = self.task
        pictures = torch.from_numpy(task.train.pictures[items]).to(task.device)
        images = task.augmentation.images(pictures, seed=task.options.seed, epoch=epoch, items=items.tolist())
        return Batch(
            images=standardise(images, task.preprocess.mean, task.preprocess.std),
            targets=torch.from_numpy(task.train.targets[items]).to(task.device),
            epoch=epoch,
            step=self.at.step,
        )

    def _optimizer(self, stage: Stage) -> torch.optim.Optimizer:
        decayed = [p for p in stage.trainable() if p.ndim > 1]
        plain = [p for p in stage.trainable() if p.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.task.options.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.task.options.lr)

    def _per_epoch(self) -> int:
        return len(epoch_order(self.task.train, self.task.options.seed, 0))

    def _validate(self, stage: Stage, speed: float, lr: float) -> dict[str, Any]:
        stage.eval()
        with torch.inference_mode():
            head = stage.make_head().to(self.task.device).eval()
        features = embed_pictures(self.task, self.task.valid)
        with torch.inference_mode():
            logits = head(features).float().cpu()
        targets = torch.from_numpy(self.task.valid.targets)
        predicted = logits.argmax(dim=1)
        valid_loss = F.cross_entropy(logits, targets)
        self._check_finite("validation loss", valid_loss, stage)
        return {
            "stage": stage.name,
            "epoch": self.at.epoch + 1,
            "loss": self.at.loss_sum / max(self.at.seen, 1),
            "valid_loss": float(valid_loss),
            "valid_accuracy": float((predicted == targets).float().mean()),
            "valid_f1_macro": float(f1_score(targets.numpy(), predicted.numpy(), average="macro", zero_division=0)),
            "lr": lr,
            "images_per_s": round(speed, 1),
        }

    def _save(self, optimizer: torch.optim.Optimizer) -> None:
        position = dataclasses.asdict(self.at) | {"best": list(self.at.best)}
        save_checkpoint(
            self.last_checkpoint,
            {
                "position": position,
                "modules": self.stages.state_dict(),
                "optimizer": optimizer.state_dict(),
                "random": random_states(),
            },
        )

    def _outcome(self) -> Outcome:
        best = load_checkpoint(self.best_checkpoint)
        self.stages.load_state_dict(best["modules"])
        stage = self._stage(len(self.stages) - 1).eval()
        with torch.inference_mode():
            head = copy.deepcopy(stage.make_head())
        return Outcome(head=head, symbol_tower=stage.symbol_tower(), best=best["row"], history=self.at.history)


def epoch_order(pictures: PictureSet, seed: int, epoch: int) -> np.ndarray:
    """Return the items of an epoch in random order; one of weight w appears w times, on average."""
    rng = np.random.default_rng((seed, epoch, 0x4F52))
    times = np.floor(pictures.weights).astype(int)
    times += rng.random(len(times)) < pictures.weights - times
    return rng.permutation(np.repeat(np.arange(len(times)), times))


def cosine(progress: float) -> float:
    """Return half a cosine from 1 to 0 at a fraction of the training."""
    return 0.5 * (1 + math.cos(math.pi * progress))


@torch.inference_mode()
def embed_pictures(task: Task, pictures: PictureSet, batch_size: int = 128) -> torch.Tensor:
    """Return the backbone's features of pictures as they are, without augmentation, float32 (N, dim)."""
    task.backbone.eval()
    found = []
    for start in range(0, len(pictures), batch_size):
        chunk = task.preprocess.normalise(pictures.pictures[start : start + batch_size])
        with autocast(task.device, task.options.precision):
            found.append(task.backbone.embed(torch.from_numpy(chunk).to(task.device)).float())
    return torch.cat(found)


def write_history(path: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write ``history.csv``, one row an epoch."""
    with replacing(path) as temporary, temporary.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()} for row in history)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
