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
from galaxtool.methods.adapter_targets import find_targets
from galaxtool.utils.optional_imports import require

_TRAINABLE = "_trainable_without_adapters"
"""Attribute of a tower with the names of the parameters that trained before, for `merge_adapters`."""


def add_adapters(
    tower: nn.Module, *, rank: int, alpha: float, dropout: float = 0.0, targets: str = "all", bias: str = "none"
) -> None:
    """Add adapters to a tower, in place, and freeze all other parameters except perhaps biases.

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
    targets : str
        The matrices that get an adapter; see `galaxtool.methods.adapter_targets.find_targets`.
    bias : {"none", "all", "lora"}
        The biases that train: none, all of the tower, or those of the layers with an adapter.

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
    found = find_targets(tower, targets)
    if not found:
        raise TrainingError(
            f"The image tower, a {type(tower).__name__}, has no layer that LoRA can adapt.",
            hint="Train all of its layers, or choose another backbone.",
        )
    setattr(tower, _TRAINABLE, {name for name, p in tower.named_parameters() if p.requires_grad})
    number = len(found.parts) or 1  # adapters in a matrix that holds several
    plain = {"r": rank, "lora_alpha": alpha}
    several = {"r": number * rank, "lora_alpha": number * alpha}
    configs = []
    for layers, settings in ((found.layers, plain), (found.fused, several)):
        if layers:
            # a regular expression, because the names in a list would also match the ends of other names
            names = "|".join(re.escape(name) for name in layers)
            configs.append(peft.LoraConfig(**settings, lora_dropout=dropout, target_modules=f"(?:{names})"))
    if found.attentions:
        # not peft's wrapper of this module, which adds and subtracts the adapter at each call, so that weights drift
        weights = [f"{name}.in_proj_weight" for name in found.attentions]
        configs.append(peft.LoraConfig(**several, target_modules=[], target_parameters=weights))
    for config in configs:
        peft.inject_adapter_in_model(config, tower)
        del tower.peft_config  # only informative, and an obstacle to the next injection
    for name, parameter in tower.named_parameters():
        parameter.requires_grad_("lora_" in name or _is_trained_bias(name, bias))
    if found.parts:
        for name in (*found.fused, *found.attentions):
            _separate_parts(tower.get_submodule(name), found.parts, rank)
    tower.train(tower.training)  # sets the mode of the new dropout layers too


def _is_trained_bias(name: str, bias: str) -> bool:
    """Return whether a parameter is a bias that trains."""
    module, _, last = name.rpartition(".")
    if not last.endswith("bias") or bias == "none":
        return False
    return bias == "all" or module.endswith("base_layer")


def _separate_parts(module: Any, parts: str, rank: int) -> None:
    """Let each of the matrices that a module holds have an adapter of its own, and none where it is not to learn.

    The product of the two thin matrices of the module is then that of a block for each part. All entries outside of the
    blocks are zero at the start, and have no gradient.
    """
    thin = module.lora_B["default"].weight
    blocks = torch.zeros_like(thin, dtype=torch.bool)
    rows = len(thin) // 3
    for number, part in enumerate(parts):
        row, column = "qkv".index(part) * rows, number * rank
        blocks[row : row + rows, column : column + rank] = True
    thin.register_hook(lambda gradient: gradient * blocks.to(gradient.device))


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
