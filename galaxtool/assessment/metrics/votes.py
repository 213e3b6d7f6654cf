"""The scores of predicted shares of votes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from galaxtool.assessment.scores_job import DatasetScores
from galaxtool.evaluation.resamples import STRATIFIED_RESAMPLES, StratifiedResamples, make_resampled_entry
from galaxtool.models.record import ModelRecord
from galaxtool.taxonomy.load import build_vote_taxonomy
from galaxtool.taxonomy.votes.load import schema_from_dict
from galaxtool.training.options import TrainOptions
from galaxtool.training.votes import VoteObjective


def measure_votes(
    scores: DatasetScores, votes: np.ndarray, record: ModelRecord, *, seed: int, has_logits: bool
) -> dict[str, Any]:
    """Score predicted shares against votes.

    Parameters
    ----------
    scores : DatasetScores
        Output of the model for N images.
    votes : ndarray of float32, shape (N, A)
        Votes for each answer.
    record : ModelRecord
        Record of the model.
    seed : int
        Random seed of the resamples.
    has_logits : bool
        Whether the outputs of the head are known; without them, as for several views, there is no likelihood.

    Returns
    -------
    dict
        ``n`` images with a vote and a prediction, ``n_votes``, and with intervals of 1,000 resamples of the images:
        ``loss``, the negative log-likelihood of the votes of an image (Dirichlet-multinomial); ``mean_error``, the
        mean absolute difference between the expected and the observed share of an answer, weighted by the votes; and
        ``accuracy``, the share of confident questions whose answer is right, as in `VoteObjective.metrics`.
        ``questions`` has the scores of each question, and in ``answers`` the mean ``observed`` and ``expected`` share
        of each answer and the ``mean_error``, weighted by the votes.
    """
    assert scores.batch.values is not None
    schema = schema_from_dict(record.votes or {}, record.name)
    known = np.isfinite(scores.batch.values).all(axis=1) & votes.any(axis=1)
    expected, given = scores.batch.values[known].astype(np.float64), votes[known].astype(np.float64)
    questions = np.array(schema.question_of_answer)
    compared = _compare(scores.logits[known], expected, given, record, has_logits=has_logits)
    ratios = _Ratios(len(given), seed)
    total = {name: values.sum(axis=1) for name, values in compared.items()}
    measured: dict[str, Any] = {"n": len(given), "n_votes": int(given.sum())}
    if has_logits:
        measured["loss"] = ratios.add(total["loss"], np.ones(len(given)))
    measured["mean_error"] = ratios.add(total["error"], total["votes"])
    measured["accuracy"] = ratios.add(total["right"], total["confident"], is_share=True)
    described = {}
    for q, question in enumerate(schema.questions):
        own = questions == q
        asked = compared["votes"][:, q]
        shares = given[:, own] / np.maximum(asked, 1)[:, None]
        described[question.slug] = {
            "n": int((asked > 0).sum()),
            "n_confident": int(compared["confident"][:, q].sum()),
            "accuracy": ratios.add(compared["right"][:, q], compared["confident"][:, q], is_share=True),
            "mean_error": ratios.add(compared["error"][:, q], asked),
            "answers": {
                answer.slug: {
                    "observed": _average(shares[:, k], asked),
                    "expected": _average(expected[:, own][:, k], asked),
                    "mean_error": _average(np.abs(shares[:, k] - expected[:, own][:, k]), asked),
                }
                for k, answer in enumerate(question.answers)
            },
        }
    ratios.fill()
    return {**measured, "resamples": STRATIFIED_RESAMPLES, "questions": described}


class _Ratios:
    """Ratios of sums over N images with the intervals of resamples, which are all drawn at the end."""

    def __init__(self, n: int, seed: int) -> None:
        self.resamples = StratifiedResamples(np.zeros(n, dtype=int), seed=seed)
        self.entries: list[dict[str, float | None]] = []
        self.columns: list[np.ndarray] = []
        self.share_of: list[int | None] = []

    def add(self, part: np.ndarray, whole: np.ndarray, *, is_share: bool = False) -> dict[str, float | None]:
        """Return the entry of a ratio of sums, (N,) each, which `fill` fills in.

        A share of images has an interval where it is 0 or 1 too, for the number of images that are counted.
        """
        self.columns += [part, whole]
        self.share_of.append(int((whole > 0).sum()) if is_share else None)
        self.entries.append({})
        return self.entries[-1]

    def fill(self) -> None:
        """Fill in all entries."""
        columns = np.column_stack(self.columns)
        drawn = self.resamples.apply([lambda weights: weights @ columns])[0]
        for k, entry in enumerate(self.entries):
            part, whole = columns[:, 2 * k].sum(), columns[:, 2 * k + 1].sum()
            parts, wholes = drawn[:, 2 * k], drawn[:, 2 * k + 1]
            resampled = np.divide(parts, wholes, out=np.full(len(wholes), np.nan), where=wholes > 0)
            value = float(part / whole) if whole else np.nan
            entry.update(make_resampled_entry(value, resampled, share_of=self.share_of[k]))


def _compare(
    logits: np.ndarray, expected: np.ndarray, given: np.ndarray, record: ModelRecord, *, has_logits: bool
) -> dict[str, np.ndarray]:
    """Return loss, votes, error times votes, confident and right of each image and question, float64 (N, Q)."""
    taxonomy = build_vote_taxonomy(schema_from_dict(record.votes or {}, record.name))
    objective = VoteObjective(taxonomy=taxonomy, options=TrainOptions(), targets=given)
    compared = objective.compare_shares(expected, given)
    if has_logits:
        compared["loss"] = objective.compare(torch.from_numpy(logits), given)["loss"]
    return {name: values.astype(np.float64) for name, values in compared.items()}


def _average(values: np.ndarray, weights: np.ndarray) -> float | None:
    return round(float(values @ weights / weights.sum()), 6) if weights.sum() else None
