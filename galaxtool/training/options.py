"""The options of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from galaxtool.evaluation.prior import TRAINING


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The options of a training.

    Parameters
    ----------
    epochs : int
        Number of epochs of the last stage.
    warmup_epochs : int
        Number of epochs of the stages before it.
    batch_size : int
        Number of images in a step, over all processes.
    lr, min_lr : float
        Peak learning rate, and the one at the end of the cosine.
    weight_decay : float
        Weight decay of AdamW.
    layer_decay : float
        Ratio of the learning rates of a block of the image tower and the block after it; 1 for equal rates.
    contrast : {"instance", "class"}
        Negatives of a contrastive loss: the other items of the batch, as in Wang et al. 2024, or the other classes.
    score : {"prompt", "symbol", "both"}
        Embeddings that a prompt head compares images with.
    class_weights : {"none", "inverse"}
        Whether items count by the inverse frequency of their class, 1 on average.
    label_smoothing : float
        Fraction of the target that is spread over all classes, in [0, 1); for cross-entropy only.
    patience : int
        Number of epochs without a better validation score after which the last stage ends; 0 for never.
    stopping : {"best", "loss-margin"}
        Rule for ending the last stage early; see `galaxtool.training.stopping`.
    select : {"best", "last"}
        Epoch of the last stage that is kept. With the last, the rule ``best`` does not end the stage early.
    dropout : float
        Share of the features that the head drops in training, in [0, 1); for heads with ``set_dropout``.
    ema : float
        Decay per step of the averaged weights that are validated and kept; 0 to use the weights themselves.
    accumulate : int
        Number of parts in which a batch passes through the model; the gradient is that of the whole batch.
    checkpointing : bool
        Whether to compute activations again in the backward pass, which takes less memory and more time.
    compile : bool
        Whether to compile the image tower.
    scores_prior : {"training", "uniform", "inverse"}
        Class frequencies that the probabilities of the head in training assume, see `galaxtool.evaluation.prior`.
    seed : int
        Random seed of the training.
    precision : {"fp32", "bf16", "fp16"}
        Precision of the computation.
    method : mapping
        Options of the method itself, by name; see `galaxtool.plugins.specs.MethodOption`.
    """

    epochs: int = 20
    warmup_epochs: int = 11
    batch_size: int = 32
    lr: float = 1e-3
    min_lr: float = 0.0
    weight_decay: float = 0.05
    layer_decay: float = 1.0
    contrast: str = "instance"
    score: str = "both"
    class_weights: str = "none"
    label_smoothing: float = 0.0
    patience: int = 10
    stopping: str = "best"
    select: str = "best"
    dropout: float = 0.0
    ema: float = 0.0
    accumulate: int = 1
    checkpointing: bool = False
    compile: bool = False
    scores_prior: str = TRAINING
    seed: int = 0
    precision: str = "fp32"
    method: Mapping[str, Any] = field(default_factory=dict)
