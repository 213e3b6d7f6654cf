"""The objective of a head that predicts volunteers' votes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from galaxtool.errors import TrainingError
from galaxtool.evaluation.intervals import make_bootstrap_entry
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.training.losses.dirichlet import (
    compute_concentrations,
    compute_expected_fractions,
    dirichlet_multinomial_nll,
)
from galaxtool.training.options import TrainOptions

CONFIDENT_VOTES, CONFIDENT_SHARE = 5, 0.8
"""Least number of volunteers who were asked, and least share of them who agree, for an answer that counts as true."""


class VoteObjective:
    """Objective for items with votes for the answers of a decision tree: the Dirichlet-multinomial likelihood.

    Parameters
    ----------
    taxonomy : Taxonomy
        Taxonomy of a vote schema with A answers to Q questions, see `galaxtool.taxonomy.load.build_vote_taxonomy`.
    options : TrainOptions
        Options of the training.
    targets : ndarray of float32, shape (N, A)
        Votes of the training split.

    Raises
    ------
    TrainingError
        If the taxonomy does not come from a schema, no image has a vote, or an option is for classes only.
    """

    def __init__(self, *, taxonomy: Taxonomy, options: TrainOptions, targets: np.ndarray) -> None:
        if taxonomy.votes is None:
            raise TrainingError(
                f"The classes of '{taxonomy.name}' are not answers that volunteers voted for.",
                hint="Name the questions with --votes gz2, gz-decals or a TOML file, or use another --head.",
            )
        for option, neutral in (("class_weights", "none"), ("label_smoothing", 0.0)):
            if getattr(options, option) != neutral:
                raise TrainingError(
                    f"--{option.replace('_', '-')} is for classes, and votes are learned.", hint="Leave it out."
                )
        if not np.any(targets):
            raise TrainingError("None of the training images has a vote.", hint="Check --where and the given splits.")
        self.n_outputs = len(taxonomy)
        self.question_slugs = tuple(question.slug for question in taxonomy.votes.questions)
        self.questions = torch.tensor(taxonomy.votes.question_of_answer)
        self._asked = float(np.any(targets, axis=1).mean())

    def weights(self, targets: torch.Tensor) -> None:
        """Return None: all items count alike, and more votes already make a likelihood steeper."""

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the negative log-likelihood of the votes, summed over questions, as a mean over items with votes.

        The number of these is that to be expected from the training split, so that parts of a batch add up to it.
        """
        return (self._compute_nll(logits, targets).sum(dim=1).mean() / self._asked).float()

    def validate(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, float]:
        """Return the loss, and the mean difference between expected and observed shares, weighted by votes.

        Items without votes are left out.
        """
        comparison = self.compare(*_select_asked(logits, targets))
        return {
            "valid_loss": float(comparison["loss"].sum(axis=1).mean()),
            "valid_mean_error": _divide(comparison["error"], comparison["votes"]),
        }

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Rank by the loss."""
        return (-row["valid_loss"],)

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> float:
        """Return 1: the likelihood already fits the spread of the votes."""
        return 1.0

    def metrics(
        self, logits: torch.Tensor, targets: np.ndarray, embeddings: np.ndarray, *, temperature: float, seed: int
    ) -> dict[str, Any]:
        """Score predictions against votes; items without votes are left out.

        Parameters
        ----------
        logits : Tensor, shape (N, A)
            Outputs of the head.
        targets : ndarray, shape (N, A)
            Numbers of votes.
        embeddings : ndarray
            Not used.
        temperature : float
            Divisor of the logits.
        seed : int
            Random seed of the bootstrap.

        Returns
        -------
        dict
            ``n`` items with votes and ``n_votes``. As ``{"value", "low", "high"}``, with percentiles of 200 bootstrap
            resamples of the images: ``loss`` (negative log-likelihood of an image), ``mean_error`` (difference between
            the expected and the observed share of an answer, weighted by votes) and ``accuracy`` (share of questions
            whose answer with the largest expected share is that of the volunteers, among those where at least 5 were
            asked and at least 80 % agree). ``questions``: for each question, ``n`` images on which it was asked,
            ``n_confident``, ``accuracy`` and ``mean_error``. Undefined values are None.
        """
        logits, targets = _select_asked(logits, targets)
        comparison = self.compare(logits / temperature, targets)
        loss = comparison["loss"].sum(axis=1)
        all_questions = slice(None)
        return {
            "n": len(targets),
            "n_votes": int(targets.sum()),
            "loss": make_bootstrap_entry(lambda i: float(loss[i].mean()), len(loss), seed),
            "mean_error": _score_ratio(comparison, "error", "votes", all_questions, seed),
            "accuracy": _score_ratio(comparison, "right", "confident", all_questions, seed),
            "questions": {
                slug: {
                    "n": int((comparison["votes"][:, q] > 0).sum()),
                    "n_confident": int(comparison["confident"][:, q].sum()),
                    "accuracy": _score_ratio(comparison, "right", "confident", q, seed),
                    "mean_error": _score_ratio(comparison, "error", "votes", q, seed),
                }
                for q, slug in enumerate(self.question_slugs)
            },
        }

    def _compute_nll(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the negative log-likelihood of each item and question, (N, Q)."""
        # differences of large logarithms need float64, which Apple's GPUs do not have
        exact = torch.float32 if logits.device.type == "mps" else torch.float64
        alpha = compute_concentrations(logits.to(exact))
        return dirichlet_multinomial_nll(alpha, targets.to(exact), self.questions)

    def compare(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, np.ndarray]:
        """Return, for each item and question, (N, Q): loss, votes, error times votes, confident, right."""
        expected = compute_expected_fractions(compute_concentrations(logits.double()), self.questions).numpy()
        loss = self._compute_nll(logits, torch.from_numpy(targets.astype(np.float64))).numpy()
        return {"loss": loss, **self.compare_shares(expected, targets)}

    def compare_shares(self, expected: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
        """Return what `compare` does but the loss, given the expected share of each answer, (N, A)."""
        given = targets.astype(np.float64)
        shape = (len(given), len(self.question_slugs))
        votes, error = np.zeros(shape), np.zeros(shape)
        confident, right = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        for q in range(shape[1]):
            answers = (self.questions == q).numpy()
            mine, theirs = expected[:, answers], given[:, answers]
            votes[:, q] = theirs.sum(axis=1)
            share = theirs / np.maximum(votes[:, q : q + 1], 1)
            error[:, q] = np.abs(mine - share).mean(axis=1) * votes[:, q]
            confident[:, q] = (votes[:, q] >= CONFIDENT_VOTES) & (share.max(axis=1) >= CONFIDENT_SHARE)
            right[:, q] = confident[:, q] & (mine.argmax(axis=1) == theirs.argmax(axis=1))
        return {"votes": votes, "error": error, "confident": confident, "right": right}


def _select_asked(logits: torch.Tensor, targets: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
    """Return the logits and the votes of the items with a vote."""
    asked = targets.any(axis=1)
    return logits[torch.from_numpy(asked)], targets[asked]


def _score_ratio(
    comparison: Mapping[str, np.ndarray], part: str, whole: str, q: int | slice, seed: int
) -> dict[str, Any]:
    """Return the ratio of two sums over one question or over all, with its interval."""
    parts, wholes = (comparison[name][:, q].reshape(len(comparison[name]), -1).sum(axis=1) for name in (part, whole))
    share_of = int((wholes > 0).sum()) if part == "right" else None
    return make_bootstrap_entry(lambda i: _divide(parts[i], wholes[i]), len(parts), seed, share_of=share_of)


def _divide(part: np.ndarray, whole: np.ndarray) -> float:
    total = whole.sum()
    return float(part.sum() / total) if total else float("nan")
