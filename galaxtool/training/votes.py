"""What a head that predicts volunteers' votes is trained and judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from galaxtool.errors import TrainingError
from galaxtool.evaluation.intervals import bootstrap_entry
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.training.dirichlet import concentrations, dirichlet_multinomial_nll, expected_fractions
from galaxtool.training.options import TrainOptions

CONFIDENT_VOTES, CONFIDENT_SHARE = 5, 0.8
"""An answer is taken for true where so many volunteers or more were asked, and this share of them or more gave it."""


class VoteObjective:
    """Each item has votes for the answers of a decision tree: the Dirichlet-multinomial likelihood.

    Parameters
    ----------
    taxonomy : Taxonomy
        Taxonomy of a vote schema with A answers to Q questions, see `galaxtool.taxonomy.load.build_vote_taxonomy`.
    options : TrainOptions
    targets : ndarray of float32, shape (N, A)
        Votes in the training split.

    Raises
    ------
    TrainingError
        If the taxonomy is not of a schema, nobody voted on any item, or an option is for classes only.
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

    def weights(self, targets: torch.Tensor) -> None:
        """All count alike; an item with more votes says more by itself."""

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the negative log-likelihood of an item's votes, added up over the questions; the mean over items."""
        return self._each(logits, targets).sum(dim=1).mean().float()

    def validate(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, float]:
        """Return the loss, and the mean difference between expected and observed shares, weighted by votes."""
        judged = self._judge(logits, targets)
        return {
            "valid_loss": float(judged["loss"].sum(axis=1).mean()),
            "valid_mean_error": _ratio(judged["error"], judged["votes"]),
        }

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """The loss decides."""
        return (-row["valid_loss"],)

    def calibrate(self, logits: torch.Tensor, targets: np.ndarray) -> float:
        """Return 1: the likelihood fits the spread of the votes already."""
        return 1.0

    def metrics(
        self, logits: torch.Tensor, targets: np.ndarray, embeddings: np.ndarray, *, temperature: float, seed: int
    ) -> dict[str, Any]:
        """Score predictions against votes.

        Parameters
        ----------
        logits : Tensor, shape (N, A)
        targets : ndarray, shape (N, A)
            Votes.
        embeddings : ndarray
            Not used.
        temperature : float
        seed : int
            Of the bootstrap.

        Returns
        -------
        dict
            ``n`` and ``n_votes``. As ``{"value", "low", "high"}``, with percentiles of 200 bootstrap resamples of the
            images: ``loss`` (an image's negative log-likelihood), ``mean_error`` (difference between an answer's
            expected and observed share, weighted by votes) and ``accuracy`` (whether the answer with the largest
            expected share is the volunteers', where 5 or more were asked and 80 % or more agree). ``questions``: for
            each, ``n`` images on which it was asked, ``n_confident``, ``accuracy`` and ``mean_error``. What is not
            defined is None.
        """
        judged = self._judge(logits / temperature, targets)
        loss = judged["loss"].sum(axis=1)
        every = slice(None)
        return {
            "n": len(targets),
            "n_votes": int(targets.sum()),
            "loss": bootstrap_entry(lambda i: float(loss[i].mean()), len(loss), seed),
            "mean_error": _scored(judged, "error", "votes", every, seed),
            "accuracy": _scored(judged, "right", "confident", every, seed),
            "questions": {
                slug: {
                    "n": int((judged["votes"][:, q] > 0).sum()),
                    "n_confident": int(judged["confident"][:, q].sum()),
                    "accuracy": _scored(judged, "right", "confident", q, seed),
                    "mean_error": _scored(judged, "error", "votes", q, seed),
                }
                for q, slug in enumerate(self.question_slugs)
            },
        }

    def _each(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the negative log-likelihood of each item and question, (N, Q)."""
        # differences of large logarithms; Apple's GPUs know no float64
        exact = torch.float32 if logits.device.type == "mps" else torch.float64
        alpha = concentrations(logits.to(exact))
        return dirichlet_multinomial_nll(alpha, targets.to(exact), self.questions)

    def _judge(self, logits: torch.Tensor, targets: np.ndarray) -> dict[str, np.ndarray]:
        """Return, for each item and question, (N, Q): loss, votes, error times votes, confident, right."""
        expected = expected_fractions(concentrations(logits.double()), self.questions).numpy()
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
        loss = self._each(logits, torch.from_numpy(given)).numpy()
        return {"loss": loss, "votes": votes, "error": error, "confident": confident, "right": right}


def _scored(judged: Mapping[str, np.ndarray], part: str, whole: str, q: int | slice, seed: int) -> dict[str, Any]:
    """Return the sum of one over the sum of another, with its interval, over one question or all."""
    parts, wholes = (judged[name][:, q].reshape(len(judged[name]), -1).sum(axis=1) for name in (part, whole))
    return bootstrap_entry(lambda i: _ratio(parts[i], wholes[i]), len(parts), seed)


def _ratio(part: np.ndarray, whole: np.ndarray) -> float:
    total = whole.sum()
    return float(part.sum() / total) if total else float("nan")
