"""Low-rank adapters (LoRA, Hu et al. 2021, arXiv:2106.09685): added to a tower by peft, and merged after training.

The product of two thin matrices is learned and added to a weight matrix W, which stays as it is:

    W + alpha / rank * B A,    A of shape (rank, inputs), B of shape (outputs, rank), initially B = 0.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import nn

from galaxtool.errors import ConfigError, TrainingError
from galaxtool.utils.optional_imports import require

_TRAINABLE = "_trainable_without_adapters"
"""Attribute of a tower with the names of the parameters that trained before, for `merge_adapters`."""


def add_adapters(tower: nn.Module, *, rank: int, alpha: float, dropout: float = 0.0) -> None:
    """Add an adapter to every linear layer and convolution of a tower, in place, and freeze all other parameters.

    In `torch.nn.MultiheadAttention`, the query, key and value matrices get one, without dropout. Grouped convolutions
    get none. Random numbers come from torch's generator; the output of the tower does not change.

    Parameters
    ----------
    tower : torch.nn.Module
        Tower, whose ``state_dict`` has other keys until `merge_adapters`.
    rank : int
        Rank of the product, at least 1.
    alpha : float
        Scale of the product, which is multiplied by alpha / rank.
    dropout : float
        Dropout of the inputs of an adapter, in [0, 1).

    Raises
    ------
    DependencyMissing
        If peft is not installed.
    ConfigError
        If a setting is out of range.
    TrainingError
        If the tower has no layer for an adapter.
    """
    if rank < 1 or alpha <= 0 or not 0 <= dropout < 1:
        raise ConfigError(
            f"LoRA cannot have rank {rank}, alpha {alpha:g} and dropout {dropout:g}.",
            hint="The rank is at least 1, alpha above 0, and dropout at least 0 and below 1.",
        )
    peft = require("peft", why="LoRA", install="galaxtool[lora]")
    if any(isinstance(module, nn.TransformerEncoderLayer) for module in tower.modules()):
        raise TrainingError(
            "LoRA cannot adapt torch.nn.TransformerEncoderLayer.", hint="Use --method supervised, or another backbone."
        )
    layers, attentions = _find_adaptable(tower)
    if not layers and not attentions:
        raise TrainingError(
            f"The image tower, a {type(tower).__name__}, has no layer that LoRA can adapt.",
            hint="Train all of its layers, or choose another backbone.",
        )
    setattr(tower, _TRAINABLE, {name for name, p in tower.named_parameters() if p.requires_grad})
    settings: dict[str, Any] = {"r": rank, "lora_alpha": alpha}
    configs = []
    if layers:
        # a regular expression, because the names in a list would also match the ends of other names
        names = "|".join(re.escape(name) for name in layers)
        configs.append(peft.LoraConfig(**settings, lora_dropout=dropout, target_modules=f"(?:{names})"))
    if attentions:
        # not peft's wrapper of this module, which adds and subtracts the adapter at each call, so that weights drift
        weights = [f"{name}.in_proj_weight" for name in attentions]
        configs.append(peft.LoraConfig(**settings, target_modules=[], target_parameters=weights))
    for config in configs:
        peft.inject_adapter_in_model(config, tower)
        del tower.peft_config  # only informative, and an obstacle to the next injection
    for name, parameter in tower.named_parameters():
        parameter.requires_grad_("lora_" in name)
    tower.train(tower.training)  # sets the mode of the new dropout layers too


def merge_adapters(tower: nn.Module) -> None:
    """Add the products of the adapters to the weights and remove the adapters, in place; do nothing if there are none.

    Afterwards, the ``state_dict`` of the tower has its own keys, and the parameters that trained before train again.
    """
    if not hasattr(tower, _TRAINABLE):
        return
    adapted_layer: Any = require("peft.tuners.tuners_utils", why="LoRA", install="galaxtool[lora]").BaseTunerLayer
    with torch.no_grad():
        for name, module in list(tower.named_modules()):
            if isinstance(module, adapted_layer):
                module.merge()
                parent, _, child = name.rpartition(".")
                setattr(tower.get_submodule(parent), child, module.get_base_layer())
    for name, parameter in tower.named_parameters():
        parameter.requires_grad_(name in getattr(tower, _TRAINABLE))
    delattr(tower, _TRAINABLE)


def _find_adaptable(tower: nn.Module) -> tuple[list[str], list[str]]:
    """Return the names of the layers and of the attention modules that can have an adapter."""
    modules = dict(tower.named_modules())
    attentions = [
        name
        for name, module in modules.items()
        if name and isinstance(module, nn.MultiheadAttention) and module._qkv_same_embed_dim
    ]
    layers = [
        name
        for name, module in modules.items()
        if name
        and (isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1))
        # not timm's weight-standardized convolutions, which would not standardize the product
        and "Std" not in type(module).__name__
        # not the output projection of an attention module, which is never called: only its weight is used
        and not isinstance(modules[name.rpartition(".")[0]], nn.MultiheadAttention)
    ]
    return layers, attentions
