"""The objective of a head that predicts numbers with error bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from galaxtool.errors import TrainingError
from galaxtool.evaluation.error_bars import cross_fit_error_bars, fit_error_bars, has_enough_values
from galaxtool.evaluation.regression_scores import measure_quantity
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.taxonomy.quantity import QUANTILES
from galaxtool.training.losses.quantiles import OUTPUTS, compute_quantiles
from galaxtool.training.options import TrainOptions
from galaxtool.types import Temperature


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
        self._known = float(np.isfinite(targets).mean())
        self._center = torch.tensor([quantity.center for quantity in self.quantities])
        self._scale = torch.tensor([quantity.scale for quantity in self.quantities])

    def weights(self, targets: torch.Tensor) -> None:
        """Return None: all items count alike."""

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the pinball loss, a mean over the values, in units of their spread.

        The number of values is that to be expected from the training split, so that parts of a batch add up to it.
        """
        n_values = max(self._known * targets.numel(), 1e-9)
        return self._sum_losses(logits, targets) / n_values

    def _sum_losses(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the sum of the pinball losses of the values, each the mean over the quantiles, times two."""
        standard = (targets - self._center.to(targets)) / self._scale.to(targets)
        known = torch.isfinite(standard)
        difference = torch.where(known, standard, 0)[..., None] - compute_quantiles(logits.float())
        levels = torch.tensor(QUANTILES, device=logits.device)
        pinball = torch.maximum(levels * difference, (levels - 1) * difference) * known[..., None]
        return 2 * pinball.sum() / len(QUANTILES)

    def validate(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, float]:
        """Return the loss, and the mean absolute error in units of the spread of the values."""
        values = torch.from_numpy(targets)
        standard = ((values - self._center) / self._scale).numpy()
        error = np.abs(compute_quantiles(logits)[..., 1].numpy() - standard)
        loss = float(self._sum_losses(logits, values)) / max(int(np.isfinite(targets).sum()), 1)
        return {"valid_loss": loss, "valid_mean_error": float(np.nanmean(error))}

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Rank by the loss."""
        return (-row["valid_loss"],)

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> Temperature:
        """Return the factor for the error bars of each quantity with which 68 % of its values are within.

        Returns
        -------
        float or list of float
            A list for several quantities, with 1 for those with few values; 1 if all have few values.
        """
        standard = ((torch.from_numpy(targets) - self._center) / self._scale).numpy()
        enough = has_enough_values(standard)
        if not enough.any():
            return 1.0
        fitted = fit_error_bars(compute_quantiles(logits).double().numpy(), standard)
        factors: list[float] = np.where(enough, fitted, 1.0).tolist()
        return factors if len(factors) > 1 else factors[0]

    def measure_calibration(self, logits: torch.Tensor, targets: np.ndarray, *, seed: int) -> dict[str, Any]:
        """Measure the error bars that `calibrate` stretched, on folds to which their length was not fitted.

        Returns
        -------
        dict
            ``quantities``, which replaces that of `metrics`; only the coverage differs. Empty if nothing was fitted.
        """
        if not has_enough_values(targets).any():
            return {}
        held_out = cross_fit_error_bars(self._predict(logits, 1.0), targets)
        return {"quantities": self.measure(held_out, targets, seed=seed)}

    def metrics(
        self, logits: torch.Tensor, targets: np.ndarray, embeddings: np.ndarray, *, temperature: Temperature, seed: int
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
        temperature : float or list of float
            Factor for all error bars, or for those of each quantity.
        seed : int
            Random seed of the bootstrap.

        Returns
        -------
        dict
            ``n``, and ``quantities``: the scores of each by its name, as in
            `galaxtool.evaluation.regression_scores.measure_quantity`, and its ``unit``.
        """
        return {"n": len(targets), "quantities": self.measure(self._predict(logits, temperature), targets, seed=seed)}

    def _predict(self, logits: torch.Tensor, temperature: Temperature) -> np.ndarray:
        """Return lower end, median and upper end of each quantity in its own unit, float64 (N, T, 3)."""
        quantiles = compute_quantiles(logits, torch.tensor(temperature))
        values: np.ndarray = (self._center[:, None] + self._scale[:, None] * quantiles).double().numpy()
        return values

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
