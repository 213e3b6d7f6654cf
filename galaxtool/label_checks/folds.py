"""Probabilities of the classes of each image, from models that have not seen it nor its piece of sky."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from galaxtool.datasets.splits.leaks import Leaks
from galaxtool.datasets.splits.sky_blocks import MIN_CROWD, cut_into_blocks
from galaxtool.errors import InputError
from galaxtool.types import Progress

_STRENGTH = 0.01
_ITERATIONS = 1000


def draw_folds(leaks: Leaks, targets: np.ndarray, folds: int, separation: float, seed: int) -> np.ndarray:
    """Divide images into folds, such that neighbours on the sky and copies of a file are in the same one.

    Parameters
    ----------
    leaks : Leaks
        Neighbours and copies among the N images.
    targets : ndarray of int, shape (N,)
        Class of each image; the folds have similar mixes of classes.
    folds : int
        Number of folds.
    separation : float
        Distance of neighbours in arcsec; a crowded field, of which everything is a neighbour, is cut into blocks.
    seed : int
        Random seed.

    Returns
    -------
    ndarray of int, shape (N,)
        Number of the fold of each image.

    Raises
    ------
    InputError
        If there are fewer groups of neighbours than folds.
    """
    groups = leaks.groups()
    if np.bincount(groups).max() > len(groups) / folds:
        blocks = cut_into_blocks(leaks, groups, max(MIN_CROWD, len(groups) // folds), separation)
        groups = groups if blocks is None else blocks[0]
    count = len(np.unique(groups))
    if count < folds:
        raise InputError(
            f"The images form {count} group{'' if count == 1 else 's'} of neighbours within {separation:g} arcsec and "
            f"of copies, which cannot be divided into {folds} folds.",
            hint="Give a smaller --separation, or fewer --folds.",
        )
    numbers = np.zeros(len(groups), dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class in fewer groups than folds; its images are not judged
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        for number, (_, held_out) in enumerate(splitter.split(targets, targets, groups)):
            numbers[held_out] = number
    return numbers


def cross_validate(features: np.ndarray, targets: np.ndarray, folds: np.ndarray, progress: Progress) -> np.ndarray:
    """Return the probabilities of the classes of each image, by logistic regressions on the other folds.

    Parameters
    ----------
    features : ndarray, shape (N, dim)
        Features, which are standardized.
    targets : ndarray of int, shape (N,)
        Classes from 0 to K - 1, each of them at least once.
    folds : ndarray of int, shape (N,)
        Number of the fold of each image.
    progress : Progress
        Receives the progress.

    Returns
    -------
    ndarray of float64, shape (N, K)
        NaN in the rows of images whose class is in no other fold.
    """
    numbers = np.unique(folds)
    probabilities = np.zeros((len(targets), int(targets.max()) + 1))
    progress.start("Cross-validating", len(numbers))
    for number in numbers:
        held_out = folds == number
        present = np.unique(targets[~held_out])
        if len(present) > 1:
            model = make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=_ITERATIONS))
            model.fit(features[~held_out], targets[~held_out])
            probabilities[np.ix_(held_out, present)] = model.predict_proba(features[held_out])
        probabilities[held_out & ~np.isin(targets, present)] = np.nan
        if len(present) < 2:
            probabilities[held_out] = np.nan
        progress.advance(1)
    return probabilities
