"""Low-rank adapters (LoRA, Hu et al. 2021, arXiv:2106.09685) for whatever tower: put in by peft, merged at the end.

A weight matrix W stays as it is, and a product of two thin matrices is learned beside it:

    W + alpha / rank * B A,    A of shape (rank, inputs), B of shape (outputs, rank), B = 0 at first.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import nn

from galaxtool.errors import ConfigError, TrainingError
from galaxtool.utils.optional_imports import require

_TRAINABLE = "_trainable_without_adapters"  # what had a gradient before, kept on the tower for `merge_adapters`


def add_adapters(tower: nn.Module, *, rank: int, alpha: float, dropout: float = 0.0) -> None:
    """Put an adapter beside every linear layer and convolution of a tower, in place; all else no longer trains.

    Of `torch.nn.MultiheadAttention` the query, key and value matrices get one, without dropout. Convolutions in groups
    get none. Random numbers come from torch's generator; the tower's output does not change.

    Parameters
    ----------
    tower : torch.nn.Module
        Its ``state_dict`` has other keys until `merge_adapters`.
    rank : int
        Rank of the product, at least 1.
    alpha : float
        The product counts alpha / rank times.
    dropout : float
        Of what goes into an adapter, in [0, 1).

    Raises
    ------
    DependencyMissing
        If peft is not installed.
    ConfigError
        If a setting is out of its range.
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
    layers, attentions = _adaptable(tower)
    if not layers and not attentions:
        raise TrainingError(
            f"The image tower, a {type(tower).__name__}, has no layer that LoRA can adapt.",
            hint="Train all of its layers, or choose another backbone.",
        )
    setattr(tower, _TRAINABLE, {name for name, p in tower.named_parameters() if p.requires_grad})
    settings: dict[str, Any] = {"r": rank, "lora_alpha": alpha}
    configs = []
    if layers:
        # an expression, for a list would match by the ends of names too
        names = "|".join(re.escape(name) for name in layers)
        configs.append(peft.LoraConfig(**settings, lora_dropout=dropout, target_modules=f"(?:{names})"))
    if attentions:
        # peft's own wrapper of this module adds and subtracts the adapter at each call, and so lets the weights drift
        weights = [f"{name}.in_proj_weight" for name in attentions]
        configs.append(peft.LoraConfig(**settings, target_modules=[], target_parameters=weights))
    for config in configs:
        peft.inject_adapter_in_model(config, tower)
        del tower.peft_config  # only a note, and the next would stumble over it
    for name, parameter in tower.named_parameters():
        parameter.requires_grad_("lora_" in name)
    tower.train(tower.training)  # the adapters' dropout too


def merge_adapters(tower: nn.Module) -> None:
    """Add the adapters' products to the weights and take the adapters out, in place; without adapters do nothing.

    The tower's ``state_dict`` has its own keys again, and what trained before the adapters trains again.
    """
    if not hasattr(tower, _TRAINABLE):
        return
    from peft.tuners.tuners_utils import BaseTunerLayer

    with torch.no_grad():
        for name, module in list(tower.named_modules()):
            if isinstance(module, BaseTunerLayer):
                module.merge()
                parent, _, child = name.rpartition(".")
                setattr(tower.get_submodule(parent), child, module.get_base_layer())
    for name, parameter in tower.named_parameters():
        parameter.requires_grad_(name in getattr(tower, _TRAINABLE))
    delattr(tower, _TRAINABLE)


def _adaptable(tower: nn.Module) -> tuple[list[str], list[str]]:
    """Return the names of the layers and of the attentions that can have an adapter."""
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
        # timm's convolutions that standardise their weights, which a product beside them does not go through
        and "Std" not in type(module).__name__
        # its output projection is never called, only its weight is used
        and not isinstance(modules[name.rpartition(".")[0]], nn.MultiheadAttention)
    ]
    return layers, attentions
