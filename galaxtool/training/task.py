"""What a method is given."""

from __future__ import annotations

from dataclasses import dataclass, field
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
        As `Preprocess.picture` gives them.
    targets : ndarray, shape (N,) of int64, or (N, A) of float32
        Index of each one's class, -1 where it has no label; or its votes for each of A answers.
    weights : ndarray of float64, shape (N,)
        How often each is seen in an epoch, on average.
    fields : ndarray of float64, shape (N,), or None
        Side in arcsec of what each shows, NaN where that is not known; None where nobody has looked.
    """

    pictures: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    fields: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, kw_only=True)
class Task:
    """Everything a method needs to make its stages.

    Parameters
    ----------
    backbone : galaxtool.backbones.protocols.Backbone
        On the device.
    taxonomy : Taxonomy
        The classes, in the order of the targets.
    preprocess : Preprocess
    train, valid : PictureSet
    symbols : Tensor of uint8, shape (K, size, size, C), or None
        One drawing a class; None where the data set has none.
    options : TrainOptions
    objective : Objective
        How scores are compared with what is known of an item.
    head : str
        Registered name of the head that the trained model is to have.
    augmentation : Augmentation
    device : torch.device
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
        """Make the head, untrained, on the device: features (N, dim) to logits (N, n_outputs)."""
        registry = get_registry()
        build = registry.heads.find(self.head).load()
        head: nn.Module = build(dim=self.backbone.dim, n_classes=self.objective.n_outputs)
        if callable(set_taxonomy := getattr(head, "set_taxonomy", None)):
            set_taxonomy(self.taxonomy)
        return head.to(self.device)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One step's images, or one process's or one part's share of them.

    Parameters
    ----------
    images : Tensor of float32, shape (N, C, size, size)
        Augmented and standardised; whatever `Stage.inputs` gives instead.
    targets : Tensor, shape (N,) or (N, A)
        As in `PictureSet`.
    items : Tensor of int64, shape (N,)
        Which items of the training set they are.
    counts : Tensor of float32, shape (K,)
        Items of each class in the whole step's batch, over all parts and processes.
    epoch, step : int
        Of the run and of the epoch; for what else is to be random.
    """

    images: Any
    targets: torch.Tensor
    items: torch.Tensor
    counts: torch.Tensor
    epoch: int
    step: int
