"""Exponential moving average of weights (Polyak & Juditsky 1992; as used by Tarvainen & Valpola 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class AveragedModel:
    """Moving average of the weights of a module.

    Unlike torch's AveragedModel, it copies only tensors: a stage also holds its task with all pictures.

    Parameters
    ----------
    module : torch.nn.Module
        Module whose weights are averaged.
    decay : float
        Weight of the old average in each update, in (0, 1); smaller in the first updates, so that the initial weights
        are forgotten.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = module
        self.decay = decay
        self.updates = 0
        self.shadow = {key: value.detach().clone() for key, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self) -> None:
        """Include the present weights of the module; values that are not floating-point numbers are copied."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for key, value in self.module.state_dict().items():
            if value.is_floating_point():
                self.shadow[key].lerp_(value, 1 - decay)
            else:
                self.shadow[key].copy_(value)

    @contextmanager
    def swap_in(self) -> Iterator[None]:
        """Give the module the averaged weights within the block."""
        own = {key: value.detach().clone() for key, value in self.module.state_dict().items()}
        self.module.load_state_dict(self.shadow)
        try:
            yield
        finally:
            self.module.load_state_dict(own)

    def state_dict(self) -> dict[str, object]:
        """Return the state for a checkpoint."""
        return {"updates": self.updates, "shadow": self.shadow}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Restore the state from a checkpoint."""
        self.updates = int(state["updates"])  # type: ignore[call-overload]
        for key, value in state["shadow"].items():  # type: ignore[attr-defined]
            self.shadow[key].copy_(value)
