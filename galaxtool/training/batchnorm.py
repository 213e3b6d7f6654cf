"""The statistics of BatchNorm: estimated for the present weights, or used for images that have none of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from galaxtool.training.domain_norm import find_batch_norms
from galaxtool.training.sampling import draw_epoch_order
from galaxtool.training.stage import Stage
from galaxtool.training.task import Task

MAX_IMAGES = 512
"""Number of images from which the statistics are estimated."""


@torch.no_grad()
def update_batchnorm_stats(task: Task, stage: Stage, epoch: int) -> None:
    """Replace the running statistics of a stage's encoder by those of augmented training images (Wu & Johnson 2021).

    A running average lags behind weights that change fast. If most pixels are empty, as in radio images, it is far
    from the statistics of any batch, and a network that has learned may predict at random in validation. They are
    estimated in float32, in which the model is validated and used.

    Parameters
    ----------
    task : Task
        Task that is trained.
    stage : Stage
        Stage that is trained. Only its own BatchNorm layers in training mode are changed.
    epoch : int
        Epoch of the run, which decides the images and their augmentation.

    Notes
    -----
    See arXiv:2105.07576, section 3. The same as torch's ``update_bn``, with the memory of a training step.
    """
    tower = stage.get_validated_encoder(task)
    own = {id(module) for module in stage.modules()}
    layers = [layer for layer in find_batch_norms(tower) if layer.training and id(layer) in own]
    if not layers:
        return
    size = max(2, task.options.batch_size // task.options.accumulate)
    items = draw_epoch_order(task.train, task.options.seed, epoch)[:MAX_IMAGES]
    with average_batches(layers):
        for start in range(0, len(items), size):
            chosen = items[start : start + size]
            if len(chosen) < min(size, len(items)):
                break  # a small last batch would count as much as a whole one
            stage.run_encoder(task, chosen, epoch)


@contextmanager
def average_batches(layers: Sequence[_BatchNorm]) -> Iterator[None]:
    """Make the running statistics of layers the mean over the batches that pass within the context."""
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches
    try:
        yield
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


@contextmanager
def use_running_statistics(module: nn.Module) -> Iterator[None]:
    """Let the BatchNorm layers of a module normalize by their running statistics, which stay as they are."""
    layers = [layer for layer in find_batch_norms(module) if layer.training]
    for layer in layers:
        layer.eval()
    try:
        yield
    finally:
        for layer in layers:
            layer.train()


def lacks_statistics(error: ValueError) -> bool:
    """Tell whether an error means that a BatchNorm layer in training mode got a single value of each channel."""
    return "more than 1 value per channel" in str(error)
