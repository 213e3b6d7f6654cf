"""Class tokens, attention and maps of vision transformers, recorded by hooks on their blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from galaxtool.backbones.abilities import TRANSFORMER_HINT, get_name, make_lack_error
from galaxtool.errors import ConfigError

_Embed = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Transformer:
    """The parts of a vision transformer, wherever its library keeps them.

    Parameters
    ----------
    blocks : sequence of torch.nn.Module
        Blocks from first to last; each returns tokens of shape (N, T, width).
    norm : torch.nn.Module
        Norm after the last block.
    patch : int
        Side of a patch in pixels.
    prefix_tokens : int
        Number of tokens before those of the patches.
    class_token : bool
        Whether the first of them is a class token.
    """

    blocks: Sequence[nn.Module]
    norm: nn.Module
    patch: int
    prefix_tokens: int
    class_token: bool


class TransformerAbilities(ABC):
    """Methods of a backbone whose image tower may be a vision transformer.

    A subclass defines `embed` and `find_transformer`.
    """

    @abstractmethod
    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Embed images as (N, dim)."""

    @abstractmethod
    def find_transformer(self) -> Transformer | None:
        """Return the parts of the image tower; None if it is not a vision transformer."""

    @property
    def patch(self) -> int | None:
        """Side of a patch in pixels; None if the image tower is not a vision transformer."""
        parts = self.find_transformer()
        return parts.patch if parts else None

    @property
    def prefix_tokens(self) -> int:
        """Number of tokens before those of the patches."""
        parts = self.find_transformer()
        return parts.prefix_tokens if parts else 0

    def cls_tokens(self, images: torch.Tensor, last: int = 4) -> torch.Tensor:
        """Return the class tokens after the last blocks, as (N, last, width).

        The norm after the last block is applied to each of them, as the authors of DINO do.

        Raises
        ------
        ConfigError
            If the image tower has no class token, or fewer blocks.
        """
        parts = self.find_transformer()
        if parts is None or not parts.class_token:
            raise make_lack_error(self, "has no class token", hint=TRANSFORMER_HINT)
        if not 1 <= last <= len(parts.blocks):
            raise ConfigError(
                f"The backbone '{get_name(self)}' has {len(parts.blocks)} blocks, not class tokens of the last {last}.",
                hint=f"Take from 1 to {len(parts.blocks)}.",
            )
        tokens = [parts.norm(x)[:, 0] for x in _record_outputs(self.embed, parts.blocks[-last:], images)]
        return torch.stack(tokens, dim=1)

    def attention(self, images: torch.Tensor) -> torch.Tensor:
        """Return the attention of the last block, as (N, heads, T, T).

        Row i holds the weights with which token i takes in the T tokens; its sum is 1. The first `prefix_tokens` are
        not patches (the class token comes first); the patches follow row by row.

        Raises
        ------
        ConfigError
            If the image tower is not a vision transformer, or has attention of another kind.
        """
        parts = self.find_transformer()
        if parts is None:
            raise make_lack_error(self, "is not a vision transformer and has no attention", hint=TRANSFORMER_HINT)
        found = _record_attention(self.embed, parts.blocks[-1], images)
        n = parts.prefix_tokens + (images.shape[-2] // parts.patch) * (images.shape[-1] // parts.patch)
        if found is None or found.shape[-2:] != (n, n) or found.shape[0] != len(images):
            raise make_lack_error(self, "has attention of a kind that galaxtool cannot read", hint=TRANSFORMER_HINT)
        return found


def collect_token_maps(embed: _Embed, parts: Transformer, images: torch.Tensor) -> list[tuple[torch.Tensor, int]]:
    """Return the tokens of the patches after each block as maps (N, width, ny, nx), with the side of a patch."""
    ny, nx = (side // parts.patch for side in images.shape[-2:])
    outputs = _record_outputs(embed, parts.blocks, images)
    tokens = [x[:, parts.prefix_tokens :].transpose(1, 2) for x in outputs]
    return [(x.reshape(*x.shape[:2], ny, nx), parts.patch) for x in tokens]


def _record_outputs(embed: _Embed, modules: Sequence[nn.Module], images: torch.Tensor) -> list[torch.Tensor]:
    """Embed images and return what some of its modules returned, in the order in which they ran."""
    outputs: list[torch.Tensor] = []
    with ExitStack() as stack:
        for module in modules:
            stack.callback(module.register_forward_hook(lambda _, __, output: outputs.append(output)).remove)
        embed(images)
    return outputs


def _record_attention(embed: _Embed, block: nn.Module, images: torch.Tensor) -> torch.Tensor | None:
    """Embed images and return the attention of one block; None if its attention is of an unknown kind."""
    found: list[torch.Tensor] = []
    multihead = [m for m in block.modules() if isinstance(m, nn.MultiheadAttention)]
    switchable = [m for m in block.modules() if isinstance(getattr(m, "fused_attn", None), bool)]
    with ExitStack() as stack:
        if len(multihead) == 1:
            ask, read = _ask_for_weights, lambda _, __, output: found.append(output[1])
            stack.callback(multihead[0].register_forward_pre_hook(ask, with_kwargs=True).remove)
            stack.callback(multihead[0].register_forward_hook(read).remove)
        elif len(switchable) == 1 and isinstance(getattr(switchable[0], "attn_drop", None), nn.Module):
            module: Any = switchable[0]
            stack.callback(setattr, module, "fused_attn", module.fused_attn)
            # timm's own code then computes the weights in full, and passes them to this layer
            module.fused_attn = False
            hook = module.attn_drop.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
            stack.callback(hook.remove)
        else:
            return None
        embed(images)
    return found[-1] if found else None


def _ask_for_weights(module: nn.Module, inputs: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Let an attention layer return the weights of each head, which its block throws away."""
    return inputs, {**options, "need_weights": True, "average_attn_weights": False}
