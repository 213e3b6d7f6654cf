"""The objective of a head that predicts numbers with error bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from galaxtool.errors import TrainingError
from galaxtool.evaluation.regression_scores import measure_quantity
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.taxonomy.quantity import COVERAGE, QUANTILES
from galaxtool.training.options import TrainOptions
from galaxtool.training.quantiles import OUTPUTS, compute_quantiles

_FACTORS = np.geomspace(0.1, 10, 401)
_LEAST = 50
"""Least number of values that the length of the error bars is fitted to."""


class RegressionObjective:
    """Objective for items with numbers: the pinball loss of three quantiles (Koenker & Bassett 1978).

    Parameters
    ----------
    taxonomy : Taxonomy
        Taxonomy of T quantities, see `galaxtool.taxonomy.quantities.build_quantity_taxonomy`.
    options : TrainOptions
        Options of the training.
    targets : ndarray of float32, shape (N, T)
        Values of the training split, NaN where there is none.

    Raises
    ------
    TrainingError
        If there are no quantities, or an option is for classes only.
    """

    def __init__(self, *, taxonomy: Taxonomy, options: TrainOptions, targets: np.ndarray) -> None:
        del targets
        if not taxonomy.quantities:
            raise TrainingError(
                f"The classes of '{taxonomy.name}' are not numbers.",
                hint="Name a column with --target, or use another --head.",
            )
        for option, neutral in (("class_weights", "none"), ("label_smoothing", 0.0)):
            if getattr(options, option) != neutral:
                raise TrainingError(
                    f"--{option.replace('_', '-')} is for classes, and numbers are learned.", hint="Leave it out."
                )
        self.quantities = taxonomy.quantities
        self.n_outputs = OUTPUTS * len(self.quantities)
        self._center = torch.tensor([quantity.center for quantity in self.quantities])
        self._scale = torch.tensor([quantity.scale for quantity in self.quantities])

    def weights(self, targets: torch.Tensor) -> None:
        """Return None: all items count alike."""

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the pinball loss, a mean over the items with a value, in units of the spread of the values."""
        standard = (targets - self._center.to(targets)) / self._scale.to(targets)
        known = torch.isfinite(standard)
        difference = torch.where(known, standard, 0)[..., None] - compute_quantiles(logits.float())
        levels = torch.tensor(QUANTILES, device=logits.device)
        pinball = torch.maximum(levels * difference, (levels - 1) * difference) * known[..., None]
        return 2 * pinball.sum() / (known.sum().clamp(min=1) * len(QUANTILES))

    def validate(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, float]:
        """Return the loss, and the mean absolute error in units of the spread of the values."""
        values = torch.from_numpy(targets)
        standard = ((values - self._center) / self._scale).numpy()
        error = np.abs(compute_quantiles(logits)[..., 1].numpy() - standard)
        return {"valid_loss": float(self.loss(logits, values)), "valid_mean_error": float(np.nanmean(error))}

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Rank by the loss."""
        return (-row["valid_loss"],)

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> float:
        """Return the factor for the error bars with which 68 % of the values are within; 1 for few values."""
        truth = ((torch.from_numpy(targets) - self._center) / self._scale).numpy()
        low, middle, high = np.moveaxis(compute_quantiles(logits).double().numpy(), -1, 0)
        known = np.isfinite(truth)
        if known.sum() < _LEAST:
            return 1.0
        below = truth < middle
        # the length of an error bar that would just reach the value, in units of its own
        reach = (np.abs(truth - middle) / np.where(below, middle - low, high - middle))[known]
        shares = (reach[None] <= _FACTORS[:, None]).mean(axis=1)
        return float(_FACTORS[int(np.argmin(np.abs(shares - COVERAGE)))])

    def metrics(
        self, logits: torch.Tensor, targets: np.ndarray, embeddings: np.ndarray, *, temperature: float, seed: int
    ) -> dict[str, Any]:
        """Score predictions against true values.

        Parameters
        ----------
        logits : Tensor, shape (N, 3 T)
            Outputs of the head.
        targets : ndarray, shape (N, T)
            True values, NaN where there is none.
        embeddings : ndarray
            Not used.
        temperature : float
            Factor for the error bars.
        seed : int
            Random seed of the bootstrap.

        Returns
        -------
        dict
            ``n``, and ``quantities``: the scores of each by its name, as in
            `galaxtool.evaluation.regression_scores.measure_quantity`, and its ``unit``.
        """
        quantiles = compute_quantiles(logits, temperature)
        values = (self._center[:, None] + self._scale[:, None] * quantiles).double().numpy()
        return {"n": len(targets), "quantities": self.measure(values, targets, seed=seed)}

    def measure(self, values: np.ndarray, targets: np.ndarray, *, seed: int) -> dict[str, Any]:
        """Return the scores of each quantity for predictions (N, T, 3) and true values (N, T)."""
        return {
            quantity.slug: {
                "unit": quantity.unit,
                **measure_quantity(
                    values[:, t, 1], values[:, t, 0], values[:, t, 2], targets[:, t], slug=quantity.slug, seed=seed
                ),
            }
            for t, quantity in enumerate(self.quantities)
        }
