"""Exponential moving average of weights (Polyak & Juditsky 1992; as used by Tarvainen & Valpola 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class AveragedModel:
    """A slow copy of a module's weights.

    torch's AveragedModel copies the module whole; a stage holds its task, pictures and all, so only tensors are kept.

    Parameters
    ----------
    module : torch.nn.Module
    decay : float
        What is kept of the average at each update, in (0, 1); less in the first updates, so that the start is
        forgotten.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = module
        self.decay = decay
        self.updates = 0
        self.shadow = {key: value.detach().clone() for key, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self) -> None:
        """Move towards the module's present weights; what is no floating-point number is taken as it is."""
        self.updates += 1
        kept = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for key, value in self.module.state_dict().items():
            if value.is_floating_point():
                self.shadow[key].lerp_(value, 1 - kept)
            else:
                self.shadow[key].copy_(value)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the module the averaged weights for a while."""
        own = {key: value.detach().clone() for key, value in self.module.state_dict().items()}
        self.module.load_state_dict(self.shadow)
        try:
            yield
        finally:
            self.module.load_state_dict(own)

    def state_dict(self) -> dict[str, object]:
        """Return what a checkpoint holds."""
        return {"updates": self.updates, "shadow": self.shadow}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Take over what a checkpoint held."""
        self.updates = int(state["updates"])  # type: ignore[call-overload]
        for key, value in state["shadow"].items():  # type: ignore[attr-defined]
            self.shadow[key].copy_(value)
