"""The interface of an engine: a model that is ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from galaxtool.models.record import ModelRecord
from galaxtool.models.unlike_training import UnlikeDetector


@dataclass(frozen=True)
class Scores:
    """The output of a model for N pictures.

    Parameters
    ----------
    embedding : ndarray of float32, shape (N, dim)
        Embeddings of unit length.
    logits, probabilities : ndarray of float32, shape (N, K)
        One column per class.
    norms : ndarray of float32, shape (N,), or None
        Lengths of the embeddings before they were scaled; None for an engine that does not know them.
    """

    embedding: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray
    norms: np.ndarray | None = None


class Engine(Protocol):
    """A model loaded into a runtime.

    Every engine class is constructed as ``Class(files, device="auto", precision="auto", threads=0)``.

    Attributes
    ----------
    name : str
        Name of the engine, as in ``--engine``.
    record : ModelRecord
        Record of the model.
    device : str
        Device it runs on: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
    precision : {"fp32", "bf16", "fp16"}
        Precision it computes in.
    provider : str
        What computes with an ONNX file: ``cpu``, ``cuda``, ``tensorrt`` or ``openvino``; empty for PyTorch.
    note : str
        One line for the user, such as that a GPU cannot be used; usually empty.
    weight_bytes : int
        Size of the weights in memory, in bytes.
    detector : UnlikeDetector or None
        What recognizes images unlike those of the training; None if the model has nothing to compare them with.
    """

    name: str
    record: ModelRecord
    device: str
    precision: str
    provider: str
    note: str
    weight_bytes: int
    detector: UnlikeDetector | None

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C), as `Preprocess.picture` returns them."""

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return ``prompt`` and, where the model has them, ``symbol``: unit embeddings (K, dim) of the classes."""


class LayeredEngine(Engine, Protocol):
    """An engine that can return the features of other layers."""

    def embed_layer(self, pictures: np.ndarray, layer: str) -> np.ndarray:
        """Return features of unit length, float32 (N, width), of pictures, uint8 (N, size, size, C)."""


class SampledEngine(Engine, Protocol):
    """An engine that can drop features before the head of a model of votes."""

    def sample(self, pictures: np.ndarray, passes: int) -> Scores:
        """Score pictures, uint8 (N, size, size, C); `probabilities` has mean shares, then their deviations (N, 2 A)."""
