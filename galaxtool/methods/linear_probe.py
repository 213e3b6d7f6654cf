"""A linear probe: the head alone learns, on features that are computed once (Lastufka et al. 2024, section 4).

The paper's head sees the features as they are. Those of one backbone can be a thousand times larger than another's, so
by default each is standardised over the training split first, which lets one learning rate do for all backbones; the
head that is kept has that in its weights, and so is as plain as the paper's.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from galaxtool.errors import ConfigError
from galaxtool.methods.feature_cache import kept_features
from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, PictureSet, Task

_LEAST_SPREAD = 1e-3  # of the mean one; a feature that hardly varies is not blown up


class LinearProbeStage(Stage):
    """The head, on the frozen backbone's features of the pictures as they are, without augmentation.

    Parameters
    ----------
    task : Task

    Raises
    ------
    ConfigError
        If features are to be standardised and the head does not begin with a linear layer.
    """

    centre: torch.Tensor
    spread: torch.Tensor

    def __init__(self, task: Task) -> None:
        super().__init__("linear probe", task.options.epochs)
        self.task = task
        self.head = task.make_head()
        self.standardises = bool(task.options.method["standardise"])
        self.register_buffer("centre", torch.zeros(task.backbone.dim, device=task.device))
        self.register_buffer("spread", torch.ones(task.backbone.dim, device=task.device))
        self._features: dict[str, torch.Tensor] = {}
        if self.standardises:
            _check(self.head, task)

    def begin(self) -> None:
        """Measure the features of the training split."""
        if not self.standardises:
            return
        features = self._kept("train")
        spread = features.std(dim=0, correction=0)
        if spread.any():
            self.centre.copy_(features.mean(dim=0))
            self.spread.copy_(spread.clamp_min(_LEAST_SPREAD * float(spread.mean())))

    def inputs(self, task: Task, items: np.ndarray, epoch: int) -> torch.Tensor:
        """Return the features of items, standardised, float32 (N, dim)."""
        return (self._kept("train")[torch.from_numpy(items).to(task.device)] - self.centre) / self.spread

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the objective's loss; the head computes in float32."""
        with torch.autocast(self.task.device.type, enabled=False):
            logits = self.head(batch.images)
        return self.task.objective.loss(logits, batch.targets)

    def features(self, task: Task, pictures: PictureSet) -> torch.Tensor:
        """Return the kept features of the validation split, or those of other pictures; as the backbone gives them."""
        return self._kept("valid") if pictures is self.task.valid else super().features(task, pictures)

    def make_head(self) -> nn.Module:
        """Return the head for features as the backbone gives them."""
        return with_standardising(self.head, self.centre, self.spread) if self.standardises else self.head

    def _kept(self, split: str) -> torch.Tensor:
        # when they are first needed: a run that resumes does not begin the stage again
        if split not in self._features:
            self._features[split] = kept_features(self.task, getattr(self.task, split))
        return self._features[split]


def with_standardising(head: nn.Module, centre: torch.Tensor, spread: torch.Tensor) -> nn.Module:
    """Return a copy of a head that does for features x what the head does for (x - centre) / spread.

    Parameters
    ----------
    head : torch.nn.Module
        Its first operation is its only, or first, linear layer.
    centre, spread : Tensor, shape (dim,)

    Returns
    -------
    torch.nn.Module
        Of the same kind, with other weights.
    """
    made = copy.deepcopy(head)
    layer = next(m for m in made.modules() if isinstance(m, nn.Linear))
    with torch.no_grad():
        weight = layer.weight.double() / spread.double()
        layer.bias.copy_(layer.bias.double() - weight @ centre.double())
        layer.weight.copy_(weight)
    return made


def stages(task: Task) -> list[Stage]:
    """Make the one stage."""
    return [LinearProbeStage(task)]


@torch.no_grad()
def _check(head: nn.Module, task: Task) -> None:
    """Raise where a head's first linear layer is not what features meet first, found by trying."""
    head = copy.deepcopy(head).eval()
    first = next((m for m in head.modules() if isinstance(m, nn.Linear)), None)
    fits = first is not None and first.bias is not None and first.in_features == task.backbone.dim
    if fits:
        x, centre, spread = torch.linspace(-2, 3, 3 * task.backbone.dim, device=task.device).reshape(3, -1)
        spread = spread.abs() + 0.5
        wanted, found = head(((x - centre) / spread)[None]), with_standardising(head, centre, spread)(x[None])
        fits = torch.allclose(wanted, found, rtol=1e-3, atol=1e-4)
    if not fits:
        raise ConfigError(
            f"The head '{task.head}' does not begin with a linear layer, so its features cannot be standardised.",
            hint="Use --option standardise=false, with a smaller --lr.",
        )
