"""A linear probe: only the head learns, on features that are computed once (Lastufka et al. 2024, section 4).

The head in the paper gets the features unchanged. Those of one backbone can be a thousand times larger than those of
another. By default each feature is therefore standardized over the training split first, so that one learning rate
suits all backbones. The saved head has the standardization in its weights, and so is as plain as the one in the paper.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from galaxtool.errors import ConfigError
from galaxtool.methods.feature_cache import load_or_compute_features
from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, PictureSet, Task

_MIN_SPREAD = 1e-3  # relative to the mean spread, so that nearly constant features are not amplified


class LinearProbeStage(Stage):
    """A stage that trains the head on the features of a frozen backbone, without augmentation.

    Parameters
    ----------
    task : Task
        Data, model and settings.

    Raises
    ------
    ConfigError
        If features are to be standardized and the head does not begin with a linear layer.
    """

    centre: torch.Tensor
    spread: torch.Tensor

    def __init__(self, task: Task) -> None:
        super().__init__("linear probe", task.options.epochs)
        self.task = task
        self.head = task.make_head()
        self.standardizes = bool(task.options.method["standardise"])
        self.register_buffer("centre", torch.zeros(task.backbone.dim, device=task.device))
        self.register_buffer("spread", torch.ones(task.backbone.dim, device=task.device))
        self._features: dict[str, torch.Tensor] = {}
        if self.standardizes:
            _check_head(self.head, task)

    def begin(self) -> None:
        """Measure the features of the training split."""
        if not self.standardizes:
            return
        features = self._get_features("train")
        spread = features.std(dim=0, correction=0)
        if spread.any():
            self.centre.copy_(features.mean(dim=0))
            self.spread.copy_(spread.clamp_min(_MIN_SPREAD * float(spread.mean())))

    def inputs(self, task: Task, items: np.ndarray, epoch: int) -> torch.Tensor:
        """Return the standardized features of items, float32 (N, dim)."""
        return (self._get_features("train")[torch.from_numpy(items).to(task.device)] - self.centre) / self.spread

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the loss of the objective; the head computes in float32."""
        with torch.autocast(self.task.device.type, enabled=False):
            logits = self.head(batch.images)
        return self.task.objective.loss(logits, batch.targets)

    def features(self, task: Task, pictures: PictureSet) -> torch.Tensor:
        """Return the features of pictures, not standardized; those of the validation split are computed only once."""
        return self._get_features("valid") if pictures is self.task.valid else super().features(task, pictures)

    def make_head(self) -> nn.Module:
        """Return the head for features that are not standardized."""
        return fold_standardization(self.head, self.centre, self.spread) if self.standardizes else self.head

    def _get_features(self, split: str) -> torch.Tensor:
        # computed when first needed, because a resumed run does not begin the stage again
        if split not in self._features:
            self._features[split] = load_or_compute_features(self.task, getattr(self.task, split))
        return self._features[split]


def fold_standardization(head: nn.Module, center: torch.Tensor, spread: torch.Tensor) -> nn.Module:
    """Return a copy of a head whose output for features x is that of the head for (x - center) / spread.

    Parameters
    ----------
    head : torch.nn.Module
        Head whose first operation is its first linear layer.
    center, spread : Tensor, shape (dim,)
        Mean and standard deviation of the features.

    Returns
    -------
    torch.nn.Module
        Head of the same kind, with other weights.
    """
    folded = copy.deepcopy(head)
    layer = next(m for m in folded.modules() if isinstance(m, nn.Linear))
    with torch.no_grad():
        weight = layer.weight.double() / spread.double()
        layer.bias.copy_(layer.bias.double() - weight @ center.double())
        layer.weight.copy_(weight)
    return folded


def stages(task: Task) -> list[Stage]:
    """Create the only stage."""
    return [LinearProbeStage(task)]


@torch.no_grad()
def _check_head(head: nn.Module, task: Task) -> None:
    """Raise `ConfigError` if a head does not apply its first linear layer first, tested on example features."""
    head = copy.deepcopy(head).eval()
    first = next((m for m in head.modules() if isinstance(m, nn.Linear)), None)
    fits = first is not None and first.bias is not None and first.in_features == task.backbone.dim
    if fits:
        x, center, spread = torch.linspace(-2, 3, 3 * task.backbone.dim, device=task.device).reshape(3, -1)
        spread = spread.abs() + 0.5
        expected, folded = head(((x - center) / spread)[None]), fold_standardization(head, center, spread)(x[None])
        fits = torch.allclose(expected, folded, rtol=1e-3, atol=1e-4)
    if not fits:
        raise ConfigError(
            f"The head '{task.head}' does not begin with a linear layer, so its features cannot be standardized.",
            hint="Use --option standardise=false, with a smaller --lr.",
        )
