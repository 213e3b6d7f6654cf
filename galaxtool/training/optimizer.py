"""AdamW and its learning rates."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.abilities import group_by_block
from galaxtool.training.losses.label_noise import LEARNING_RATE
from galaxtool.training.options import TrainOptions
from galaxtool.training.stage import Stage

_RAMP = 0.05
"""Fraction of a stage's epochs in which its learning rate rises to that of the schedule."""


def make_optimizer(stage: Stage, backbone: Any, options: TrainOptions) -> torch.optim.Optimizer:
    """Make AdamW (Loshchilov & Hutter 2019) for the parameters that a stage trains.

    Parameters
    ----------
    stage : Stage
        Stage to train.
    backbone : galaxtool.backbones.protocols.Backbone
        Backbone whose blocks decide the scales if ``options.layer_decay`` is not 1.
    options : TrainOptions
        Learning rate, weight decay and layer decay.

    Returns
    -------
    torch.optim.AdamW
        Vectors (biases, norms, the temperature) have no weight decay. The learning rate of a group is multiplied by
        its ``scale``; ``decays`` says whether it has weight decay.
    """
    scales = compute_layer_scales(stage, backbone, options.layer_decay)
    scales |= {parameter: rate / options.lr for parameter, rate in stage.own_rates().items()}
    if stage.label_noise is not None:
        scales[stage.label_noise.logits] = LEARNING_RATE / options.lr
    members: dict[tuple[float, bool], list[nn.Parameter]] = defaultdict(list)
    for parameter in stage.trainable():
        members[scales.get(parameter, 1.0), parameter.ndim > 1].append(parameter)
    groups = [
        {"params": found, "scale": scale, "decays": decays, "weight_decay": options.weight_decay if decays else 0.0}
        for (scale, decays), found in members.items()
    ]
    return torch.optim.AdamW(groups, lr=options.lr)


def compute_layer_scales(stage: Stage, backbone: Any, decay: float) -> dict[nn.Parameter, float]:
    """Return factors of the learning rate, falling from the head to the stem (Clark et al. 2020; Bao et al. 2022).

    The layers of a symbol encoder, which is a copy of the image tower, have the factors of the image tower.

    Raises
    ------
    ConfigError
        If the backbone does not define its blocks.
    """
    if decay == 1.0:
        return {}
    blocks = group_by_block(backbone)
    scales = {p: decay ** (len(blocks) - 1 - i) for i, block in enumerate(blocks) for p in block}
    copied = stage.symbol_tower()
    if copied is not None:
        originals = backbone.image_tower.parameters()
        scales |= {own: scales.get(p, 1.0) for own, p in zip(copied.parameters(), originals, strict=True)}
    return scales


def compute_lr_factor(
    stage_epochs: Sequence[int], stage: int, epochs: float, *, floor: float = 0.0, ramp_epochs: float | None = None
) -> float:
    """Return the factor of the learning rate: one cosine over all stages, and a ramp at the start of each stage.

    Every stage starts with a new AdamW, which adapts its step sizes during the ramp.

    Parameters
    ----------
    stage_epochs : sequence of int
        Number of epochs of each stage.
    stage : int
        Number of the stage, from 0.
    epochs : float
        Epochs of this stage that are done.
    floor : float
        Factor at the end of the cosine, in [0, 1].
    ramp_epochs : float or None
        Epochs in which the factor rises from 0 to 1, before the cosine begins, as in Caron et al. 2021; None for a ramp
        of 5 % of the stage, which multiplies the cosine.
    """
    if ramp_epochs:
        if epochs < ramp_epochs:
            return epochs / ramp_epochs
        cosine = decay_by_cosine((epochs - ramp_epochs) / (sum(stage_epochs[stage:]) - ramp_epochs))
        return floor + (1 - floor) * cosine
    ramp = min(1.0, max(epochs / (_RAMP * stage_epochs[stage]), 1e-2))
    cosine = decay_by_cosine((sum(stage_epochs[:stage]) + epochs) / sum(stage_epochs))
    return ramp * (floor + (1 - floor) * cosine)


def decay_by_cosine(progress: float) -> float:
    """Return the factor at a fraction of the training: half a cosine, from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * progress))
