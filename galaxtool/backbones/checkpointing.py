"""Gradient checkpointing that updates BatchNorm only once: less memory and more time for the same gradients."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import TracebackType

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def checkpoint_module(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Call ``module(x)`` without storing its inner activations; the backward pass computes them again.

    Random numbers are the same in both passes. BatchNorm normalizes as it did in the first pass, even if it has been
    switched between training and evaluation since, and counts the batch only once. See Chen et al. 2016,
    arXiv:1604.06174.
    """
    output: torch.Tensor = checkpoint(module, x, use_reentrant=False, context_fn=partial(_make_contexts, module))
    return output


def _make_contexts(module: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Return the contexts of the forward pass and of the recomputation."""
    return nullcontext(), _BatchNormSnapshot([m for m in module.modules() if isinstance(m, _BatchNorm)])


class _BatchNormSnapshot(AbstractContextManager[None]):
    """Give BatchNorms their present modes and statistics again within the context, and update only copies of these."""

    def __init__(self, norms: list[_BatchNorm]) -> None:
        self.norms = norms
        self.before = [(norm.training, {k: v.clone() for k, v in norm.named_buffers(recurse=False)}) for norm in norms]
        self.since = self.before

    def __enter__(self) -> None:
        self.since = [(norm.training, dict(norm.named_buffers(recurse=False))) for norm in self.norms]
        self._restore(self.before)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore(self.since)

    def _restore(self, states: list[tuple[bool, dict[str, torch.Tensor]]]) -> None:
        for norm, (training, buffers) in zip(self.norms, states, strict=True):
            norm.training = training
            for name, buffer in buffers.items():
                setattr(norm, name, buffer)
