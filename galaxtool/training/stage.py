"""One phase of a training; a method is a list of these."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool.training.memory import map_parts, to_device
from galaxtool.training.task import Batch, PictureSet, Task
from galaxtool.vision.augment import standardize
from galaxtool.vision.device import autocast


class Stage(nn.Module):
    """One phase of a training.

    Every module that trains, or that a later stage needs, is an attribute, so that a checkpoint holds it. Modules may
    be shared between stages.

    Parameters
    ----------
    name : str
        For progress and ``history.csv``.
    epochs : int
        Its length.
    """

    def __init__(self, name: str, epochs: int) -> None:
        super().__init__()
        self.name = name
        self.epochs = epochs

    def begin(self) -> None:
        """Take over from the stage before; called once, and not when a run resumes within this stage."""

    def inputs(self, task: Task, items: np.ndarray, epoch: int) -> Any:
        """Return what `loss` gets as ``batch.images``, on the device.

        Parameters
        ----------
        task : Task
        items : ndarray of int, shape (N,)
            Items of ``task.train``.
        epoch : int
            Of the run; with the seed and the item it decides the augmentation.

        Returns
        -------
        Tensor of float32, shape (N, C, size, size)
            Augmented and standardised. A stage may return something else, such as several crops or kept features.
        """
        pictures = to_device(task.train.pictures[items], task.device)
        images = task.augmentation.images(pictures, seed=task.options.seed, epoch=epoch, items=items.tolist())
        return standardize(images, task.preprocess.mean, task.preprocess.std)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return what to minimise, a scalar: a mean over the batch's items."""
        raise TypeError(f"{type(self).__name__} must say what its loss is")

    def after_step(self, progress: float) -> None:
        """Do what follows a step of the optimiser, such as moving a teacher.

        Parameters
        ----------
        progress : float
            Part of the whole training that is done, in (0, 1].
        """

    def features(self, task: Task, pictures: PictureSet) -> torch.Tensor:
        """Return the features that the head is validated on, float32 (N, dim), without augmentation."""
        return embed_pictures(task, pictures)

    def get_validated_encoder(self, task: Task) -> nn.Module:
        """Return the encoder that is validated, whose BatchNorm statistics are estimated anew before."""
        tower: nn.Module = task.backbone.image_tower
        return tower

    def make_head(self) -> nn.Module:
        """Return the head that classifies with what has been learned so far: features (N, dim) to logits (N, K)."""
        raise TypeError(f"{type(self).__name__} must say what classifies")

    def validate(self, task: Task) -> dict[str, float]:
        """Return the scores of the validation split, as columns of ``history.csv``; one is ``valid_loss``."""
        with torch.inference_mode():
            head = self.make_head().to(task.device).eval()
        features = self.features(task, task.valid)
        with torch.inference_mode():
            logits = head(features).float().cpu()
        return task.objective.validate(logits, task.valid.targets)

    def score(self, task: Task, row: dict[str, Any]) -> tuple[float, ...]:
        """Return how good a row of the history is; the greatest is kept."""
        return task.objective.score(row)

    def symbol_tower(self) -> nn.Module | None:
        """Return the encoder of symbols, where it is not the image tower."""
        return None

    def finish(self) -> None:
        """Leave the backbone as a model directory wants it; called once, with the best weights in place."""

    def trainable(self) -> list[nn.Parameter]:
        """Return the parameters this stage trains; by default all of its own and its modules'."""
        return [p for p in self.parameters() if p.requires_grad]


@torch.inference_mode()
def embed_pictures(task: Task, pictures: PictureSet) -> torch.Tensor:
    """Return the backbone's features of pictures as they are, without augmentation, float32 (N, dim).

    As many pass through it at a time as in a training step.

    Raises
    ------
    TrainingError
        If these do not fit into memory; names a batch that does.
    """
    task.backbone.eval()

    def embed(part: slice) -> torch.Tensor:
        chunk = task.preprocess.normalize(pictures.pictures[part])
        with autocast(task.device, task.options.precision):
            found: torch.Tensor = task.backbone.embed(to_device(chunk, task.device))
        return found.float()

    return torch.cat(map_parts(embed, len(pictures), task.options))
