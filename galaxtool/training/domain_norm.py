"""Running statistics of BatchNorm for inputs of a second kind, such as symbols beside images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

_BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


class DomainStatistics(nn.Module):
    """A second set of running statistics for the BatchNorm layers of a tower, whose weights both kinds of input share.

    Under the statistics of galaxy images, the activations of symbols are several times too large. With statistics of
    their own, both kinds are normalized alike (Li et al. 2016, arXiv:1603.04779; Chang et al. 2019, arXiv:1906.03950).

    Parameters
    ----------
    tower : torch.nn.Module
        Tower with layers of BatchNorm, whose present statistics are copied.
    """

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        for number, layer in enumerate(find_batch_norms(tower)):
            for name in _BUFFERS:
                self.register_buffer(f"{name}_{number}", getattr(layer, name).detach().clone())

    @contextmanager
    def use(self, tower: nn.Module) -> Iterator[None]:
        """Give the tower these statistics within the context; in training mode, its batches update them."""
        layers = find_batch_norms(tower)
        self._exchange(layers)
        try:
            yield
        finally:
            self._exchange(layers)

    @torch.no_grad()
    def copy_to(self, tower: nn.Module) -> None:
        """Copy these statistics into a tower of the same architecture."""
        for number, layer in enumerate(find_batch_norms(tower)):
            for name in _BUFFERS:
                getattr(layer, name).copy_(getattr(self, f"{name}_{number}"))

    def _exchange(self, layers: list[_BatchNorm]) -> None:
        for number, layer in enumerate(layers):
            for name in _BUFFERS:
                own, other = getattr(self, f"{name}_{number}"), getattr(layer, name)
                setattr(layer, name, own)
                setattr(self, f"{name}_{number}", other)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        # a checkpoint of an older version has none: the statistics of the tower remain
        for name, buffer in self.named_buffers():
            state_dict.setdefault(prefix + name, buffer.detach().clone())
        super()._load_from_state_dict(state_dict, prefix, *args)


def find_batch_norms(tower: nn.Module) -> list[_BatchNorm]:
    """Return the BatchNorm layers of a tower that have running statistics."""
    return [m for m in tower.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]


def make_domain_statistics(tower: nn.Module) -> DomainStatistics | None:
    """Return a copy of the statistics of a tower's BatchNorm layers, or None if it has none."""
    return DomainStatistics(tower) if find_batch_norms(tower) else None
