"""The content of ``metrics.json`` of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import Table

from galaxtool.assessment.gallery import Gallery
from galaxtool.assessment.metrics.by_column import read_numbers, tabulate_by_column
from galaxtool.assessment.metrics.classes import Predictions, measure_classes
from galaxtool.assessment.metrics.reliability import tabulate_reliability
from galaxtool.assessment.metrics.retrieval import measure_embeddings
from galaxtool.assessment.scores_job import DatasetScores
from galaxtool.assessment.truth import Truth
from galaxtool.errors import InputError
from galaxtool.evaluation.class_scores import list_small_classes
from galaxtool.evaluation.cross_fit import CrossFit
from galaxtool.evaluation.limits import MIN_CALIBRATED, MIN_OF_CLASS
from galaxtool.evaluation.resamples import STRATIFIED_RESAMPLES
from galaxtool.types import Progress

MOST_QUERIES = 20_000
"""Most images of which retrieval is measured; of more, as many are drawn, with the same share of each class."""

FEWEST_QUERIES, MOST_PAIRS = 1000, MOST_QUERIES**2
"""Queries in a large gallery: as many as give the most pairs of a query and an image of the gallery, or the fewest."""


def measure_evaluation(
    table: Table,
    truth: Truth,
    scores: DatasetScores,
    gallery: Gallery | None = None,
    *,
    by: Sequence[str],
    cross_fit: CrossFit | None,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """Return all scores of an evaluation.

    Parameters
    ----------
    table : Table
        Prediction table of the N images.
    truth : Truth
        Their true classes.
    scores : DatasetScores
        Their embeddings.
    gallery : Gallery, optional
        What they are looked up in; by default each among the others.
    by : sequence of str
        Columns by which the accuracy is tabulated.
    cross_fit : CrossFit or None
        Temperatures that were not fitted to the image, if that of the model was.
    seed : int
        Random seed of the resamples.
    progress : Progress
        Receiver of the progress.
    """
    slugs = truth.slugs
    every = get_probabilities(table, slugs)
    known = (truth.targets >= 0) & np.isfinite(every).all(axis=1)
    targets, probabilities = truth.targets[known], every[known]
    if len(np.unique(targets)) < 2:
        raise InputError(
            f"Only {len(targets)} images have both a label and a prediction, and not of two classes.",
            hint="The column error of predictions.parquet says why images cannot be read.",
        )
    calibrated = probabilities if cross_fit is None else cross_fit.recalibrate(probabilities, targets)
    predictions = Predictions(slugs, targets, probabilities, calibrated)
    columns = {name: read_numbers(table, name)[known] for name in by}
    measured = measure_classes(predictions, seed=seed, progress=progress)
    found = _measure_embeddings(scores, targets, known, gallery, seed=seed, progress=progress)
    classes, confusion = measured.pop("classes"), measured.pop("confusion")
    retrieval = found.pop("retrieval")
    small = list_small_classes({slug: one["n"] for slug, one in classes.items() if one["n"]})
    predicted = probabilities.argmax(axis=1)
    return {
        "n": len(targets),
        **measured,
        **found,
        "resamples": STRATIFIED_RESAMPLES,
        "classes": classes,
        "confusion": confusion,
        "retrieval": retrieval,
        "calibration": {
            "cross_fitted": cross_fit is not None,
            **({} if cross_fit is None else cross_fit.as_dict()),
            "measurable": len(targets) >= MIN_CALIBRATED,
            "reliability": tabulate_reliability(calibrated, targets),
        },
        **({"by": {name: tabulate_by_column(columns[name], predicted, targets) for name in by}} if by else {}),
        **({"remark": f"Fewer than {MIN_OF_CLASS} images of {small}: these scores say little."} if small else {}),
    }


def measure_retrieval_alone(
    truth: Truth, scores: DatasetScores, gallery: Gallery | None = None, *, seed: int, progress: Progress
) -> dict[str, Any]:
    """Return the scores of a model without classes: those of its embeddings."""
    known = (truth.targets >= 0) & np.isfinite(scores.embeddings).all(axis=1)
    targets = truth.targets[known]
    if not len(targets):
        raise InputError(
            "No image has both a label and an embedding.",
            hint="The column error of predictions.parquet says why images cannot be read.",
        )
    found = _measure_embeddings(scores, targets, known, gallery, seed=seed, progress=progress)
    return {"n": len(targets), "resamples": STRATIFIED_RESAMPLES, **found}


def _measure_embeddings(
    scores: DatasetScores,
    targets: np.ndarray,
    known: np.ndarray,
    gallery: Gallery | None,
    *,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    most = (
        MOST_QUERIES if gallery is None else min(MOST_QUERIES, max(FEWEST_QUERIES, MOST_PAIRS // len(gallery.targets)))
    )
    chosen = draw_queries(targets, seed, most)
    norms = None if scores.norms is None else scores.norms[known][chosen]
    among = None if gallery is None else gallery.take_queries(known).take_queries(chosen)
    found = measure_embeddings(
        scores.embeddings[known][chosen], norms, targets[chosen], among, seed=seed, progress=progress
    )
    if len(chosen) < len(targets):
        found["retrieval"]["queries"] = (
            f"{len(chosen):,} of the {len(targets):,} images with a label and a prediction, drawn at random with the "
            "same share of each class"
        )
    return found


def get_probabilities(table: Table, slugs: Sequence[str]) -> np.ndarray:
    """Return the probabilities of the classes in a prediction table, float64 (N, K), NaN in rows without any."""
    return np.column_stack([np.ma.filled(table[f"p_{slug}"].astype(float), np.nan) for slug in slugs])


def draw_queries(targets: np.ndarray, seed: int, most: int = MOST_QUERIES) -> np.ndarray:
    """Return the images of which retrieval is measured: all, or a random choice with the same share of each class."""
    n = len(targets)
    if n <= most:
        return np.arange(n)
    order = np.random.default_rng(seed).permutation(n)
    by_class = order[np.argsort(targets[order], kind="stable")]
    # every n / most-th image in the order of the classes
    return np.sort(by_class[(np.arange(most) * n) // most])
