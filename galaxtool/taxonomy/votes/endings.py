"""The endings of a decision tree: what an object is called, given the vote fractions of all answers."""

from __future__ import annotations

import numpy as np

from galaxtool.taxonomy.votes.schema import VoteSchema


def compute_ending_probabilities(fractions: np.ndarray, schema: VoteSchema) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the endings of a schema and their probabilities.

    Parameters
    ----------
    fractions : ndarray, shape (N, A)
        Expected fraction of its question's votes for each answer; NaN where unknown.
    schema : VoteSchema
        Schema with A answers.

    Returns
    -------
    slugs : tuple of L str
        Final answers, as in `VoteSchema.endings`.
    probabilities : ndarray, shape (N, L)
        Product of the fractions along the path to each ending; rows sum to 1. NaN where a fraction is NaN.
    """
    endings = schema.endings()
    return tuple(endings), np.stack([fractions[:, list(path)].prod(axis=1) for path in endings.values()], axis=1)


def find_leading_endings(fractions: np.ndarray, schema: VoteSchema) -> np.ndarray:
    """Return the ending that each object reaches by following the leading answer from the first question on.

    Unlike the most probable ending, this does not depend on the number of endings after an answer: an answer with a
    fraction above one half is always followed, however many questions come after it. The catalogues of Galaxy Zoo are
    mostly used in this way.

    Parameters
    ----------
    fractions : ndarray, shape (N, A)
        Expected fraction of its question's votes for each answer; NaN where unknown.
    schema : VoteSchema
        Schema with A answers.

    Returns
    -------
    ndarray of int, shape (N,)
        Index into `VoteSchema.endings`. The first of equal answers leads; 0 where a fraction is NaN.
    """
    known = np.isfinite(fractions).all(axis=1)
    question = np.array(schema.question_of_answer)
    leads = np.zeros(fractions.shape, dtype=bool)
    for q in range(len(schema.questions)):
        answers = np.flatnonzero(question == q)
        leads[np.arange(len(leads)), answers[fractions[:, answers].argmax(axis=1)]] = True
    reached = np.stack([leads[:, list(path)].all(axis=1) for path in schema.endings().values()], axis=1)
    return np.where(known, reached.argmax(axis=1), 0)
