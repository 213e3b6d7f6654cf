"""The peak learning rate of a training, and where it comes from."""

from __future__ import annotations

from typing import Any, NamedTuple

from galaxtool.backbones.create import BackboneName
from galaxtool.errors import ConfigError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.plugins.specs import MethodSpec

RANDOM_LR, PRETRAINED_LR = 1e-3, 1e-4
"""Rates for backbones that suggest none, from random and from pretrained weights."""


class LearningRate(NamedTuple):
    """A peak learning rate, and the reason for it as the end of a sentence."""

    value: float
    reason: str


def choose_learning_rate(config: FinetuneConfig, method: MethodSpec, name: BackboneName, backbone: Any) -> LearningRate:
    """Choose the learning rate: that of the user, else of the method, else one that suits the backbone.

    Parameters
    ----------
    config : FinetuneConfig
        The settings of the training.
    method : MethodSpec
        The training method.
    name : BackboneName
        The backbone, which has random weights if it names none.
    backbone : Backbone
        The backbone itself. Its `suggested_lr` is used if it has one. If it has random weights and borrows a pretrained
        text encoder, the rate is that of its own images, because a rate for the text would leave the images random.

    Raises
    ------
    ConfigError
        If the rate is below that at the end of the training.
    """
    rate = _choose(config, method, name, backbone)
    if config.min_lr > rate.value:
        raise ConfigError(
            f"--min-lr {config.min_lr:g} is above the learning rate, {rate.value:g} ({rate.reason}).",
            hint="Lower it, or give a higher --lr.",
        )
    return rate


def _choose(config: FinetuneConfig, method: MethodSpec, name: BackboneName, backbone: Any) -> LearningRate:
    if config.lr is not None:
        source = config.source_of("lr")
        known = {"": "as set", "flag": "as set", "default": "as saved with the run"}
        return LearningRate(config.lr, known.get(source, f"from {source}"))
    if method.lr:
        return LearningRate(method.lr, f"the default of the method '{method.name}'")
    kind = "random" if name.weights is None else "pretrained"
    owner = getattr(backbone, "image", backbone) if name.weights is None else backbone
    suggested = getattr(owner, "suggested_lr", None)
    if suggested:
        return LearningRate(float(suggested), f"what '{name.spec.name}' suggests for {kind} weights")
    usual = RANDOM_LR if name.weights is None else PRETRAINED_LR
    return LearningRate(usual, f"usual for {kind} weights, because '{name.spec.name}' suggests none")
