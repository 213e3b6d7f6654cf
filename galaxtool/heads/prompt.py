"""The prompt head, which scores classes by the similarity of an image to their prompts and symbols."""

from __future__ import annotations

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

SCORES = {"prompt": (1.0, 0.0), "symbol": (0.0, 1.0), "both": (0.5, 0.5)}
"""Weights of the similarities to the prompt and to the symbol, by the name of the score."""


class PromptHead(nn.Module):
    """Cosine similarity to fixed class embeddings, divided by the learned temperature.

    Parameters
    ----------
    dim : int
        Length of an embedding.
    n_classes : int
        Number of classes.

    Attributes
    ----------
    prompts, symbols : Tensor, shape (n_classes, dim)
        Embeddings of unit length. Symbols are zero if the method has none.
    weights : Tensor, shape (2,)
        Weights of the similarities to the prompt and to the symbol: (1, 0), (0, 1) or (0.5, 0.5).
    log_scale : Tensor, scalar
        Logarithm of 1 / tau.
    """

    prompts: torch.Tensor
    symbols: torch.Tensor
    weights: torch.Tensor
    log_scale: torch.Tensor

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__()
        self.register_buffer("prompts", torch.zeros(n_classes, dim))
        self.register_buffer("symbols", torch.zeros(n_classes, dim))
        self.register_buffer("weights", torch.tensor([1.0, 0.0]))
        self.register_buffer("log_scale", torch.tensor(math.log(1 / 0.07)))

    def fill(
        self, *, prompts: torch.Tensor, symbols: torch.Tensor | None, log_scale: torch.Tensor, score: str
    ) -> PromptHead:
        """Set the class embeddings, which are scaled to unit length.

        Parameters
        ----------
        prompts : Tensor, shape (n_classes, dim)
            Embeddings of the prompts.
        symbols : Tensor, shape (n_classes, dim), or None
            Embeddings of the symbols. Without them, `score` is ignored and the prompts are used.
        log_scale : Tensor, scalar
            Logarithm of 1 / tau.
        score : {"prompt", "symbol", "both"}
            Embeddings to compare images with.
        """
        self.prompts.copy_(F.normalize(prompts.detach().float(), dim=1))
        if symbols is not None:
            self.symbols.copy_(F.normalize(symbols.detach().float(), dim=1))
        else:
            score = "prompt"
        self.log_scale.copy_(log_scale.detach().float())
        self.weights.copy_(torch.tensor(SCORES[score]))
        return self

    def list_scores(self) -> list[str]:
        """Return the names of the embeddings that this head can compare images with."""
        return list(SCORES) if bool((self.symbols != 0).any()) else ["prompt"]

    def copy_with(self, score: str) -> PromptHead:
        """Return a copy that compares images with other embeddings: ``prompt``, ``symbol`` or ``both``."""
        other = copy.deepcopy(self)
        other.weights.copy_(torch.tensor(SCORES[score]))
        return other

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, dim) to logits (N, n_classes)."""
        classes = self.weights[0] * self.prompts + self.weights[1] * self.symbols
        logits: torch.Tensor = self.log_scale.exp() * F.normalize(features, dim=1) @ classes.T
        return logits


def build(*, dim: int, n_classes: int) -> PromptHead:
    """Create an empty head, to be filled or loaded."""
    return PromptHead(dim, n_classes)
