"""What some backbones can and others cannot: name their blocks, recompute activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import nn

from galaxtool.errors import ConfigError


def blocks_of(backbone: Any) -> list[list[nn.Parameter]]:
    """Return the parameters of a backbone's image tower in groups, from the stem to the head.

    The stem (patch embedding, tokens, what comes before the first block) is the first group, each transformer block or
    residual stage one more; the last holds the final norm and projection too. Every parameter of the tower is in one.

    Raises
    ------
    ConfigError
        If the backbone does not say what its blocks are.
    """
    groups: list[list[nn.Parameter]] = _ability(
        backbone, "blocks", "does not say what its blocks are",
        hint="Train its layers alike, or choose a backbone that does, e.g. mini or open_clip:ViT-B-16.",
    )()  # fmt: skip
    return groups


def set_checkpointing(backbone: Any, on: bool) -> None:
    """Switch gradient checkpointing of a backbone's image tower: activations are computed again, not kept.

    Raises
    ------
    ConfigError
        If it is to be on, and the backbone has none.
    """
    if not on and not callable(getattr(backbone, "set_checkpointing", None)):
        return
    _ability(
        backbone, "set_checkpointing", "has no gradient checkpointing",
        hint="Train without it, with a smaller --batch-size.",
    )(on)  # fmt: skip


def name_of(backbone: Any) -> str:
    """Return the full name that a backbone was made by, else its class's."""
    return str(getattr(backbone, "registered_name", type(backbone).__name__))


def grouped(tower: nn.Module, parts: Iterable[Iterable[nn.Parameter]]) -> list[list[nn.Parameter]]:
    """Make the groups of `blocks_of`.

    Parameters
    ----------
    tower : torch.nn.Module
    parts : iterable of iterables of torch.nn.Parameter
        The stem's, then each block's; what the tower has and no part names, joins the last. Parts without a parameter
        are left out, and a parameter that two parts share belongs to the first.
    """
    seen: set[int] = set()
    groups = [group for part in parts if (group := _new(part, seen))]
    rest = _new(tower.parameters(), seen)
    return [*groups[:-1], groups[-1] + rest] if groups else [rest]


def _new(parameters: Iterable[nn.Parameter], seen: set[int]) -> list[nn.Parameter]:
    found = []
    for parameter in parameters:
        if id(parameter) not in seen:
            seen.add(id(parameter))
            found.append(parameter)
    return found


def _ability(backbone: Any, name: str, lack: str, *, hint: str) -> Callable[..., Any]:
    method = getattr(backbone, name, None)
    if not callable(method):
        raise ConfigError(f"The backbone '{name_of(backbone)}' {lack}.", hint=hint)
    found: Callable[..., Any] = method
    return found
