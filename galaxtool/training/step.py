"""One step: forward and backward pass of a batch, whole or in parts, in one process or several."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from galaxtool.errors import TrainingError
from galaxtool.training import distributed
from galaxtool.training.batchnorm import lacks_statistics, use_running_statistics
from galaxtool.training.losses.loss import split_loss
from galaxtool.training.losses.partial_labels import count_classes
from galaxtool.training.memory import explain_out_of_memory, is_out_of_memory, to_device
from galaxtool.training.optimizer import compute_lr_factor, decay_by_cosine
from galaxtool.training.sampling import split_batch
from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, Task
from galaxtool.vision.device import autocast

_MAX_NORM = 1.0
"""Norm to which gradients are clipped."""


class _LossModule(nn.Module):
    """A stage whose call returns its loss, as DistributedDataParallel needs it."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def forward(self, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        try:
            found = self.stage.loss(batch)
        except ValueError as error:
            if not lacks_statistics(error):
                raise
            # a single image, whose last maps have one pixel
            with use_running_statistics(self.stage):
                found = self.stage.loss(batch)
        loss, terms = split_loss(found)
        if self.stage.label_noise is None:
            return loss, terms
        penalty = self.stage.label_noise.penalty()
        return loss + penalty, {**terms, "noise": penalty.detach()}


