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
from galaxtool.training.losses.label_noise import LabelNoise
from galaxtool.training.losses.partial_labels import count_classes, gather_labels, normalize_sets
from galaxtool.training.options import TrainOptions
from galaxtool.types import Temperature


class Objective(Protocol):
    """The loss and the scores of a head; a `galaxtool.plugins.specs.HeadSpec` names the factory of its objective.

    The factory is called as ``factory(taxonomy=Taxonomy, options=TrainOptions, targets=ndarray)`` with the targets of
    the training split. If it has these parameters, it is also given ``label_sets``, an ndarray as in
    `galaxtool.training.task.Task` or None, ``item_weights``, the weights of the items of the training split, and
    ``label_noise``, a `galaxtool.training.losses.label_noise.LabelNoise` or None.

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

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> Temperature:
        """Return the temperature of the model, by which it divides logits, or the factors for its error bars."""

    def metrics(
        self, logits: torch.Tensor, targets: np.ndarray, embeddings: np.ndarray, *, temperature: Any, seed: int
    ) -> dict[str, Any]:
        """Return the content of ``metrics.json``, with a temperature as `calibrate` returns it."""


def scale_logits(objective: Objective, logits: torch.Tensor, temperature: Temperature) -> torch.Tensor:
    """Return the logits of a model with this temperature, for the mix of classes of the training where it has one."""
    scale = getattr(objective, "scale", None)  # only an objective of classes has it
    scaled: torch.Tensor = scale(logits, temperature) if callable(scale) else logits
    return scaled


class ClassObjective:
    """Objective for items of one class each: cross-entropy, accuracy and macro F1.

    A label may be coarser than the classes. Its loss is the negative logarithm of the summed probability of its
    classes; see `galaxtool.training.losses.partial_labels`. Accuracy, F1 and calibration are those of the items
    with a class.

    Parameters
    ----------
    taxonomy : Taxonomy
        The K classes.
    options : TrainOptions
        Class weights, label smoothing, and the class frequencies that the outputs assume. Labels are smoothed only
        where they are a class.
    targets : ndarray of int64, shape (N,)
        Labels of the training split.
    label_sets : ndarray of float32, shape (L, K), optional
        The classes of each label as in `galaxtool.training.task.Task`; by default, every label is a class.
    item_weights : ndarray of float64, shape (N,), optional
        How often each item is seen in an epoch, on average; by default once.
    label_noise : LabelNoise, optional
        The learned probabilities of noisy labels, which replace the last rows of the label sets.

    Attributes
    ----------
    prior : ndarray of float64, shape (K,)
        Share of each class in the training split.
    noise : LabelNoise or None
        The learned probabilities of noisy labels.

    Raises
    ------
    TrainingError
        If classes are weighted and one of them has no item.
    """

    def __init__(
        self,
        *,
        taxonomy: Taxonomy,
        options: TrainOptions,
        targets: np.ndarray,
        label_sets: np.ndarray | None = None,
        item_weights: np.ndarray | None = None,
        label_noise: LabelNoise | None = None,
    ) -> None:
        self.n_outputs = len(taxonomy)
        self.slugs = tuple(taxonomy.slugs)
        self.label_smoothing = options.label_smoothing
        shares = None if label_sets is None else normalize_sets(label_sets)
        self.prior = measure_prior(targets, len(taxonomy), item_weights, shares)
        factors = find_factors(self.prior, find_scores_shares(self.prior, options.scores_prior))
        self._shift = np.log(factors) if options.scores_prior != TRAINING else np.zeros(len(factors))
        self.label_weights: torch.Tensor | None = None
        self.noise = label_noise
        self._log_sets = None if label_sets is None else torch.from_numpy(label_sets).float().log()
        if options.class_weights == "inverse":
            counts = count_classes(targets, len(taxonomy), label_sets, item_weights)
            if not counts.all():
                missing = [slug for slug, n in zip(taxonomy.slugs, counts, strict=True) if not n]
                raise TrainingError(
                    f"There is no training image of {', '.join(missing)}, so its class weight is undefined.",
                    hint="Leave --class-weights or --all-classes out.",
                )
            # every class has the same share of the loss of an epoch, in which an item counts 1 on average
            weights = counts.sum() / (len(counts) * counts)
            of_labels = weights if shares is None else shares @ weights
            self.label_weights = torch.from_numpy(of_labels).float()

    def log_label_sets(self) -> torch.Tensor | None:
        """Return the logarithm of the label sets, (L, K); None if every label is a class."""
        if self._log_sets is None or self.noise is None:
            return self._log_sets
        learned = self.noise.log_rows()
        return torch.cat([self._log_sets[: -len(learned)].to(learned), learned])

    def label_sets(self) -> torch.Tensor | None:
        """Return the label sets, (L, K), with the present probabilities of noisy labels."""
        log_sets = self.log_label_sets()
        return None if log_sets is None else log_sets.exp()

    def weights(self, targets: torch.Tensor) -> torch.Tensor | None:
        """Return the class weight of each item; for a coarse label, the mean over its classes."""
        return None if self.label_weights is None else self.label_weights.to(targets.device)[targets]

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy, or the partial-label loss, weighted and smoothed as the options say.

        It is a mean over items, not over weights, so that the parts of a batch add up to the whole batch.
        """
        weights, log_sets = self.weights(targets), self.log_label_sets()
        if weights is None and log_sets is None:
            return F.cross_entropy(logits.float(), targets, label_smoothing=self.label_smoothing)
        if log_sets is None:
            each = F.cross_entropy(logits.float(), targets, reduction="none", label_smoothing=self.label_smoothing)
        else:
            each = self._compute_partial_losses(torch.log_softmax(logits.float(), dim=1), targets, log_sets)
        return each.mean() if weights is None else (weights * each).mean()

    def _compute_partial_losses(
        self, log_p: torch.Tensor, targets: torch.Tensor, log_sets: torch.Tensor
    ) -> torch.Tensor:
        """Return the loss of each item, (N,)."""
        each = -gather_labels(log_p, targets, log_sets)
        if not self.label_smoothing:
            return each
        smoothed = (1 - self.label_smoothing) * each - self.label_smoothing * log_p.mean(dim=1)
        return torch.where(targets < self.n_outputs, smoothed, each)

    def validate(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, float]:
        """Return plain cross-entropy, accuracy and macro F1, for the mix of classes of the training.

        The loss is that of all items with a label, the others are of the items with a class, and are left out if there
        are none.
        """
        logits = self.scale(logits, 1.0)
        log_sets, is_class = self.log_label_sets(), (targets >= 0) & (targets < self.n_outputs)
        if log_sets is None:
            loss = F.cross_entropy(logits, torch.from_numpy(targets))
        else:
            labeled = torch.from_numpy(targets >= 0)
            log_p, known = torch.log_softmax(logits[labeled], dim=1), torch.from_numpy(targets)[labeled]
            loss = -gather_labels(log_p, known, log_sets.detach()).mean()
        scores = {"valid_loss": float(loss)}
        if is_class.any():
            predicted = logits.argmax(dim=1).numpy()[is_class]
            scores["valid_accuracy"] = float((predicted == targets[is_class]).mean())
            scores["valid_f1_macro"] = float(f1_score(targets[is_class], predicted, average="macro", zero_division=0))
        return scores

    def scale(self, logits: torch.Tensor, temperature: float) -> torch.Tensor:
        """Return logits whose softmax are the probabilities for the mix of classes of the training, (N, K)."""
        return logits / temperature + torch.from_numpy(self._shift).to(logits)

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Rank by macro F1, then by the loss.

        With coarse labels, macro F1 is that of each data set in its own terms, averaged over the data sets.
        """
        has_coarse = self.log_label_sets() is not None and "valid_f1_mean" in row
        return (row["valid_f1_mean" if has_coarse else "valid_f1_macro"], -row["valid_loss"])

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> float:
        """Return the temperature that calibrates the probabilities, or 1 if none does; see `choose_temperature`."""
        if not len(targets):
            return 1.0
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
        if not len(targets):  # all labels are coarser than the classes
            return {"n": 0}
        as_trained = torch.softmax(self.scale(logits, 1.0), dim=1).numpy()
        scaled = torch.softmax(self.scale(logits, temperature), dim=1).numpy()
        return {
            **compute_classification_metrics(scaled, targets, embeddings, seed=seed),
            "ece_uncalibrated": compute_metric("ece", as_trained, targets, seed=seed),
            "classes": compute_class_scores(scaled.argmax(axis=1), targets, self.slugs),
        }
