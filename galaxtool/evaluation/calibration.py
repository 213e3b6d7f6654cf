"""Temperature scaling of a classifier's probabilities, and whether it helps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from galaxtool.evaluation.calibration_error import expected_calibration_error
from galaxtool.evaluation.limits import MIN_CALIBRATED

_LOG_BOUNDS = (np.log(0.05), np.log(20.0))
_FOLDS, _MIN_IMAGES = 5, 10


@dataclass(frozen=True)
class Calibration:
    """A temperature, and what it does to images that it was not fitted to.

    Parameters
    ----------
    temperature : float
        Temperature to use: the fitted one, or 1 if that does not help.
    fitted : float
        Temperature that fits all images best; 1 if there are too few to fit one.
    n : int
        Number of images.
    log_loss, log_loss_uncalibrated : float
        Mean negative log-probability of the true class, cross-fitted, and with the temperature 1.
    ece, ece_uncalibrated : float
        Expected calibration error, likewise.
    """

    temperature: float
    fitted: float
    n: int
    log_loss: float
    log_loss_uncalibrated: float
    ece: float
    ece_uncalibrated: float

    @property
    def note(self) -> str:
        """What was done, and why, in one or two sentences."""
        lead = ""
        if self.n < MIN_CALIBRATED:
            lead = f"The calibration cannot be measured on {self.n} validation images; {MIN_CALIBRATED} are needed. "
        if self.n < _MIN_IMAGES:
            return f"{lead}No temperature is fitted to so few."
        losses = f"log loss from {self.log_loss_uncalibrated:.3f} to {self.log_loss:.3f}"
        errors = f"calibration error from {self.ece_uncalibrated:.3f} to {self.ece:.3f}"
        if self.temperature == self.fitted:
            effect = losses if lead else f"{losses} and the {errors}"
            return f"{lead}The temperature {self.fitted:.3g} is used: on held-out folds it changes the {effect}."
        effect = losses if self.log_loss >= self.log_loss_uncalibrated else errors
        return (
            f"{lead}No temperature is used: on held-out folds a fitted one ({self.fitted:.3g}) changes the {effect}, "
            "which is no gain."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the entry ``calibration`` of ``metrics.json``."""
        return {
            "temperature": self.temperature,
            "fitted_temperature": self.fitted,
            "measurable": self.n >= MIN_CALIBRATED,
            "log_loss": round(self.log_loss, 6),
            "log_loss_uncalibrated": round(self.log_loss_uncalibrated, 6),
            "note": self.note,
        }


def fit_temperature(logits: np.ndarray, targets: np.ndarray, shift: np.ndarray | float = 0.0) -> float:
    """Find the temperature that maximizes the likelihood of the labels (Guo et al. 2017, arXiv:1706.04599).

    Parameters
    ----------
    logits : ndarray, shape (N, K)
        Outputs of the classifier.
    targets : ndarray of int, shape (N,)
        Indices of the true classes.
    shift : ndarray, shape (K,), or float
        What is added to the logits after the division: the logarithms of the factors of `galaxtool.evaluation.prior`.

    Returns
    -------
    float
        Temperature between 0.05 and 20; the logits divided by it, and shifted, have the least cross-entropy.
    """
    exact = logits.astype(np.float64)

    def cross_entropy(log_temperature: float) -> float:
        return _log_loss(exact / np.exp(log_temperature) + shift, targets)

    return round(float(np.exp(minimize_scalar(cross_entropy, bounds=_LOG_BOUNDS, method="bounded").x)), 6)


def cross_fit(
    logits: np.ndarray,
    targets: np.ndarray,
    fit: Callable[[np.ndarray, np.ndarray], float] | None = None,
    *,
    shift: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Divide the logits of each of 5 folds by the temperature fitted to the other four.

    Parameters
    ----------
    logits, targets, shift
        As for `fit_temperature`.
    fit : callable, optional
        Function that fits the temperature to logits and targets.

    Returns
    -------
    ndarray of float64, shape (N, K)
        Scaled and shifted logits whose softmax says how well such a temperature calibrates other images. The folds
        have about equal shares of every class, and are always the same.
    """
    fold = draw_folds(targets)
    fit_one = fit or partial(fit_temperature, shift=shift)
    scaled = logits.astype(np.float64)
    for number in range(_FOLDS):
        held = fold == number
        scaled[held] /= fit_one(logits[~held], targets[~held])
    return scaled + shift


def draw_folds(targets: np.ndarray) -> np.ndarray:
    """Return the fold of each item, 0 to 4, int (N,): about equal shares of every class, and always the same."""
    order = np.random.default_rng(0).permutation(len(targets))
    order = order[np.argsort(targets[order], kind="stable")]
    fold = np.empty(len(targets), dtype=int)
    fold[order] = np.arange(len(targets)) % _FOLDS
    return fold


def choose_temperature(logits: np.ndarray, targets: np.ndarray, shift: np.ndarray | float = 0.0) -> Calibration:
    """Fit a temperature, and drop it if it does not help images that it was not fitted to.

    Parameters
    ----------
    logits, targets, shift
        As for `fit_temperature`.

    Returns
    -------
    Calibration
        Its temperature is 1 unless the cross-fitted log loss is lower than without one and the cross-fitted calibration
        error is not higher; also for fewer than 10 images.
    """
    exact, n = logits.astype(np.float64), len(targets)
    plain = exact + shift
    before = _log_loss(plain, targets), expected_calibration_error(softmax(plain, axis=1), targets)
    if n < _MIN_IMAGES:
        return Calibration(1.0, 1.0, n, before[0], before[0], before[1], before[1])
    scaled, fitted = cross_fit(logits, targets, shift=shift), fit_temperature(logits, targets, shift)
    after = _log_loss(scaled, targets), expected_calibration_error(softmax(scaled, axis=1), targets)
    helps = after[0] < before[0] and after[1] <= before[1]
    return Calibration(fitted if helps else 1.0, fitted, n, after[0], before[0], after[1], before[1])


def _log_loss(logits: np.ndarray, targets: np.ndarray) -> float:
    return -float(log_softmax(logits, axis=1)[np.arange(len(targets)), targets].mean())
