"""The head that predicts the votes of volunteers for the answers of a decision tree."""

from __future__ import annotations

import torch
from torch import nn

from galaxtool.errors import ConfigError
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.training.dirichlet import compute_concentrations, compute_expected_fractions


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
    """

    questions: torch.Tensor

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__(dim, n_classes)
        self.register_buffer("questions", torch.zeros(n_classes, dtype=torch.int64))

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

    def probabilities(self, logits: torch.Tensor, temperature: float) -> torch.Tensor:
        """Return the expected share of each answer in the votes for its question, (N, A), from logits (N, A)."""
        return compute_expected_fractions(compute_concentrations(logits / temperature), self.questions)


def build(*, dim: int, n_classes: int) -> VotesHead:
    """Create the head."""
    return VotesHead(dim, n_classes)
