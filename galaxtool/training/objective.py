"""How scores are compared with what is known of an item: its class, or its votes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score

from galaxtool.errors import TrainingError
from galaxtool.evaluation.calibration import fit_temperature
from galaxtool.evaluation.metrics import classification_metrics, compute_metric
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.training.options import TrainOptions


class Objective(Protocol):
    """What a head is trained and judged by; a `galaxtool.plugins.specs.HeadSpec` names the one that makes it.

    It is made as ``factory(taxonomy=Taxonomy, options=TrainOptions, targets=ndarray)``, the targets those of the
    training split.

    Attributes
    ----------
    n_outputs : int
        Length of a head's output.
    """

    n_outputs: int

    def weights(self, targets: torch.Tensor) -> torch.Tensor | None:
        """Return how much each item counts in a loss, (N,), 1 on average over the training split; None for all 1."""

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return what to minimise for logits (N, n_outputs), a mean over the items."""

    def validate(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, float]:
        """Return the columns of ``history.csv`` that tell how good logits (N, n_outputs) on the CPU are."""

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Return how good a row of the history is; the greatest is best."""

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> float:
        """Return the temperature by which logits are divided in the model."""

    def metrics(
        self, logits: torch.Tensor, targets: np.ndarray, embeddings: np.ndarray, *, temperature: float, seed: int
    ) -> dict[str, Any]:
        """Return what ``metrics.json`` holds."""


class ClassObjective:
    """Each item has one class: cross-entropy, accuracy and macro F1.

    Parameters
    ----------
    taxonomy : Taxonomy
        K classes.
    options : TrainOptions
    targets : ndarray of int64, shape (N,)
        Of the training split.

    Raises
    ------
    TrainingError
        If the classes are to be weighted and one has no item.
    """

    def __init__(self, *, taxonomy: Taxonomy, options: TrainOptions, targets: np.ndarray) -> None:
        self.n_outputs = len(taxonomy)
        self.label_smoothing = options.label_smoothing
        self.class_weights: torch.Tensor | None = None
        if options.class_weights == "inverse":
            counts = np.bincount(targets[targets >= 0], minlength=len(taxonomy))
            if not counts.all():
                lacking = [s for s, n in zip(taxonomy.slugs, counts, strict=True) if not n]
                raise TrainingError(
                    f"No image of {', '.join(lacking)} is there to train on, so its weight has no value.",
                    hint="Leave --class-weights or --all-classes out.",
                )
            # every class has the same part of the loss, and an item counts 1 on average
            self.class_weights = torch.from_numpy(counts.sum() / (len(counts) * counts)).float()

    def weights(self, targets: torch.Tensor) -> torch.Tensor | None:
        """Return each item's class weight."""
        return None if self.class_weights is None else self.class_weights.to(targets.device)[targets]

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy, weighted and smoothed as the options say.

        Its mean is over the items, not over the weights: so that the parts of a batch add up to the whole.
        """
        weights = self.weights(targets)
        if weights is None:
            return F.cross_entropy(logits.float(), targets, label_smoothing=self.label_smoothing)
        each = F.cross_entropy(logits.float(), targets, reduction="none", label_smoothing=self.label_smoothing)
        return (weights * each).mean()

    def validate(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, float]:
        """Return plain cross-entropy, accuracy and macro F1."""
        predicted = logits.argmax(dim=1).numpy()
        return {
            "valid_loss": float(F.cross_entropy(logits, torch.from_numpy(targets))),
            "valid_accuracy": float((predicted == targets).mean()),
            "valid_f1_macro": float(f1_score(targets, predicted, average="macro", zero_division=0)),
        }

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Macro F1 decides, then the loss."""
        return (row["valid_f1_macro"], -row["valid_loss"])

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> float:
        """Return the temperature that fits the probabilities to the split (Guo et al. 2017, arXiv:1706.04599)."""
        return fit_temperature(logits.numpy(), targets)

    def metrics(
        self, logits: torch.Tensor, targets: np.ndarray, embeddings: np.ndarray, *, temperature: float, seed: int
    ) -> dict[str, Any]:
        """Return the scores of `classification_metrics`, and the calibration error before the temperature."""
        as_trained = torch.softmax(logits, dim=1).numpy()
        scaled = torch.softmax(logits / temperature, dim=1).numpy()
        return {
            **classification_metrics(scaled, targets, embeddings, seed=seed),
            "ece_uncalibrated": compute_metric("ece", as_trained, targets, seed=seed),
        }
