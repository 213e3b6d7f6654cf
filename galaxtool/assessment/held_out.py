"""Probabilities and error bars with temperatures that were not fitted to the image, where that of the model was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from galaxtool.evaluation.calibration import cross_fit, fit_temperature
from galaxtool.evaluation.error_bars import cross_fit_error_bars, stretch_error_bars
from galaxtool.models.record import ModelRecord

_LEAST = 1e-30  # a softmax in float32 can be exactly 0
_LEAST_IMAGES = 10


@dataclass(frozen=True)
class CrossFit:
    """The temperature of a model and the factors of its probabilities, which cross-fitting undoes.

    Parameters
    ----------
    temperature : float
        Temperature of the model; of a model of numbers, the factor for its error bars.
    factors : tuple of float
        Factors of the probabilities for another mix of classes; empty for none.
    """

    temperature: float
    factors: tuple[float, ...] = ()

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
        """Return predicted numbers (N, T, 3) in which each of 5 folds has error bars fitted to the other four."""
        return cross_fit_error_bars(stretch_error_bars(predicted.astype(np.float64), 1 / self.temperature), truth)


def find_cross_fit(
    record: ModelRecord, splits: Sequence[str] | None, *, factors: tuple[float, ...], is_coarse: bool, tta: int
) -> tuple[CrossFit | None, str]:
    """Return how to cross-fit, if the temperature of a model was fitted to most of the images that are scored.

    Parameters
    ----------
    record : ModelRecord
        Record of the model.
    splits : sequence of str or None
        Split of each scored image in the training of the model; None if the training had none of them.
    factors : tuple of float
        Factors of the probabilities.
    is_coarse : bool
        Whether the probabilities are summed to coarser classes.
    tta : int
        Number of views.

    Returns
    -------
    cross_fit : CrossFit or None
        None if the temperature was fitted to other images, or is 1.
    note : str
        What to know; empty if there is nothing.
    """
    is_number = record.regression is not None
    if not (record.has_classes or is_number):  # votes have no temperature
        return None, ""
    if not splits or record.temperature == 1.0 or len(splits) < _LEAST_IMAGES:
        return None, ""
    if 2 * sum(split == "valid" for split in splits) <= len(splits):
        return None, ""
    if is_number:
        return CrossFit(record.temperature), (
            "The length of the error bars of the model was fitted to these images: the coverage is that of lengths "
            "that were fitted to other folds."
        )
    if is_coarse or tta != 1:
        return None, (
            "The temperature of the model was fitted to these images, so its calibration looks better than it is; it "
            "is cross-fitted only for the model's own classes and one view."
        )
    return CrossFit(record.temperature, factors), (
        "The temperature of the model was fitted to these images: the calibration error, Brier score, log loss and "
        "reliability are those of temperatures that were fitted to other folds."
    )