class Stepper:
    """Computes losses and gradients of a stage, and steps the optimizer.

    The gradient is that of the whole batch, however the batch is divided into parts and among processes: the loss of a
    part counts by its number of items, and ``batch.counts`` holds what a loss needs to know of the other parts.
    (BatchNorm sees only the part that it normalizes; on several GPUs it is replaced by one that sees all GPUs. For a
    part of one small image, which has no statistics, it uses the running ones.)

    Parameters
    ----------
    task : Task
        Task that is trained.
    stage : Stage
        Stage that is trained.
    optimizer : torch.optim.Optimizer
        Optimizer of the parameters that the stage trains; its groups have a ``scale``.

    Attributes
    ----------
    norm : float
        Norm of the last gradient before it was clipped. With fp16 it is always finite, because the scaler skips a step
        whose gradient is not.
    norms : dict of str to float
        Norm of each of the stage's towers, which were clipped to 1 separately; empty if the step is skipped.
    terms : dict of str to float
        Terms of the last loss, over the whole batch.
    """

    def __init__(self, task: Task, stage: Stage, optimizer: torch.optim.Optimizer) -> None:
        self.task = task
        self.stage = stage
        self.optimizer = optimizer
        self.norm = 0.0
        self.norms: dict[str, float] = {}
        self.terms: dict[str, float] = {}
        self._towers = _divide(stage)
        self._label_sets = None if task.label_sets is None else task.label_sets.cpu().numpy()
        self.scaler = torch.amp.GradScaler(task.device.type, enabled=task.options.precision == "fp16")
        self._loss: nn.Module = _LossModule(stage)
        if distributed.size() > 1:
            # a stage may hold parameters that only a later one trains, such as those of a text tower
            self._loss = DistributedDataParallel(self._loss, find_unused_parameters=True)

    @property
    def lr(self) -> float:
        """Learning rate; that of a group is multiplied by its scale."""
        return float(self.optimizer.param_groups[0]["lr"] / self.optimizer.param_groups[0]["scale"])

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = value * group["scale"]

    def schedule(self, stage_epochs: Sequence[int], number: int, progress: float) -> None:
        """Set the learning rate and the weight decay of the next step.

        Parameters
        ----------
        stage_epochs : sequence of int
            Number of epochs of each stage.
        number : int
            Number of this stage, from 0.
        progress : float
            Epochs of this stage that are done.
        """
        options, stage = self.task.options, self.stage
        self.lr = options.lr * compute_lr_factor(
            stage_epochs, number, progress, floor=options.min_lr / options.lr, ramp_epochs=stage.ramp_epochs
        )
        if stage.final_weight_decay is not None:
            change = 1 - decay_by_cosine(progress / stage_epochs[number])
            decay = options.weight_decay + (stage.final_weight_decay - options.weight_decay) * change
            for group in self.optimizer.param_groups:
                group["weight_decay"] = decay * group["decays"]

    def step(self, items: np.ndarray, epoch: int, step: int, *, interrupted: bool = False) -> tuple[float, bool]:
        """Compute the loss and its gradient.

        Parameters
        ----------
        items : ndarray of int
            Items of the whole batch, over all processes.
        epoch, step : int
            Number of the epoch in the run and of the step in the epoch.
        interrupted : bool
            Whether this process was asked to stop.

        Returns
        -------
        loss : float
            Mean loss of the whole batch.
        interrupted : bool
            Whether any process was asked to stop.

        Raises
        ------
        TrainingError
            If the batch does not fit into memory; the message names a size that does.
        """
        accumulate, processes = self.task.options.accumulate, distributed.size()
        parts = split_batch(items, accumulate, distributed.rank(), processes)
        counts = self._count_classes(items)
        self.optimizer.zero_grad(set_to_none=True)
        total, terms = torch.zeros((), device=self.task.device), defaultdict[str, Any](float)
        for number, part in enumerate(parts):
            is_waiting = number < len(parts) - 1
            try:
                with self._wait() if is_waiting else nullcontext():
                    loss, own = self._backward(part, len(part) * processes / len(items), counts, epoch, step)
            except Exception as error:  # torch raises RuntimeError on a CPU
                if not is_out_of_memory(error):
                    raise
                size = len(part)
            else:
                total += loss
                for name, term in own.items():
                    terms[name] += term
                continue
            # outside the handler, because its traceback would keep the memory occupied
            raise self._make_memory_error(size, part, counts, epoch, step)
        self.scaler.unscale_(self.optimizer)
        self._clip()
        shared = distributed.all_mean(torch.stack([total, total.new_tensor(float(interrupted)), *terms.values()]))
        loss_value, is_interrupted, *values = shared.tolist()
        self.terms = dict(zip(terms, values, strict=True))
        return loss_value, is_interrupted > 0

    def update(self) -> None:
        """Step the optimizer."""
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def _wait(self) -> AbstractContextManager[None]:
        """Return a context in which processes do not exchange their gradients."""
        return self._loss.no_sync() if isinstance(self._loss, DistributedDataParallel) else nullcontext()

    def _clip(self) -> None:
        """Clip the gradient of each tower, so that a strong one does not shrink the steps of the others."""
        norms = {
            name: torch.nn.utils.clip_grad_norm_(parameters, _MAX_NORM) for name, parameters in self._towers.items()
        }
        values = torch.stack(list(norms.values())).tolist() if norms else []
        self.norms = dict(zip(norms, values, strict=True))
        self.norm = math.hypot(*values)
        if self.scaler.is_enabled() and not math.isfinite(self.norm):
            # the scale was too large: the scaler skips this step and lowers the scale
            self.norm, self.norms = 0.0, {}

    def _backward(
        self, part: np.ndarray, share: float, counts: torch.Tensor, epoch: int, step: int
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Add the gradient of a part; return its contribution to the loss and to the terms of the loss."""
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
            loss, terms = self._loss(batch)
        loss = loss if share == 1 else loss * share
        torch.autograd.backward(self.scaler.scale(loss))
        return loss.detach().float(), {name: share * term for name, term in terms.items()}

    def _count_classes(self, items: np.ndarray) -> torch.Tensor:
        targets = self.task.train.targets[items]
        if targets.ndim > 1:
            return torch.zeros(0, device=self.task.device)
        counts = count_classes(targets, len(self.task.taxonomy), self._label_sets)
        return torch.from_numpy(counts).to(self.task.device, torch.float32)

    def _make_memory_error(
        self, size: int, part: np.ndarray, counts: torch.Tensor, epoch: int, step: int
    ) -> TrainingError:
        if distributed.size() > 1:  # the other processes are waiting, so smaller parts cannot be tried
            return TrainingError(
                f"{size} images at a time do not fit into memory.", hint="Raise --accumulate, or use --checkpointing."
            )

        def attempt(images: int) -> None:
            self.optimizer.zero_grad(set_to_none=True)
            self._backward(part[:images], 1.0, counts, epoch, step)

        return explain_out_of_memory(attempt, size, self.task.options.batch_size)


def _divide(stage: Stage) -> dict[str, list[nn.Parameter]]:
    """Return the parameters that a stage trains by tower, and those of none of them as ``rest``."""
    left = {id(p): p for p in stage.trainable()}
    towers = {}
    for name, parameters in stage.towers().items():
        towers[name] = [left.pop(id(p)) for p in parameters if id(p) in left]
    return {name: members for name, members in {**towers, "rest": list(left.values())}.items() if members}
