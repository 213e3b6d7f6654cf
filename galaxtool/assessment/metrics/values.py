"""Score a model of numbers against the true values."""

from __future__ import annotations

from typing import Any

import numpy as np

from galaxtool.assessment.scores_job import DatasetScores
from galaxtool.evaluation.cross_fit import CrossFit
from galaxtool.evaluation.regression_scores import measure_quantity
from galaxtool.models.record import ModelRecord
from galaxtool.taxonomy.quantities import quantities_from_dict


def measure_values(
    scores: DatasetScores, values: np.ndarray, record: ModelRecord, *, cross_fit: CrossFit | None = None, seed: int
) -> dict[str, Any]:
    """Score predictions of numbers.

    Parameters
    ----------
    scores : DatasetScores
        Output of the model for N images; the values of its batch are three quantiles of each quantity.
    values : ndarray of float64, shape (N, T)
        True values, NaN where there is none.
    record : ModelRecord
        Record of the model.
    cross_fit : CrossFit, optional
        Error bars that were not fitted to the image, if those of the model were.
    seed : int
        Random seed of the bootstrap.

    Returns
    -------
    dict
        ``n``, the number of images with a value and a prediction, and ``quantities``: for each, its ``unit`` and the
        scores of `galaxtool.evaluation.regression_scores.measure_quantity`.
    """
    quantities = quantities_from_dict(record.regression or {}, record.name)
    predicted = scores.batch.values
    assert predicted is not None
    known = np.isfinite(predicted).all(axis=1) & np.isfinite(values).any(axis=1)
    triples = predicted.reshape(len(predicted), -1, 3).astype(np.float64)
    if cross_fit is not None:
        triples = cross_fit.restretch(triples, values)
    measured = {}
    for number, quantity in enumerate(quantities):
        low, middle, high = triples[:, number].T
        scored = measure_quantity(middle, low, high, values[:, number], slug=quantity.slug, seed=seed)
        measured[quantity.slug] = {"unit": quantity.unit, **scored}
    return {"n": int(known.sum()), "quantities": measured}
