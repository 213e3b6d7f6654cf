"""PyTorch on the CPU, not opened before it must run."""

from __future__ import annotations

import functools

import numpy as np

from galaxtool.models.engines.protocol import Engine, Scores
from galaxtool.models.engines.torch import TorchEngine
from galaxtool.models.find import RECORD, WEIGHTS, ModelFiles
from galaxtool.models.record import ModelRecord


class LateTorchEngine:
    """A model as `TorchEngine` runs it on the CPU, opened at the first batch.

    A process whose workers run the model needs no more of it than its record, and PyTorch takes seconds to import.

    Parameters
    ----------
    files : ModelFiles
        A model directory with weights.
    precision : {"fp32", "bf16"}
    """

    name = "torch"
    device = "cpu"

    def __init__(self, files: ModelFiles, precision: str) -> None:
        assert files.folder is not None
        self.files, self.precision = files, precision
        self.record = ModelRecord.read(files.folder / RECORD)
        self.weight_bytes = (files.folder / WEIGHTS).stat().st_size

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C)."""
        return self._opened.run(pictures)

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return the embeddings of its classes."""
        return self._opened.class_embeddings()

    @functools.cached_property
    def _opened(self) -> Engine:
        return TorchEngine(self.files, self.device, self.precision)
