"""The head of logistic regression, which is fitted to the features once the encoder is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.heads.labeled_features import select_labeled
from galaxtool.utils.optional_imports import import_attribute

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
"""Inverse strengths of the regularization to choose from."""

_FOLDS = 5
_ABSENT = -30.0
"""Logit, relative to the others, of a class without a training image."""


class LogisticHead(nn.Linear):
    """Multinomial logistic regression on features of unit length: the linear probe of a trained encoder.

    Features are standardized over the training images, and this is then merged into the weights. The strength of the
    L2 regularization is the one with the best log loss in cross-validation over the training images; 0.1 if a class has
    a single one.

    Parameters
    ----------
    dim : int
        Length of the features.
    n_classes : int
        Number of classes.
    """

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__(dim, n_classes)

    @torch.no_grad()
    def fit(self, features: torch.Tensor, targets: torch.Tensor | np.ndarray) -> LogisticHead:
        """Fit the head to the features of images with a class.

        Parameters
        ----------
        features : Tensor, shape (N, dim)
            Features, which are scaled to unit length.
        targets : Tensor or ndarray of int, shape (N,)
            Class of each image. Images with a negative number have no class and are skipped.

        Raises
        ------
        TrainingError
            If no image has a class.
        """
        labeled, classes = select_labeled(features, targets, "there is nothing to fit the head to")
        x = F.normalize(labeled.double(), dim=1).cpu().numpy()
        center, spread = x.mean(axis=0), x.std(axis=0)
        spread = np.maximum(spread, 1e-3 * spread.mean() + 1e-12)
        present, numbers = np.unique(classes.cpu().numpy(), return_inverse=True)
        weight, bias = _fit_regression((x - center) / spread, numbers, len(present))
        weight = weight / spread
        bias = bias - weight @ center
        self.weight.zero_()
        self.bias.fill_(float(bias.min()) + _ABSENT)
        self.weight[present] = torch.from_numpy(weight).to(self.weight)
        self.bias[present] = torch.from_numpy(bias).to(self.bias)
        return self

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, dim) to logits (N, n_classes)."""
        return super().forward(F.normalize(features, dim=1))


def _fit_regression(x: np.ndarray, targets: np.ndarray, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (n_classes, dim) and biases of the regression with the best strength of regularization."""
    if n_classes == 1:
        return np.zeros((1, x.shape[1])), np.zeros(1)
    make: Any = import_attribute("sklearn.linear_model:LogisticRegression")
    folds = min(_FOLDS, int(np.bincount(targets).min()))
    strength = STRENGTHS[-2]
    if folds > 1:
        score: Any = import_attribute("sklearn.model_selection:cross_val_score")
        losses = [
            score(make(C=each, max_iter=2000), x, targets, cv=folds, scoring="neg_log_loss").mean()
            for each in STRENGTHS
        ]
        strength = STRENGTHS[int(np.argmax(losses))]
    fitted = make(C=strength, max_iter=2000).fit(x, targets)
    weight, bias = fitted.coef_, fitted.intercept_
    if n_classes == 2:  # scikit-learn returns one row
        return np.vstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight, bias


def build(*, dim: int, n_classes: int) -> LogisticHead:
    """Create a head, to be fitted or loaded."""
    return LogisticHead(dim, n_classes)
