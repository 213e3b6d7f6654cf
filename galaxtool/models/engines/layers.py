"""A model whose embeddings are the features of another layer; only PyTorch can look inside a model."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from galaxtool.backbones.layers import JOINT
from galaxtool.errors import ConfigError
from galaxtool.models.engines.open import open_engine
from galaxtool.models.engines.protocol import Engine, LayeredEngine, Scores
from galaxtool.models.find import ModelFiles


class LayerEngine:
    """An engine whose embeddings are the features of one layer, and that has no scores of classes.

    Parameters
    ----------
    engine : LayeredEngine
        The model in PyTorch.
    layer : str
        One of `galaxtool.backbones.layers.LAYERS`.

    Raises
    ------
    ConfigError
        If the backbone of the model does not have the layer.
    """

    def __init__(self, engine: LayeredEngine, layer: str) -> None:
        self._engine, self.layer = engine, layer
        self.name, self.device, self.precision = engine.name, engine.device, engine.precision
        self.provider, self.note = engine.provider, engine.note
        self.weight_bytes, self.detector = engine.weight_bytes, engine.detector
        preprocess = engine.record.make_preprocess()
        blank = np.zeros((1, preprocess.size, preprocess.size, len(preprocess.channels)), dtype=np.uint8)
        self.record = replace(engine.record, dim=engine.embed_layer(blank, layer).shape[1])

    def run(self, pictures: np.ndarray) -> Scores:
        """Embed pictures, uint8 (N, size, size, C); logits and probabilities have no columns."""
        none = np.empty((len(pictures), 0), dtype=np.float32)
        return Scores(self._engine.embed_layer(pictures, self.layer), none, none)

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Raise `ConfigError`: prompts and symbols have embeddings in the joint space only.

        Raises
        ------
        ConfigError
            Always.
        """
        raise ConfigError(
            f"Classes, texts and symbols cannot be compared with features of the layer '{self.layer}'.",
            hint="Use embeddings of the layer joint, the default.",
        )


def open_layer_engine(
    files: ModelFiles,
    engine: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    *,
    layer: str = JOINT,
    provider: str = "auto",
    threads: int = 0,
    lazy: bool = False,
) -> Engine:
    """Open a model with an engine, as `open_engine` does, whose embeddings are the features of a layer.

    Raises
    ------
    ConfigError
        If the layer is not ``joint``, and the engine is not PyTorch, the model has only an ONNX file, or its backbone
        does not have the layer.
    """
    if layer == JOINT:
        return open_engine(files, engine, device, precision, provider=provider, threads=threads, lazy=lazy)
    if provider != "auto":
        raise ConfigError(
            f"--layer {layer} needs PyTorch and cannot be used with --provider {provider}.",
            hint="Leave --provider out, or --layer.",
        )
    if engine not in ("auto", "torch"):
        raise ConfigError(
            f"--layer {layer} needs PyTorch and cannot be used with --engine {engine}.",
            hint="Leave --engine out, or --layer.",
        )
    if not files.has_weights:
        raise ConfigError(
            f"--layer {layer} needs the weights of the model, but '{files.name}' has only an ONNX file.",
            hint="Give the model directory that was exported, or leave --layer out.",
        )
    opened = open_engine(files, "torch", device, precision, threads=threads, lazy=lazy)
    return LayerEngine(cast(LayeredEngine, opened), layer)
