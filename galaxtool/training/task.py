"""What a method is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool.taxonomy.load import Taxonomy
from galaxtool.vision.augment import Augmentation
from galaxtool.vision.preprocess import Preprocess


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The settings of a training.

    Parameters
    ----------
    epochs : int
        Of the last stage.
    warmup_epochs : int
        Of the stages before it.
    batch_size : int
    lr : float
        Peak learning rate.
    weight_decay : float
    contrast : {"instance", "class"}
        Negatives of a contrastive loss: the other items of the batch, as printed in paper 000, or the other classes.
    score : {"prompt", "symbol", "both"}
        What a prompt head scores by.
    patience : int
        Epochs of the last stage without a better validation score before it ends; 0 for never.
    seed : int
    precision : {"fp32", "bf16", "fp16"}
    """

    epochs: int = 20
    warmup_epochs: int = 11
    batch_size: int = 32
    lr: float = 1e-3
    weight_decay: float = 0.05
    contrast: str = "instance"
    score: str = "both"
    patience: int = 10
    seed: int = 0
    precision: str = "fp32"


@dataclass(frozen=True, kw_only=True)
class PictureSet:
    """Pictures in memory, ready to be augmented.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (N, size, size, 3)
        As `Preprocess.picture` gives them.
    targets : ndarray of int64, shape (N,)
        Index of each one's class.
    weights : ndarray of float64, shape (N,)
        How often each is seen in an epoch, on average.
    """

    pictures: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, kw_only=True)
class Task:
    """Everything a method needs to make its stages.

    Parameters
    ----------
    backbone : galaxtool.types.Backbone
        On the device.
    taxonomy : Taxonomy
        The classes, in the order of the targets.
    preprocess : Preprocess
    train, valid : PictureSet
    symbols : Tensor of uint8, shape (K, size, size, 3), or None
        One drawing a class; None where the data set has none.
    options : TrainOptions
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
    device: torch.device
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One step's images.

    Parameters
    ----------
    images : Tensor of float32, shape (N, 3, size, size)
        Augmented and standardised.
    targets : Tensor of int64, shape (N,)
    epoch, step : int
        Of the stage; for what else is to be random.
    """

    images: torch.Tensor
    targets: torch.Tensor
    epoch: int
    step: int


class Stage(nn.Module):
    """One phase of a training; a method is a list of these.

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

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return what to minimise, a scalar."""
        raise TypeError(f"{type(self).__name__} must say what its loss is")

    def make_head(self) -> nn.Module:
        """Return the head that classifies with what has been learned so far: features (N, dim) to logits (N, K)."""
        raise TypeError(f"{type(self).__name__} must say what classifies")

    def symbol_tower(self) -> nn.Module | None:
        """Return the encoder of symbols, where it is not the image tower."""
        return None

    def trainable(self) -> list[nn.Parameter]:
        """Return the parameters this stage trains; by default all of its own and its modules'."""
        return [p for p in self.parameters() if p.requires_grad]
