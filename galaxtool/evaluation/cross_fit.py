"""Probabilities and error bars with temperatures that were not fitted to the image, where that of the model was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from galaxtool.evaluation.calibration import cross_fit, fit_temperature
from galaxtool.evaluation.error_bars import cross_fit_error_bars, has_enough_values, stretch_error_bars

_LEAST = 1e-30  # a softmax in float32 can be exactly 0


@dataclass(frozen=True)
class CrossFit:
    """The temperature of a model and the factors of its probabilities, which cross-fitting undoes.

    Parameters
    ----------
    temperature : float
        Temperature of the model; 1 for a model of numbers.
    factors : tuple of float
        Factors of the probabilities for another mix of classes; empty for none. Of a model of numbers, the factors for
        its error bars.
    """

    temperature: float
    factors: tuple[float, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as ``metrics.json`` holds them."""
        return {"temperature": self.temperature, "factors": list(self.factors)}

    def recalibrate(self, probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return probabilities (N, K) in which each of 5 folds has the temperature fitted to the other four.

        Classes with the factor 0 keep the probability 0, whatever the temperature; images of them are not fitted to.
        """
        factors = np.array(self.factors or (1.0,) * probabilities.shape[1])
        possible = np.flatnonzero(factors > 0)
        shift = np.log(factors[possible])
        logits = (np.log(np.maximum(probabilities[:, possible], _LEAST)) - shift) * self.temperature
        numbers = np.full(len(factors), -1)
        numbers[possible] = np.arange(len(possible))

        def fit(outputs: np.ndarray, classes: np.ndarray) -> float:
            known = classes >= 0
            return fit_temperature(outputs[known], classes[known], shift) if known.any() else self.temperature

        scaled = np.zeros(probabilities.shape)
        scaled[:, possible] = softmax(cross_fit(logits, numbers[targets], fit, shift=shift), axis=1)
        return scaled

    def restretch(self, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return predicted numbers (N, T, 3) in which each of 5 folds has error bars fitted to the other four.

        Quantities with too few values keep the error bars of the model.
        """
        undone = stretch_error_bars(predicted.astype(np.float64), 1 / np.array(self.factors))
        stretched = cross_fit_error_bars(undone, truth)
        few = ~has_enough_values(truth)
        stretched[:, few] = predicted[:, few]
        return stretched
