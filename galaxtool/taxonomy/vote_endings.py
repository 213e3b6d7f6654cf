"""What an object is called by the shares of the votes that it may expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galaxtool.taxonomy.vote_schema import VoteSchema

if TYPE_CHECKING:
    import numpy as np


def ending_probabilities(fractions: np.ndarray, schema: VoteSchema) -> tuple[tuple[str, ...], np.ndarray]:
    """Return what objects may be called, and how probable that is.

    Parameters
    ----------
    fractions : ndarray, shape (N, A)
        Share of its question's votes that each answer may expect; NaN where unknown.
    schema : VoteSchema
        A answers.

    Returns
    -------
    slugs : tuple of L str
        Answers at which `VoteSchema.endings` ends.
    probabilities : ndarray, shape (N, L)
        Product of the shares of the answers on the way; they add up to 1. NaN where a share is.
    """
    import numpy as np

    endings = schema.endings()
    return tuple(endings), np.stack([fractions[:, list(way)].prod(axis=1) for way in endings.values()], axis=1)


def leading_endings(fractions: np.ndarray, schema: VoteSchema) -> np.ndarray:
    """Return where objects end that follow the leading answer from the first question on.

    Unlike the most probable end, this does not depend on how many ends an answer has: one with a share above half is
    always followed, however finely the questions after it divide it. Galaxy Zoo's catalogues are mostly read like this.

    Parameters
    ----------
    fractions : ndarray, shape (N, A)
        Share of its question's votes that each answer may expect; NaN where unknown.
    schema : VoteSchema
        A answers.

    Returns
    -------
    ndarray of int, shape (N,)
        Places in `VoteSchema.endings`. Of answers with the same share the first leads; 0 where a share is NaN.
    """
    import numpy as np

    known = np.isfinite(fractions).all(axis=1)
    question = np.array(schema.question_of_answer)
    leads = np.zeros(fractions.shape, dtype=bool)
    for q in range(len(schema.questions)):
        answers = np.flatnonzero(question == q)
        leads[np.arange(len(leads)), answers[fractions[:, answers].argmax(axis=1)]] = True
    followed = np.stack([leads[:, list(way)].all(axis=1) for way in schema.endings().values()], axis=1)
    return np.where(known, followed.argmax(axis=1), 0)
