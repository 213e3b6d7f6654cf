"""A model of votes that is run several times with dropout before its head: mean shares, and their spread.

Walmsley et al. 2022 (Galaxy Zoo DECaLS, arXiv:2102.08414) call this a mixture of the predictions of many networks. Each
pass drops another part of the features, but the same for all images, so that an image's result does not depend on the
images beside it.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from safetensors import SafetensorError, safe_open

from galaxtool.errors import ConfigError
from galaxtool.models.engines.open import open_engine
from galaxtool.models.engines.protocol import Engine, SampledEngine, Scores
from galaxtool.models.find import WEIGHTS, ModelFiles

_RATE = "head.dropout"


class PassesEngine:
    """An engine whose probabilities are the mean shares over passes, followed by their standard deviations.

    Parameters
    ----------
    engine : SampledEngine
        The model in PyTorch.
    passes : int
        Number of passes.
    """

    def __init__(self, engine: SampledEngine, passes: int) -> None:
        self._engine, self.passes = engine, passes
        self.name, self.device, self.precision = engine.name, engine.device, engine.precision
        self.provider, self.note = engine.provider, engine.note
        self.weight_bytes, self.detector, self.record = engine.weight_bytes, engine.detector, engine.record

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C)."""
        return self._engine.sample(pictures, self.passes)

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return the class embeddings."""
        return self._engine.class_embeddings()


def open_passes_engine(
    files: ModelFiles,
    engine: str,
    device: str,
    precision: str,
    *,
    passes: int,
    provider: str = "auto",
    threads: int = 0,
    lazy: bool = False,
) -> Engine:
    """Open a model of votes in PyTorch, to be run several times with dropout.

    Raises
    ------
    ConfigError
        If the engine is not PyTorch, the model has only an ONNX file, does not predict votes, or was trained without
        dropout.
    """
    named = f"--engine {engine}" if engine not in ("auto", "torch") else f"--provider {provider}"
    if engine not in ("auto", "torch") or provider != "auto":
        raise ConfigError(f"--passes needs PyTorch and cannot be used with {named}.", hint="Leave one of them out.")
    if not files.has_weights:
        raise ConfigError(
            f"--passes needs the weights of the model, but '{files.name}' has only an ONNX file.",
            hint="Give the model directory that was exported, or leave --passes out.",
        )
    opened = open_engine(files, "torch", device, precision, threads=threads, lazy=lazy)
    if opened.record.votes is None:
        raise ConfigError(
            f"--passes cannot be used with '{files.name}', which does not predict votes.",
            hint="Leave it out; --tta averages views of each image for every model.",
        )
    if not _read_rate(files):
        raise ConfigError(
            f"The model '{files.name}' was trained without dropout, so all passes would be the same.",
            hint="Train it with galaxtool finetune --votes ... --dropout 0.2, or leave --passes out.",
        )
    return PassesEngine(cast(SampledEngine, opened), passes)


def _read_rate(files: ModelFiles) -> float:
    """Return the share of the features that the head drops in training, without loading the model."""
    try:
        with safe_open(files.require_folder() / WEIGHTS, framework="numpy") as weights:
            return float(weights.get_tensor(_RATE)) if _RATE in weights.keys() else 0.0  # noqa: SIM118
    except (OSError, SafetensorError):  # reported, with more detail, when the model is loaded
        return 1.0
