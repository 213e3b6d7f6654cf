"""PyTorch on the CPU, loaded when the first batch arrives."""

from __future__ import annotations

import functools
from typing import cast

import numpy as np

from galaxtool.models.engines.protocol import LayeredEngine, SampledEngine, Scores
from galaxtool.models.find import RECORD, WEIGHTS, ModelFiles
from galaxtool.models.record import ModelRecord
from galaxtool.models.unlike_training import read_detector
from galaxtool.utils.optional_imports import import_attribute


class LazyTorchEngine:
    """The same as `TorchEngine` on the CPU, but PyTorch and the weights are loaded at the first batch.

    A process whose workers run the model only needs the model's record, and importing PyTorch takes seconds.

    Parameters
    ----------
    files : ModelFiles
        A model directory with weights.
    device : {"cpu"}
    precision : {"auto", "fp32", "bf16"}
        ``auto`` is fp32.
    threads : int
        Number of CPU threads of this process; 0 leaves it unchanged.

    Raises
    ------
    ModelError
        If the model has no weights.
    """

    name = "torch"
    provider = note = ""

    def __init__(self, files: ModelFiles, device: str = "cpu", precision: str = "auto", threads: int = 0) -> None:
        folder = files.require_folder()
        self.device = device
        self.precision = "fp32" if precision == "auto" else precision
        self.record = ModelRecord.read(folder / RECORD)
        self.detector = read_detector(folder, self.record)
        self.weight_bytes = (folder / WEIGHTS).stat().st_size
        self._files, self._threads = files, threads

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C)."""
        return self._engine.run(pictures)

    def sample(self, pictures: np.ndarray, passes: int) -> Scores:
        """Score pictures of a model of votes several times with dropout."""
        return cast(SampledEngine, self._engine).sample(pictures, passes)

    def embed_layer(self, pictures: np.ndarray, layer: str) -> np.ndarray:
        """Return the features of a layer, of unit length, float32 (N, width)."""
        return self._engine.embed_layer(pictures, layer)

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return the embeddings of the classes."""
        return self._engine.class_embeddings()

    @functools.cached_property
    def _engine(self) -> LayeredEngine:
        make_engine = import_attribute("galaxtool.models.engines.torch:TorchEngine")
        engine: LayeredEngine = make_engine(self._files, self.device, self.precision, self._threads)
        return engine
