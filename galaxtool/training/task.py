"""The task that a method trains: backbone, data and options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.training.objective import Objective
from galaxtool.training.options import TrainOptions
from galaxtool.vision.augment import Augmentation
from galaxtool.vision.preprocess import Preprocess


@dataclass(frozen=True, kw_only=True)
class PictureSet:
    """Pictures in memory, ready to be augmented.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (N, size, size, C)
        Pictures as `Preprocess.picture` returns them.
    targets : ndarray, shape (N,) of int64, or (N, A) of float32
        Class indices, -1 for a picture without a label; or the votes for each of A answers.
    weights : ndarray of float64, shape (N,)
        Mean number of times that each picture is seen in an epoch.
    fields : ndarray of float64, shape (N,), or None
        Side of the field of view in arcsec, NaN if unknown; None if it was not determined.
    captions : sequence of tuple of str, or None
        True sentences about each picture, an empty tuple where there are none; None if no picture has any.
    """

    pictures: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    fields: np.ndarray | None = None
    captions: Sequence[tuple[str, ...]] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def select_labeled(self) -> PictureSet:
        """Return the pictures that have a class; all of them if the targets are votes."""
        if self.targets.ndim > 1:
            return self
        labeled = self.targets >= 0
        if labeled.all():
            return self
        return replace(
            self,
            pictures=self.pictures[labeled],
            targets=self.targets[labeled],
            weights=self.weights[labeled],
            fields=None if self.fields is None else self.fields[labeled],
            captions=None
            if self.captions is None
            else [self.captions[row] for row in np.flatnonzero(labeled).tolist()],
        )


@dataclass(frozen=True, kw_only=True)
class Task:
    """Everything that a method needs to make its stages.

    Parameters
    ----------
    backbone : galaxtool.backbones.protocols.Backbone
        Backbone on the device.
    taxonomy : Taxonomy
        Classes in the order of the targets.
    preprocess : Preprocess
        Preprocessing of the images.
    train, valid : PictureSet
        Training and validation split.
    symbols : Tensor of uint8, shape (K, V, size, size, C), or None
        V drawings of each class; None without symbols.
    options : TrainOptions
        Options of the training.
    objective : Objective
        Loss and scores of the head.
    head : str
        Registered name of the head of the trained model.
    augmentation : Augmentation
        Random changes of the training images.
    device : torch.device
        Device to train on.
    """

    backbone: Any
    taxonomy: Taxonomy
    preprocess: Preprocess
    train: PictureSet
    valid: PictureSet
    symbols: torch.Tensor | None
    options: TrainOptions
    objective: Objective
    device: torch.device
    head: str = "linear"
    augmentation: Augmentation = field(default_factory=Augmentation)

    def make_head(self) -> nn.Module:
        """Make the untrained head on the device, which maps features (N, dim) to logits (N, n_outputs)."""
        registry = get_registry()
        build = registry.heads.find(self.head).load()
        head: nn.Module = build(dim=self.backbone.dim, n_classes=self.objective.n_outputs)
        if callable(set_taxonomy := getattr(head, "set_taxonomy", None)):
            set_taxonomy(self.taxonomy)
        return head.to(self.device)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The images of one step, or the share of one process or one part.

    Parameters
    ----------
    images : Tensor of float32, shape (N, C, size, size)
        Augmented and standardized images, or what `Stage.inputs` returns instead.
    targets : Tensor, shape (N,) or (N, A)
        Targets as in `PictureSet`.
    items : Tensor of int64, shape (N,)
        Numbers of the items in the training set.
    counts : Tensor of float32, shape (K,)
        Number of items of each class in the whole batch, over all parts and processes.
    epoch, step : int
        Number of the epoch in the run and of the step in the epoch, to seed further random choices.
    """

    images: Any
    targets: torch.Tensor
    items: torch.Tensor
    counts: torch.Tensor
    epoch: int
    step: int
