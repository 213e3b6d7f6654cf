"""Gradient checkpointing that leaves BatchNorm as one pass would: less memory, the same gradients, more time."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import TracebackType

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def checkpointed(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Call ``module(x)``, keeping no activations within it; they are computed again in the backward pass.

    Random numbers are the same the second time. BatchNorm normalises as it did the first time, even where it has been
    switched between training and evaluation since, and counts the batch only once. (Chen et al. 2016,
    arXiv:1604.06174.)
    """
    return checkpoint(module, x, use_reentrant=False, context_fn=partial(_contexts, module))


def _contexts(module: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _AsBefore([m for m in module.modules() if isinstance(m, _BatchNorm)])


class _AsBefore(AbstractContextManager[None]):
    """Within it, BatchNorms have the mode and the statistics that they have now, and update only copies of these."""

    def __init__(self, norms: list[_BatchNorm]) -> None:
        self.norms = norms
        self.before = [(norm.training, {k: v.clone() for k, v in norm.named_buffers(recurse=False)}) for norm in norms]
        self.since = self.before

    def __enter__(self) -> None:
        self.since = [(norm.training, dict(norm.named_buffers(recurse=False))) for norm in self.norms]
        self._put(self.before)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._put(self.since)

    def _put(self, states: list[tuple[bool, dict[str, torch.Tensor]]]) -> None:
        for norm, (training, buffers) in zip(self.norms, states, strict=True):
            norm.training = training
            for name, buffer in buffers.items():
                setattr(norm, name, buffer)
