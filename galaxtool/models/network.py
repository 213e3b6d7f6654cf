"""A model as one PyTorch module."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from galaxtool.training.domain_norm import DomainStatistics
from galaxtool.types import Temperature


class GalaxyModel(nn.Module):
    """A backbone, a head and, for some methods, an encoder of symbols or BatchNorm statistics for them.

    Parameters
    ----------
    backbone : galaxtool.backbones.protocols.Backbone
        Image encoder, with or without a text encoder.
    head : torch.nn.Module
        Maps features (N, dim) to logits (N, K). If it has a method ``probabilities(logits, temperature)``, this
        replaces the softmax.
    symbol_tower : torch.nn.Module, optional
        Encoder of symbols, which maps images (N, C, size, size) to embeddings (N, dim); by default the image tower.
    temperature : float or list of float
        Divisor of the logits before the softmax. A list becomes a tensor of factors, one for each quantity, which
        ``probabilities`` of the head receives.
    symbol_statistics : DomainStatistics, optional
        BatchNorm statistics with which the image tower encodes symbols; by default its own.
    """

    def __init__(
        self,
        backbone: Any,
        head: nn.Module,
        symbol_tower: nn.Module | None = None,
        temperature: Temperature = 1.0,
        symbol_statistics: DomainStatistics | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.symbol_tower = symbol_tower
        self.symbol_statistics = symbol_statistics
        self.temperature: float | torch.Tensor
        if isinstance(temperature, list):
            self.register_buffer("temperature", torch.tensor(temperature), persistent=False)
        else:
            self.temperature = temperature

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Map images (N, C, size, size) to unit embeddings (N, dim), logits and probabilities (N, K)."""
        return self.score(self.backbone.embed(images).float())

    def score(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Map features (N, dim) in float32 to unit embeddings, logits and probabilities."""
        logits = self.head(features)
        compute = getattr(self.head, "probabilities", None)
        probabilities = (
            compute(logits, self.temperature) if compute else torch.softmax(logits / self.temperature, dim=1)
        )
        return F.normalize(features, dim=1), logits, probabilities

    def class_embeddings(self) -> dict[str, torch.Tensor]:
        """Return ``prompt`` and ``symbol``, the embeddings (K, dim) of the classes that the head stores, if any."""
        embeddings = {}
        for kind, attribute in (("prompt", "prompts"), ("symbol", "symbols")):
            stored = getattr(self.head, attribute, None)
            if stored is not None and bool((stored != 0).any()):
                embeddings[kind] = stored.detach().float().cpu()
        return embeddings

    def embed_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the unit embeddings of texts, (N, dim)."""
        return F.normalize(self.backbone.embed_text(texts).float(), dim=1)

    def embed_symbols(self, images: torch.Tensor) -> torch.Tensor:
        """Return the unit embeddings of symbols (N, C, size, size)."""
        if self.symbol_tower is not None:
            return F.normalize(self.symbol_tower(images).float(), dim=1)
        tower, statistics = self.backbone.image_tower, self.symbol_statistics
        with statistics.use(tower) if statistics is not None else nullcontext():
            return F.normalize(tower(images).float(), dim=1)
