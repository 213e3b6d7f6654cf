"""The objective of a training: the comparison of outputs with the class or the votes of each item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score

from galaxtool.errors import TrainingError
from galaxtool.evaluation.calibration import choose_temperature, cross_fit
from galaxtool.evaluation.class_scores import compute_class_scores
from galaxtool.evaluation.metrics import compute_classification_metrics, compute_metric
from galaxtool.evaluation.prior import TRAINING, find_factors, find_scores_shares, measure_prior
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.training.options import TrainOptions


class Objective(Protocol):
    """The loss and the scores of a head; a `galaxtool.plugins.specs.HeadSpec` names the factory of its objective.

    The factory is called as ``factory(taxonomy=Taxonomy, options=TrainOptions, targets=ndarray)`` with the targets of
    the training split.

    Attributes
    ----------
    n_outputs : int
        Number of outputs of the head.
    """

    n_outputs: int

    def weights(self, targets: torch.Tensor) -> torch.Tensor | None:
        """Return the weights of items in a loss, (N,), 1 on average over the training split; None if all are 1."""

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss for logits (N, n_outputs), a mean over the items."""

    def validate(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, float]:
        """Return the scores of logits (N, n_outputs) on the CPU, as columns of ``history.csv``."""

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Return the rank of a row of the history; the greatest is the best."""

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> float:
        """Return the temperature of the model, by which it divides logits."""

    def metrics(
        self, logits: torch.Tensor, targets: np.ndarray, embeddings: np.ndarray, *, temperature: float, seed: int
    ) -> dict[str, Any]:
        """Return the content of ``metrics.json``."""


class ClassObjective:
    """Objective for items of one class each: cross-entropy, accuracy and macro F1.

    Parameters
    ----------
    taxonomy : Taxonomy
        The classes.
    options : TrainOptions
        Class weights, label smoothing, and the mix of classes that the outputs answer for.
    targets : ndarray of int64, shape (N,)
        Class indices of the training split.

    Attributes
    ----------
    prior : ndarray of float64, shape (K,)
        Share of each class in the training split.

    Raises
    ------
    TrainingError
        If classes are weighted and one of them has no item.
    """

    def __init__(self, *, taxonomy: Taxonomy, options: TrainOptions, targets: np.ndarray) -> None:
        self.n_outputs = len(taxonomy)
        self.slugs = tuple(taxonomy.slugs)
        self.label_smoothing = options.label_smoothing
        self.prior = measure_prior(targets, len(taxonomy))
        factors = find_factors(self.prior, find_scores_shares(self.prior, options.scores_prior))
        self._shift = np.log(factors) if options.scores_prior != TRAINING else np.zeros(len(factors))
        self.class_weights: torch.Tensor | None = None
        if options.class_weights == "inverse":
            counts = np.bincount(targets[targets >= 0], minlength=len(taxonomy))
            if not counts.all():
                missing = [slug for slug, n in zip(taxonomy.slugs, counts, strict=True) if not n]
                raise TrainingError(
                    f"There is no training image of {', '.join(missing)}, so its class weight is undefined.",
                    hint="Leave --class-weights or --all-classes out.",
                )
            # every class has the same share of the loss, and an item counts 1 on average
            self.class_weights = torch.from_numpy(counts.sum() / (len(counts) * counts)).float()

    def weights(self, targets: torch.Tensor) -> torch.Tensor | None:
        """Return the class weight of each item."""
        return None if self.class_weights is None else self.class_weights.to(targets.device)[targets]

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy, weighted and smoothed as the options say.

        It is a mean over items, not over weights, so that the parts of a batch add up to the whole batch.
        """
        weights = self.weights(targets)
        if weights is None:
            return F.cross_entropy(logits.float(), targets, label_smoothing=self.label_smoothing)
        each = F.cross_entropy(logits.float(), targets, reduction="none", label_smoothing=self.label_smoothing)
        return (weights * each).mean()

    def validate(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, float]:
        """Return plain cross-entropy, accuracy and macro F1, for the mix of classes of the training."""
        logits = self.scale(logits, 1.0)
        predicted = logits.argmax(dim=1).numpy()
        return {
            "valid_loss": float(F.cross_entropy(logits, torch.from_numpy(targets))),
            "valid_accuracy": float((predicted == targets).mean()),
            "valid_f1_macro": float(f1_score(targets, predicted, average="macro", zero_division=0)),
        }

    def scale(self, logits: torch.Tensor, temperature: float) -> torch.Tensor:
        """Return logits whose softmax are the probabilities for the mix of classes of the training, (N, K)."""
        return logits / temperature + torch.from_numpy(self._shift).to(logits)

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Rank by macro F1, then by the loss."""
        return (row["valid_f1_macro"], -row["valid_loss"])

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> float:
        """Return the temperature that calibrates the probabilities, or 1 if none does; see `choose_temperature`."""
        return choose_temperature(logits.numpy(), targets, self._shift).temperature

    def measure_calibration(self, logits: torch.Tensor, targets: np.ndarray, *, seed: int) -> dict[str, Any]:
        """Measure the temperature that `calibrate` chose, on folds to which it was not fitted.

        Returns
        -------
        dict
            Entries of ``metrics.json``: ``ece``, which replaces that of `metrics`, and ``calibration``.
        """
        outputs = logits.numpy()
        calibration = choose_temperature(outputs, targets, self._shift)
        held_out = self.scale(logits, 1.0).numpy()
        if calibration.temperature != 1:
            held_out = cross_fit(outputs, targets, shift=self._shift)
        probabilities = torch.softmax(torch.from_numpy(held_out), dim=1).numpy()
        return {"ece": compute_metric("ece", probabilities, targets, seed=seed), "calibration": calibration.as_dict()}

    def metrics(
        self, logits: torch.Tensor, targets: np.ndarray, embeddings: np.ndarray, *, temperature: float, seed: int
    ) -> dict[str, Any]:
        """Return the scores of `compute_classification_metrics`, those of each class, and the ECE as trained."""
        as_trained = torch.softmax(self.scale(logits, 1.0), dim=1).numpy()
        scaled = torch.softmax(self.scale(logits, temperature), dim=1).numpy()
        return {
            **compute_classification_metrics(scaled, targets, embeddings, seed=seed),
            "ece_uncalibrated": compute_metric("ece", as_trained, targets, seed=seed),
            "classes": compute_class_scores(scaled.argmax(axis=1), targets, self.slugs),
        }
