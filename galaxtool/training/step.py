"""One step: forward and backward of a batch, whole or in parts, in one process or several."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from galaxtool.errors import TrainingError
from galaxtool.training import distributed
from galaxtool.training.memory import explain_out_of_memory, is_out_of_memory, to_device
from galaxtool.training.sampling import split_batch
from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, Task
from galaxtool.vision.device import autocast

_LARGEST_NORM = 1.0  # that a gradient may have


class _Loss(nn.Module):
    """A stage whose call is its loss, as DistributedDataParallel wants it."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def forward(self, batch: Batch) -> torch.Tensor:
        return self.stage.loss(batch)


class Stepper:
    """Computes losses and gradients of a stage, and lets the optimiser go.

    However a batch is divided among parts and processes, the gradient is that of the whole: each part's loss counts by
    its number of items, and what a loss must know of the other parts is in ``batch.counts``. (BatchNorm sees only the
    part it normalises; on several GPUs it is made one that sees all of them.)

    Parameters
    ----------
    task : Task
    stage : Stage
    optimizer : torch.optim.Optimizer
        Of what the stage trains; its groups have a ``scale``.

    Attributes
    ----------
    norm : float
        Of the last gradient, before it was clipped to 1. Finite, where fp16 is scaled: the scaler skips such a step.
    """

    def __init__(self, task: Task, stage: Stage, optimizer: torch.optim.Optimizer) -> None:
        self.task = task
        self.stage = stage
        self.optimizer = optimizer
        self.norm = 0.0
        self.scaler = torch.amp.GradScaler(task.device.type, enabled=task.options.precision == "fp16")
        self._loss: Callable[[Batch], torch.Tensor] = stage.loss
        if distributed.size() > 1:
            # unused: a stage may hold what only a later one trains, such as a text tower
            self._loss = DistributedDataParallel(_Loss(stage), find_unused_parameters=True)

    @property
    def lr(self) -> float:
        """The learning rate; a group's own is this times its scale."""
        return float(self.optimizer.param_groups[0]["lr"] / self.optimizer.param_groups[0]["scale"])

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = value * group["scale"]

    def step(self, items: np.ndarray, epoch: int, step: int, *, interrupted: bool = False) -> tuple[float, bool]:
        """Compute the loss and its gradient.

        Parameters
        ----------
        items : ndarray of int
            The whole batch, over all processes.
        epoch, step : int
            Of the run and of the epoch.
        interrupted : bool
            Whether this process was asked to stop.

        Returns
        -------
        loss : float
            Mean over the whole batch.
        interrupted : bool
            Whether any process was asked to stop.

        Raises
        ------
        TrainingError
            If it does not fit into memory; names a batch that does.
        """
        accumulate, processes = self.task.options.accumulate, distributed.size()
        parts = split_batch(items, accumulate, distributed.rank(), processes)
        counts = self._counts(items)
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.task.device)
        for number, part in enumerate(parts):
            waits = number < len(parts) - 1 and isinstance(self._loss, DistributedDataParallel)
            try:
                with self._loss.no_sync() if waits else nullcontext():  # type: ignore[attr-defined]
                    loss = self._backward(part, len(part) * processes / len(items), counts, epoch, step)
            except Exception as error:  # RuntimeError is what torch raises on a CPU
                if not is_out_of_memory(error):
                    raise
                size = len(part)
            else:
                total += loss
                continue
            # outside of the handler, whose traceback would hold what fills the memory
            raise self._too_large(size, part, counts, epoch, step)
        self.scaler.unscale_(self.optimizer)
        self.norm = float(torch.nn.utils.clip_grad_norm_(self.stage.trainable(), _LARGEST_NORM))
        if self.scaler.is_enabled() and not np.isfinite(self.norm):
            self.norm = 0.0  # the scale was too large: the scaler leaves this step out and lowers it
        shared = distributed.all_mean(torch.stack([total, total.new_tensor(float(interrupted))]))
        return float(shared[0]), bool(shared[1] > 0)

    def update(self) -> None:
        """Let the optimiser take its step."""
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def _backward(self, part: np.ndarray, share: float, counts: torch.Tensor, epoch: int, step: int) -> torch.Tensor:
        """Add a part's gradient; return its part of the loss."""
        task = self.task
        batch = Batch(
            images=self.stage.inputs(task, part, epoch),
            targets=to_device(task.train.targets[part], task.device),
            items=to_device(part, task.device),
            counts=counts,
            epoch=epoch,
            step=step,
        )
        with autocast(task.device, task.options.precision):
            loss = self._loss(batch)
        loss = loss if share == 1 else loss * share
        self.scaler.scale(loss).backward()
        return loss.detach().float()

    def _counts(self, items: np.ndarray) -> torch.Tensor:
        targets = self.task.train.targets[items]
        if targets.ndim > 1:
            return torch.zeros(0, device=self.task.device)
        counts = np.bincount(targets[targets >= 0], minlength=len(self.task.taxonomy))
        return torch.from_numpy(counts).to(self.task.device, torch.float32)

    def _too_large(self, size: int, part: np.ndarray, counts: torch.Tensor, epoch: int, step: int) -> TrainingError:
        if distributed.size() > 1:  # the other processes wait, so nothing can be tried
            return TrainingError(
                f"{size} images at a time do not fit into memory.", hint="Raise --accumulate, or use --checkpointing."
            )

        def attempt(images: int) -> None:
            self.optimizer.zero_grad(set_to_none=True)
            self._backward(part[:images], 1.0, counts, epoch, step)

        return explain_out_of_memory(attempt, size, self.task.options.batch_size, self.task.options.accumulate)
