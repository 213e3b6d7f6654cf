"""The training loop, once for all methods."""

from __future__ import annotations

import copy
import dataclasses
import math
import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from galaxtool.errors import TrainingError
from galaxtool.training import distributed
from galaxtool.training.batchnorm import update_batchnorm_stats
from galaxtool.training.checkpoint import (
    explain_mismatch,
    get_checkpoint_path,
    get_random_states,
    load_checkpoint,
    restore_random_states,
    save_checkpoint,
)
from galaxtool.training.ema import AveragedModel
from galaxtool.training.interrupt import InterruptHandler
from galaxtool.training.logs import (
    describe_kept,
    find_row,
    format_duration,
    format_row,
    number_epochs,
    write_history,
    write_tensorboard,
)
from galaxtool.training.optimizer import make_optimizer
from galaxtool.training.sampling import draw_epoch_order, split_epoch
from galaxtool.training.stage import Stage
from galaxtool.training.stage_setup import prepare_stages
from galaxtool.training.state import Outcome, TrainingState
from galaxtool.training.step import Stepper
from galaxtool.training.stopping import find_stop_reason
from galaxtool.training.task import Task
from galaxtool.types import Progress, Silent
from galaxtool.utils.optional_imports import require


class Trainer:
    """Runs the stages of a method: AdamW, cosine schedule, validation after each epoch, checkpoints, resuming.

    If `torchrun` started several processes, each trains on its share of every batch, with the gradient of the whole
    batch; the first process validates, writes files and reports progress.

    Parameters
    ----------
    task : Task
        Task to train.
    stages : sequence of Stage
        Stages that the method returned.
    folder : str or Path
        Run directory, for ``checkpoints/`` and ``history.csv``.
    progress : Progress, optional
        Receiver of progress messages.
    tensorboard : bool
        Whether to write the history for TensorBoard too.
    """

    def __init__(
        self,
        task: Task,
        stages: Sequence[Stage],
        folder: str | os.PathLike[str],
        progress: Progress | None = None,
        *,
        tensorboard: bool = False,
    ) -> None:
        if not stages:
            raise TrainingError("The method has no stages.", hint="A method returns a list of galaxtool.Stage.")
        if task.train.weights.sum() < 1:
            raise TrainingError("The weights leave less than one image per epoch.", hint="Raise --weight.")
        self.task = task
        # convolutions are fastest in this memory layout, on CPUs and GPUs
        self.stages = nn.ModuleList(stages).to(task.device).to(memory_format=torch.channels_last)
        if min(task.options.batch_size, len(task.train)) < distributed.size():
            raise TrainingError("A batch has fewer images than there are processes.", hint="Raise --batch-size.")
        if tensorboard:
            require("tensorboard", why="--tensorboard", install="galaxtool[tensorboard]")
        self.stage_epochs = [stage.epochs for stage in stages]
        self.folder = Path(folder)
        self.progress = progress or Silent()
        self.tensorboard = tensorboard
        self.state = TrainingState()
        prepare_stages(task, self.stages)

    @property
    def last_checkpoint(self) -> Path:
        """Checkpoint from which a run resumes."""
        return get_checkpoint_path(self.folder)

    @property
    def best_checkpoint(self) -> Path:
        """Checkpoint of the epoch of the last stage that is kept: the best, or the last, as the options say."""
        return self.folder / "checkpoints" / "best.pt"

    def fit(self, *, resume: bool = False) -> Outcome:
        """Train all stages.

        Parameters
        ----------
        resume : bool
            Whether to resume from the last checkpoint, if there is one.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C or SIGTERM, when a checkpoint has been written.
        TrainingError
            If the loss is no longer finite, or a batch does not fit into memory; the last checkpoint is kept.
        """
        torch.manual_seed(self.task.options.seed + 1_000_003 * distributed.rank())
        saved = load_checkpoint(self.last_checkpoint) if resume and self.last_checkpoint.exists() else None
        if saved:
            with explain_mismatch(self.last_checkpoint):
                self.state = TrainingState(**saved["position"])
                number_epochs(self.state.history)
        with InterruptHandler() as interrupt:
            for number in range(self.state.stage, len(self.stages)):
                stage = self._get_stage(number)
                if saved is None:
                    stage.begin()
                optimizer = make_optimizer(stage, self.task.backbone, self.task.options)
                averaged = AveragedModel(stage, self.task.options.ema) if self.task.options.ema else None
                stepper = Stepper(self.task, stage, optimizer)
                if saved:
                    with explain_mismatch(self.last_checkpoint):
                        self.stages.load_state_dict(saved["modules"])
                        self._load_optimizer(optimizer, saved["optimizer"])
                        stepper.scaler.load_state_dict(saved["scaler"])
                        if averaged:
                            averaged.load_state_dict(saved["averaged"])
                        restore_random_states(saved["random"][distributed.rank() % len(saved["random"])])
                    saved = None
                self._run_stage(number, stepper, averaged, interrupt)
                self.state = dataclasses.replace(self.state, stage=number + 1, epoch=0)
            if any(distributed.gather_all(interrupt.requested)):  # after the last step, which would have noticed
                raise KeyboardInterrupt
        return self._make_outcome()

    def _get_stage(self, number: int) -> Stage:
        stage = self.stages[number]
        assert isinstance(stage, Stage)
        return stage

    def _load_optimizer(self, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
        try:
            optimizer.load_state_dict(state)
        except ValueError:  # the groups of an older version
            self.progress.say("The checkpoint is of an older version, so AdamW estimates its moments from scratch.")

    def _run_stage(
        self, number: int, stepper: Stepper, averaged: AveragedModel | None, interrupt: InterruptHandler
    ) -> None:
        stage, n = stepper.stage, len(draw_epoch_order(self.task.train, self.task.options.seed, 0))
        label = f"{stage.name}, {number + 1} of {len(self.stages)}" if len(self.stages) > 1 else stage.name
        epochs, before = sum(self.stage_epochs), sum(self.stage_epochs[:number])
        self.progress.start(f"Training {label}", epochs * n)  # the whole run, so that the time left is that of the run
        self.progress.advance((before + self.state.epoch) * n + self.state.step * self.task.options.batch_size)
        is_last = number == len(self.stages) - 1
        while self.state.epoch < stage.epochs:
            reason = self._find_reason_to_stop(stage) if is_last else ""
            if reason:
                self.progress.say(f"{reason}; stopped early.")
                break
            started, first = time.perf_counter(), self.state.seen
            self._run_epoch(number, stepper, averaged, interrupt)
            # no step is left in the epoch if the interrupt came in its last step
            share = max(self.state.seen - first, 1)
            speed = share / (time.perf_counter() - started)
            with averaged.swap_in() if averaged else nullcontext():
                update_batchnorm_stats(self.task, stage, before + self.state.epoch)
                stage.update_symbol_stats(self.task, before + self.state.epoch)
                row = self._validate(stage, speed, stepper.lr, started)
                self.state.end_epoch(row)
                if is_last and self._is_kept(stage) and distributed.is_main():
                    save_checkpoint(self.best_checkpoint, {"modules": self.stages.state_dict(), "row": row})
            if distributed.is_main():
                write_history(self.folder / "history.csv", self.state.history)
                if self.tensorboard:
                    write_tensorboard(self.folder / "tensorboard", self.state.history)
            self._save(stepper, averaged)
            left = (epochs - before - self.state.epoch) * n / share * (time.perf_counter() - started)
            self.progress.say(
                f"{label}: epoch {row['epoch']}/{epochs}  {format_row(row)}  {format_duration(left)} left"
            )

    def _run_epoch(
        self, number: int, stepper: Stepper, averaged: AveragedModel | None, interrupt: InterruptHandler
    ) -> None:
        options = self.task.options
        epoch = sum(self.stage_epochs[:number]) + self.state.epoch
        batches = split_epoch(
            draw_epoch_order(self.task.train, options.seed, epoch), options.batch_size, distributed.size()
        )
        stepper.stage.train()
        while self.state.step < len(batches):
            items = batches[self.state.step]
            progress = self.state.epoch + self.state.step / len(batches)
            stepper.schedule(self.stage_epochs, number, progress)
            loss, is_interrupted = stepper.step(items, epoch, self.state.step, interrupted=interrupt.requested)
            self._check_finite("loss", loss, stepper.stage)
            self._check_finite("gradient's norm", stepper.norm, stepper.stage)
            stepper.update()
            if averaged:
                averaged.update()
            self.state.add_step(loss, len(items), stepper.terms, stepper.norms)
            done = (sum(self.stage_epochs[:number]) + self.state.epoch + self.state.step / len(batches)) / sum(
                self.stage_epochs
            )
            stepper.stage.after_step(done)
            self.progress.advance(len(items), note=f"loss {self.state.loss_sum / self.state.seen:.4f}")
            if is_interrupted or (interrupt.requested and distributed.size() == 1):
                self._save(stepper, averaged)
                raise KeyboardInterrupt

    def _check_finite(self, what: str, value: float, stage: Stage) -> None:
        if not math.isfinite(value):
            raise TrainingError(
                f"The {what} is {value} in stage '{stage.name}', epoch {len(self.state.history) + 1}, "
                f"after {self.state.step} steps.",
                hint=f"Try --lr {self.task.options.lr / 10:g} or --precision fp32"
                + ("; the last checkpoint is kept." if self.last_checkpoint.exists() else "."),
            )

    def _validate(self, stage: Stage, speed: float, lr: float, started: float) -> dict[str, Any]:
        """Validate the epoch; return its row of the history."""
        row: dict[str, Any] = {}
        if distributed.is_main():
            stage.eval()
            scores = stage.validate(self.task)
            row = {"stage": stage.name, "epoch": len(self.state.history) + 1, **self.state.compute_means(), **scores}
            seconds = round(time.perf_counter() - started, 2)
            row |= {"lr": lr, "images_per_s": round(speed, 1), "seconds": seconds}
        row = distributed.broadcast(row)
        self._check_finite("validation loss", row["valid_loss"], stage)
        return row

    def _get_stage_rows(self) -> list[dict[str, Any]]:
        """Return the history of the present stage."""
        return self.state.history[sum(self.stage_epochs[: self.state.stage]) :]

    def _is_kept(self, stage: Stage) -> bool:
        if self.task.options.select == "last":
            return True
        scores = [stage.score(self.task, row) for row in self._get_stage_rows()]
        return scores[-1] > max(scores[:-1], default=())

    def _find_reason_to_stop(self, stage: Stage) -> str:
        rows, options = self._get_stage_rows(), self.task.options
        patience = 0 if options.select == "last" else options.patience
        scores = [stage.score(self.task, row) for row in rows]
        return find_stop_reason(options.stopping, [row["valid_loss"] for row in rows], scores, patience)

    def _save(self, stepper: Stepper, averaged: AveragedModel | None) -> None:
        states = distributed.gather_all(get_random_states())
        if not distributed.is_main():
            return
        save_checkpoint(
            self.last_checkpoint,
            {
                "position": dataclasses.asdict(self.state),
                "modules": self.stages.state_dict(),
                "optimizer": stepper.optimizer.state_dict(),
                "scaler": stepper.scaler.state_dict(),
                "averaged": averaged.state_dict() if averaged else {},
                "random": states,
            },
        )

    def _make_outcome(self) -> Outcome:
        distributed.broadcast(None)  # wait until the main process has written the best checkpoint
        best = load_checkpoint(self.best_checkpoint)
        self.stages.load_state_dict(best["modules"])
        row = find_row(self.state.history, best["row"])
        tried = 1 if self.task.options.select == "last" else len(self.state.history) - sum(self.stage_epochs[:-1])
        self.progress.say(describe_kept(row, len(self.state.history), tried))
        stage = self._get_stage(len(self.stages) - 1).eval()
        with torch.inference_mode():
            head = copy.deepcopy(stage.make_head())
        stage.finish()
        return Outcome(
            head=head,
            symbol_tower=stage.symbol_tower(),
            symbol_statistics=stage.get_symbol_statistics(),
            best=row,
            history=self.state.history,
        )
