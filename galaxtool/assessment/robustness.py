"""The accuracy of a model on perturbed images: the work of ``galaxtool evaluate --perturb``."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.assessment.labeled_items import DatasetItem
from galaxtool.assessment.scores_job import DatasetScores
from galaxtool.errors import GalaxtoolError
from galaxtool.evaluation.intervals import make_entry, make_wilson_entry
from galaxtool.evaluation.scores import f1_macro
from galaxtool.types import Cutout
from galaxtool.vision.perturb import AXES, Perturbation, describe_level, is_measured

MOST_IMAGES = 2000
"""Most images that are perturbed; of more, as many are drawn."""

_SAMPLED = 20  # images that are read to find out whether they have measured values

ScoreImages = Callable[[Sequence[DatasetItem], Perturbation | None, Path], DatasetScores]
"""Runs the model on perturbed images, in parts below a path."""


def measure_robustness(
    items: Sequence[DatasetItem],
    targets: np.ndarray,
    perturbations: Sequence[Perturbation],
    read_image: Callable[[DatasetItem], Cutout],
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
    read_image : callable
        Reads one of them; a few are read to find out whether they have measured values.
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
        ``n`` images with a prediction; ``acts_on``, ``values`` (measured values before the stretch), ``pictures`` (what
        the model sees) or ``values and pictures`` if there are images of both kinds; ``axes``, what the levels of each
        kind are; and ``curves``: for each kind, the levels in order, each with its ``level``, ``meaning``, ``accuracy``
        and ``f1_macro``. The first of each kind are the unchanged images.
    """
    labeled = np.flatnonzero(targets >= 0)
    if len(labeled) > MOST_IMAGES:
        labeled = np.sort(np.random.default_rng(seed).choice(labeled, MOST_IMAGES, replace=False))
    chosen, truth = [items[row] for row in labeled.tolist()], targets[labeled]
    scored: dict[Perturbation | None, dict[str, Any]] = {}
    n_read = 0
    for perturbation in (None, *perturbations):
        name = perturbation.name if perturbation else "unchanged"
        values = score_images(chosen, perturbation, folder / name).batch.values
        assert values is not None
        scored[perturbation], count = _score(convert(values), truth)
        n_read = n_read or count  # of the unchanged images, which are the first
    shutil.rmtree(folder, ignore_errors=True)
    kinds = _find_kinds(chosen, read_image)
    measured, curves, kinds_of_curve = True in kinds, {}, list(dict.fromkeys(one.kind for one in perturbations))
    for kind in kinds_of_curve:
        levels = [
            (one.get_level(measured=measured), _describe(one, kinds), scored[one])
            for one in perturbations
            if one.kind == kind
        ]
        neutral = 1.0 if kind in ("crop", "brightness") else 0.0
        rows = [(neutral, "unchanged", scored[None]), *levels]
        ordered = sorted(rows, key=lambda row: row[0], reverse=levels[0][0] > levels[-1][0])
        curves[kind] = [{"level": level, "meaning": meaning, **scores} for level, meaning, scores in ordered]
    return {
        "n": n_read,
        "acts_on": " and ".join(["values"] * measured + ["pictures"] * (False in kinds)),
        "axes": {kind: AXES[kind][measured] for kind in kinds_of_curve},
        "curves": curves,
    }


def _find_kinds(items: Sequence[DatasetItem], read_image: Callable[[DatasetItem], Cutout]) -> set[bool]:
    """Return whether images have measured values, of a few that are spread over all; {False} if none can be read."""
    kinds = set()
    for number in range(0, len(items), max(1, len(items) // _SAMPLED)):
        with suppress(GalaxtoolError):
            kinds.add(is_measured(read_image(items[number])))
    return kinds or {False}


def _describe(perturbation: Perturbation, kinds: set[bool]) -> str:
    """Return what a perturbation does to images with measured values, to pictures, or to both."""
    texts = [
        describe_level(perturbation.kind, perturbation.get_level(measured=measured), measured=measured)
        for measured in sorted(kinds, reverse=True)
    ]
    return "; of pictures: ".join(dict.fromkeys(texts))


def _score(probabilities: np.ndarray, targets: np.ndarray) -> tuple[dict[str, Any], int]:
    """Return the scores of the images with a prediction, and their number."""
    known = np.isfinite(probabilities).all(axis=1)
    probabilities, targets = probabilities[known], targets[known]
    if not len(targets):
        return {"accuracy": make_entry(np.nan, np.nan, np.nan), "f1_macro": None}, 0
    right = probabilities.argmax(axis=1) == targets
    scores = {
        "accuracy": make_wilson_entry(float(right.mean()), len(targets)),
        "f1_macro": round(f1_macro(probabilities, targets), 6),
    }
    return scores, len(targets)
