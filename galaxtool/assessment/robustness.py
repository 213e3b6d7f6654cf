"""The accuracy of a model on perturbed images: the work of ``galaxtool evaluate --perturb``."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.assessment.labeled_items import DatasetItem
from galaxtool.assessment.scores_job import DatasetScores
from galaxtool.evaluation.intervals import make_entry, make_wilson_entry
from galaxtool.evaluation.scores import f1_macro
from galaxtool.vision.perturb import LEVELS, Perturbation, describe_level

MOST_IMAGES = 2000
"""Most images that are perturbed; of more, as many are drawn."""

ScoreImages = Callable[[Sequence[DatasetItem], Perturbation | None, Path], DatasetScores]
"""Runs the model on perturbed images, in parts below a path."""


def measure_robustness(
    items: Sequence[DatasetItem],
    targets: np.ndarray,
    perturbations: Sequence[Perturbation],
    score_images: ScoreImages,
    convert: Callable[[np.ndarray], np.ndarray],
    *,
    folder: Path,
    seed: int,
) -> dict[str, Any]:
    """Score perturbed images.

    Parameters
    ----------
    items : sequence of DatasetItem
        The images.
    targets : ndarray of int, shape (N,)
        Their true classes; -1 for an image that is not scored.
    perturbations : sequence of Perturbation
        What is done to them.
    score_images : callable
        Runs the model.
    convert : callable
        Returns the probabilities of the classes of `targets` from those of the model.
    folder : Path
        Folder for the parts, which is removed at the end.
    seed : int
        Random seed of the choice of images, if there are too many.

    Returns
    -------
    dict
        ``n`` images, and ``curves``: for each kind, the levels in order, each with its ``level``, ``meaning``,
        ``accuracy`` and ``f1_macro``. The first of each kind are the unchanged images.
    """
    labeled = np.flatnonzero(targets >= 0)
    if len(labeled) > MOST_IMAGES:
        labeled = np.sort(np.random.default_rng(seed).choice(labeled, MOST_IMAGES, replace=False))
    chosen, truth = [items[row] for row in labeled.tolist()], targets[labeled]
    scored: dict[Perturbation | None, dict[str, Any]] = {}
    for perturbation in (None, *perturbations):
        name = perturbation.name if perturbation else "unchanged"
        values = score_images(chosen, perturbation, folder / name).batch.values
        assert values is not None
        scored[perturbation] = _score(convert(values), truth)
    shutil.rmtree(folder, ignore_errors=True)
    curves = {}
    for kind in dict.fromkeys(one.kind for one in perturbations):
        levels = [
            (one.level, describe_level(kind, one.level), scored[one]) for one in perturbations if one.kind == kind
        ]
        neutral = 1.0 if kind in ("crop", "brightness") else 0.0
        rows = [(neutral, "unchanged", scored[None]), *levels]
        ordered = sorted(rows, key=lambda row: row[0], reverse=LEVELS[kind][0] > LEVELS[kind][-1])
        curves[kind] = [{"level": level, "meaning": meaning, **scores} for level, meaning, scores in ordered]
    return {"n": len(chosen), "curves": curves}


def _score(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    known = np.isfinite(probabilities).all(axis=1)
    probabilities, targets = probabilities[known], targets[known]
    if not len(targets):
        return {"accuracy": make_entry(np.nan, np.nan, np.nan), "f1_macro": None}
    right = probabilities.argmax(axis=1) == targets
    return {
        "accuracy": make_wilson_entry(float(right.mean()), len(targets)),
        "f1_macro": round(f1_macro(probabilities, targets), 6),
    }
