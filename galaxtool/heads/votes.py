"""The head that predicts the votes of volunteers for the answers of a decision tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.errors import ConfigError
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.training.losses.dirichlet import compute_concentrations, compute_expected_fractions


class VotesHead(nn.Linear):
    """A linear layer whose outputs are the logits of Dirichlet concentrations, one for each answer.

    Parameters
    ----------
    dim : int
        Length of the features.
    n_classes : int
        Number of answers, A.

    Attributes
    ----------
    questions : Tensor of int64, shape (A,)
        Number of the question that each answer belongs to; 0 for all until `set_taxonomy` is called.
    dropout : Tensor, a scalar
        Share of the features that is dropped in training, and in `sample`; 0 until `set_dropout` is called.
    """

    questions: torch.Tensor
    dropout: torch.Tensor

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__(dim, n_classes)
        self.register_buffer("questions", torch.zeros(n_classes, dtype=torch.int64))
        self.register_buffer("dropout", torch.zeros(()))
        self._rate = 0.0

    def set_taxonomy(self, taxonomy: Taxonomy) -> None:
        """Store which answers belong to the same question.

        Raises
        ------
        ConfigError
            If the taxonomy's classes are not the answers of a vote schema.
        """
        if taxonomy.votes is None:
            raise ConfigError(
                f"The classes of '{taxonomy.name}' are not answers to questions, as the head 'votes' needs them.",
                hint="Name the questions with --votes gz2, gz-decals or a TOML file, or use another --head.",
            )
        self.questions.copy_(torch.tensor(taxonomy.votes.question_of_answer))

    def set_dropout(self, rate: float) -> None:
        """Store the share of the features to drop in training, in [0, 1)."""
        self._rate = rate
        self.dropout.fill_(rate)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, dim) to logits (N, A); in training, features are dropped."""
        if self.training and self._rate:
            features = F.dropout(features, self._rate)
        return super().forward(features)

    def sample(self, features: torch.Tensor, passes: int, temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean expected shares over passes with dropout, and their standard deviation, both (N, A).

        The features that each pass drops are the same for all images and in every call, so that results can be
        repeated, and do not depend on the order of the images.
        """
        rate = float(self.dropout)
        generator = torch.Generator().manual_seed(0)
        kept = (torch.rand((passes, self.in_features), generator=generator) >= rate).float() / (1 - rate)
        shares = torch.stack([
            self.probabilities(super(VotesHead, self).forward(features * one), temperature)
            for one in kept.to(features.device)
        ])  # fmt: skip
        return shares.mean(dim=0), shares.std(dim=0)

    def _load_from_state_dict(self, state: Mapping[str, Any], prefix: str, *args: Any) -> None:
        """Load a state, also one of before heads had dropout."""
        rate = state.get(f"{prefix}dropout", torch.zeros(()))
        super()._load_from_state_dict({**state, f"{prefix}dropout": rate}, prefix, *args)
        self._rate = float(self.dropout)

    def probabilities(self, logits: torch.Tensor, temperature: float) -> torch.Tensor:
        """Return the expected share of each answer in the votes for its question, (N, A), from logits (N, A)."""
        return compute_expected_fractions(compute_concentrations(logits / temperature), self.questions)


def build(*, dim: int, n_classes: int) -> VotesHead:
    """Create the head."""
    return VotesHead(dim, n_classes)
