"""The settings of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
        Images a step, over all processes.
    lr : float
        Peak learning rate.
    weight_decay : float
    layer_decay : float
        Each block of the image tower learns at this times the rate of the block after it; 1 for the same rate.
    contrast : {"instance", "class"}
        Negatives of a contrastive loss: the other items of the batch, as in Wang et al. 2024, or the other classes.
    score : {"prompt", "symbol", "both"}
        What a prompt head scores by.
    class_weights : {"none", "inverse"}
        Whether items count by the inverse of their class's frequency, 1 on average.
    label_smoothing : float
        Part of the target spread over all classes, in [0, 1); cross-entropy only.
    patience : int
        Epochs of the last stage without a better validation score before it ends; 0 for never.
    stopping : {"best", "loss-margin"}
        Rule by which the last stage ends early; see `galaxtool.training.stopping`.
    ema : float
        Decay a step of the averaged weights that are validated and kept; 0 for the weights themselves.
    accumulate : int
        Parts in which a batch passes through the model; the gradient is that of the whole batch.
    checkpointing : bool
        Compute activations again in the backward pass, which takes less memory and more time.
    compile : bool
        Compile the image tower.
    seed : int
    precision : {"fp32", "bf16", "fp16"}
    method : mapping
        The method's own settings, by name; see `galaxtool.plugins.specs.MethodOption`.
    """

    epochs: int = 20
    warmup_epochs: int = 11
    batch_size: int = 32
    lr: float = 1e-3
    weight_decay: float = 0.05
    layer_decay: float = 1.0
    contrast: str = "instance"
    score: str = "both"
    class_weights: str = "none"
    label_smoothing: float = 0.0
    patience: int = 10
    stopping: str = "best"
    ema: float = 0.0
    accumulate: int = 1
    checkpointing: bool = False
    compile: bool = False
    seed: int = 0
    precision: str = "fp32"
    method: Mapping[str, Any] = field(default_factory=dict)
