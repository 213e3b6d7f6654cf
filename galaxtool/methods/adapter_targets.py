"""The matrices of a tower that get adapters, by the words of the option ``targets``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from galaxtool.errors import ConfigError, TrainingError

_PARTS = "qkv"
_WORDS = ("all", "proj", "mlp", "patch")
_SEPARATE = {"q": {"q", "q_proj", "query", "to_q"}, "k": {"k", "k_proj", "key", "to_k"},
             "v": {"v", "v_proj", "value", "to_v"}}  # fmt: skip
_FUSED = {"qkv", "in_proj", "to_qkv"}
_OUTPUT = {"proj", "out_proj", "o_proj"}


@dataclass(frozen=True)
class AdapterTargets:
    """Names of modules of a tower.

    Parameters
    ----------
    layers : list of str
        Linear layers and convolutions whose matrix gets one adapter.
    fused : list of str
        Linear layers that hold the query, key and value matrices one below the other.
    attentions : list of str
        Modules `torch.nn.MultiheadAttention`, whose ``in_proj_weight`` holds them in the same way.
    parts : str
        Which of them, such as ``qv``, get one adapter each; empty for one adapter of the matrix as a whole.
    """

    layers: list[str]
    fused: list[str]
    attentions: list[str]
    parts: str = ""

    def __bool__(self) -> bool:
        return bool(self.layers or self.fused or self.attentions)


def find_targets(tower: nn.Module, targets: str) -> AdapterTargets:
    """Find the matrices that get adapters.

    Parameters
    ----------
    tower : torch.nn.Module
        The tower. It is not changed.
    targets : str
        Words separated by commas: ``all`` for all linear layers and convolutions without groups; letters of ``qkv`` for
        query, key and value matrices, each with an adapter of its own; ``proj`` for the layer after the attention,
        ``mlp`` for the layers between attentions, ``patch`` for the convolution that embeds patches.

    Raises
    ------
    ConfigError
        If there is another word.
    TrainingError
        If the tower has no such matrix, or one that cannot be adapted.
    """
    words = [word for word in re.split(r"[,+\s]+", targets.lower()) if word]
    unknown = [word for word in words if word not in _WORDS and not set(word) <= set(_PARTS)]
    if unknown or not words:
        raise ConfigError(
            f"--option targets={targets}: {unknown[0] if unknown else 'nothing'} is not a kind of matrix.",
            hint="Write all, or a list such as qv,proj: letters of qkv, proj, mlp and patch.",
        )
    layers, attentions = _find_adaptable(tower)
    if "all" in words:
        return AdapterTargets(layers, [], attentions)
    parts = "".join(part for part in _PARTS if any(part in word for word in words if word not in _WORDS))
    found: dict[str, list[str]] = {}
    for word in (*parts, *(word for word in words if word in _WORDS)):
        found[word] = [name for name in layers if _matches(tower, name, word)]
    fused = [name for name in layers if _last(name) in _FUSED] if parts else []
    attentions = attentions if parts else []
    for word, names in found.items():
        if not names and (word not in parts or not (fused or attentions)):
            raise TrainingError(
                f"The image tower, a {type(tower).__name__}, has no matrix for --option targets={word} that LoRA can "
                "adapt.",
                hint="Use --option targets=all, or another backbone.",
            )
    chosen = dict.fromkeys(name for names in found.values() for name in names)
    return AdapterTargets(list(chosen), fused, attentions, parts)


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


def _matches(tower: nn.Module, name: str, word: str) -> bool:
    """Return whether a layer is one of those that a word names."""
    module, last = tower.get_submodule(name), _last(name)
    if word in _SEPARATE:
        return last in _SEPARATE[word]
    if word == "mlp":
        return "mlp" in name.split(".")[:-1]
    if word == "patch":
        first = next((n for n, m in tower.named_modules() if isinstance(m, nn.Conv2d)), "")
        return isinstance(module, nn.Conv2d) and name == first and module.kernel_size == module.stride
    siblings = {child for child, _ in tower.get_submodule(name.rpartition(".")[0]).named_children()}
    return last in _OUTPUT and bool(siblings & _union((_FUSED, *_SEPARATE.values())))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _union(sets: Iterable[set[str]]) -> set[str]:
    return set().union(*sets)
