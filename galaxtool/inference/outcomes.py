"""List the possible labels of a model whose labels are not its classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from galaxtool.models.record import ModelRecord
from galaxtool.taxonomy.votes.endings import compute_ending_probabilities, find_leading_endings
from galaxtool.taxonomy.votes.load import schema_from_dict


@dataclass(frozen=True)
class Outcomes:
    """The possible labels of N objects.

    Parameters
    ----------
    slugs : tuple of L str
        What an object can be labelled as.
    probabilities : ndarray, shape (N, L)
        Probability of each; NaN throughout a row without a prediction.
    chosen : ndarray of int, shape (N,)
        Index of the label of each object.
    """

    slugs: tuple[str, ...]
    probabilities: np.ndarray
    chosen: np.ndarray


def find_outcomes(record: ModelRecord, probabilities: np.ndarray) -> Outcomes | None:
    """Return the ends of a model's decision tree and their probabilities.

    Parameters
    ----------
    record : ModelRecord
        Record of the model.
    probabilities : ndarray, shape (N, K)
        Output of its engine; NaN throughout a row without a prediction.

    Returns
    -------
    Outcomes or None
        See `galaxtool.taxonomy.votes.endings`; None for a model whose labels are its classes.
    """
    if record.votes is None:
        return None
    schema = schema_from_dict(record.votes, record.name)
    slugs, chances = compute_ending_probabilities(probabilities, schema)
    return Outcomes(slugs, chances, find_leading_endings(probabilities, schema))
