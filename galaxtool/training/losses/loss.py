"""A loss with its terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch


@dataclass(frozen=True)
class Loss:
    """A loss that reports its terms, each of which becomes a column ``loss_NAME`` of ``history.csv``.

    Parameters
    ----------
    total : Tensor, scalar
        Loss of which the gradient is taken: a mean over the items of the batch.
    terms : mapping of str to Tensor, scalar
        Terms by name, without their weights in the total; each is a mean over the items of the batch. A stage that
        trains in several processes must report the same names at every call.
    """

    total: torch.Tensor
    terms: Mapping[str, torch.Tensor] = field(default_factory=dict)


def split_loss(loss: Loss | torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return the total and the terms, without gradient, of what a stage returned."""
    if isinstance(loss, torch.Tensor):
        return loss, {}
    return loss.total, {name: term.detach().float() for name, term in loss.terms.items()}
