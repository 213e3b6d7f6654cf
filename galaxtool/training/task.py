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
from galaxtool.training.dataset_scores import LabelTerms
from galaxtool.training.objective import Objective
from galaxtool.training.options import TrainOptions
from galaxtool.vision.augment import Augmentation
from galaxtool.vision.preprocess import Preprocess, resize


@dataclass(frozen=True, kw_only=True)
class PictureSet:
    """Pictures in memory, ready to be augmented.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (N, size, size, C)
        Pictures as `Preprocess.picture` returns them.
    targets : ndarray, shape (N,) of int64, or (N, A) of float32
        Labels as indices of the rows of `Task.label_sets`, of which the first K are the classes, -1 for a picture
        without a label; or the votes for each of A answers.
    weights : ndarray of float64, shape (N,)
        Mean number of times that each picture is seen in an epoch.
    fields : ndarray of float64, shape (N,), or None
        Side of the field of view in arcsec, NaN if unknown; None if it was not determined.
    captions : sequence of tuple of str, or None
        True sentences about each picture, an empty tuple where there are none; None if no picture has any.
    sources : ndarray of int64, shape (N,), or None
        Number of the data set of each picture; None if it does not matter.
    margin : float
        Side of the field of the pictures in units of that of the model's images. Above 1, an augmentation shows more
        of the surroundings; see `Augmentation`.
    """

    pictures: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    fields: np.ndarray | None = None
    captions: Sequence[tuple[str, ...]] | None = None
    sources: np.ndarray | None = None
    margin: float = 1.0

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: slice | np.ndarray, size: int) -> np.ndarray:
        """Return pictures as the model sees them without augmentation, uint8 (n, size, size, C)."""
        chosen = self.pictures[rows]
        if self.margin == 1.0:
            return chosen
        whole = chosen.shape[1]
        near, far = whole / 2 * (1 - 1 / self.margin), whole / 2 * (1 + 1 / self.margin)
        return np.stack([resize(picture, size, (near, near, far, far)) for picture in chosen])

    def select_labeled(self) -> PictureSet:
        """Return the pictures that have a label; all of them if the targets are votes."""
        return self if self.targets.ndim > 1 else self.select(self.targets >= 0)

    def select_classes(self, n_classes: int) -> PictureSet:
        """Return the pictures whose label is one of the K classes; all of them if the targets are votes."""
        if self.targets.ndim > 1:
            return self
        return self.select((self.targets >= 0) & (self.targets < n_classes))

    def select(self, chosen: np.ndarray) -> PictureSet:
        """Return the pictures for which a mask (N,) is true."""
        if chosen.all():
            return self
        return replace(
            self,
            pictures=self.pictures[chosen],
            targets=self.targets[chosen],
            weights=self.weights[chosen],
            fields=None if self.fields is None else self.fields[chosen],
            captions=None if self.captions is None else [self.captions[row] for row in np.flatnonzero(chosen).tolist()],
            sources=None if self.sources is None else self.sources[chosen],
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
    label_sets : Tensor of float32, shape (L, K), or None
        Probability of each label for an item of each class, up to a factor of the row: 1 for each class that a coarse
        label contains. The first K rows are the identity. None if every label is a class.
    terms : tuple of LabelTerms
        The terms in which each data set is scored by itself; empty if that says nothing new.
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
    label_sets: torch.Tensor | None = None
    terms: tuple[LabelTerms, ...] = ()

    def make_head(self) -> nn.Module:
        """Make the untrained head on the device, which maps features (N, dim) to logits (N, n_outputs)."""
        registry = get_registry()
        build = registry.heads.find(self.head).load()
        head: nn.Module = build(dim=self.backbone.dim, n_classes=self.objective.n_outputs)
        if callable(set_taxonomy := getattr(head, "set_taxonomy", None)):
            set_taxonomy(self.taxonomy)
        if self.options.dropout and callable(set_dropout := getattr(head, "set_dropout", None)):
            set_dropout(self.options.dropout)
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
        Number of items of each class in the whole batch, over all parts and processes; an item with a coarse label is
        divided among its classes.
    epoch, step : int
        Number of the epoch in the run and of the step in the epoch, to seed further random choices.
    """

    images: Any
    targets: torch.Tensor
    items: torch.Tensor
    counts: torch.Tensor
    epoch: int
    step: int
