"""What runs a model, whatever it is done by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from galaxtool.models.record import ModelRecord


@dataclass(frozen=True)
class Scores:
    """What a model says of N pictures.

    Parameters
    ----------
    embedding : ndarray of float32, shape (N, dim)
        Unit length.
    logits, probabilities : ndarray of float32, shape (N, K)
    """

    embedding: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray


class Engine(Protocol):
    """A model ready to run."""

    name: str
    record: ModelRecord
    weight_bytes: int

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C), as `Preprocess.picture` gives them."""

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return ``prompt`` and, where it has them, ``symbol``: unit embeddings (K, dim) of its classes."""
