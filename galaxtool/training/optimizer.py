"""AdamW and its learning rates."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from galaxtool.training.options import TrainOptions
from galaxtool.training.stage import Stage

_RAMP = 0.05  # of a stage's steps, until its learning rate is that of the schedule


def make_optimizer(stage: Stage, backbone: Any, options: TrainOptions) -> torch.optim.Optimizer:
    """Make AdamW (Loshchilov & Hutter 2019) for what a stage trains.

    Parameters
    ----------
    stage : Stage
    backbone : galaxtool.backbones.protocols.Backbone
        Its blocks are needed where ``options.layer_decay`` is not 1.
    options : TrainOptions

    Returns
    -------
    torch.optim.AdamW
        Vectors (biases, norms, the temperature) have no weight decay. Each group's ``scale`` is what its learning rate
        is multiplied by.
    """
    scales = compute_layer_scales(stage, backbone, options.layer_decay)
    members: dict[tuple[float, bool], list[nn.Parameter]] = defaultdict(list)
    for parameter in stage.trainable():
        members[scales.get(parameter, 1.0), parameter.ndim > 1].append(parameter)
    groups = [
        {"params": found, "scale": scale, "weight_decay": options.weight_decay if decays else 0.0}
        for (scale, decays), found in members.items()
    ]
    return torch.optim.AdamW(groups, lr=options.lr)


def compute_layer_scales(stage: Stage, backbone: Any, decay: float) -> dict[nn.Parameter, float]:
    """Return factors of the learning rate, falling from the head to the stem (Clark et al. 2020; Bao et al. 2022).

    A symbol encoder is a copy of the image tower, and its layers learn as the image tower's do.

    Raises
    ------
    ConfigError
        If the backbone does not say what its blocks are.
    """
    if decay == 1.0:
        return {}
    from galaxtool.backbones.abilities import blocks_of

    blocks = blocks_of(backbone)
    scales = {p: decay ** (len(blocks) - 1 - i) for i, block in enumerate(blocks) for p in block}
    copied = stage.symbol_tower()
    if copied is not None:
        originals = backbone.image_tower.parameters()
        scales |= {own: scales.get(p, 1.0) for own, p in zip(copied.parameters(), originals, strict=True)}
    return scales


def compute_lr_factor(lengths: Sequence[int], stage: int, epochs: float) -> float:
    """Return the factor of the learning rate: one cosine over all stages, and a ramp at the start of each.

    The ramp lets AdamW, which begins anew with a stage, learn its step sizes before it takes large ones.

    Parameters
    ----------
    lengths : sequence of int
        Epochs of each stage.
    stage : int
        Which of them.
    epochs : float
        Of it that are done.
    """
    ramp = min(1.0, max(epochs / (_RAMP * lengths[stage]), 1e-2))
    return ramp * decay_by_cosine((sum(lengths[:stage]) + epochs) / sum(lengths))


def decay_by_cosine(progress: float) -> float:
    """Return half a cosine from 1 to 0 at a fraction of the training."""
    return 0.5 * (1 + math.cos(math.pi * progress))
