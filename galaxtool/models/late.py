"""PyTorch on the CPU for many images: chosen where it is the faster engine, and not opened before it must run."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

import numpy as np

from galaxtool.models.engines import Engine, Scores, TorchEngine, open_engine
from galaxtool.models.find import RECORD, WEIGHTS, ModelFiles
from galaxtool.models.record import ModelRecord

MANY = 10_000
"""Images that are worth the seconds in which PyTorch starts in every process."""


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


def open_engine_for(
    images: int, files: ModelFiles, engine: str, device: str, precision: str, *, executor: str
) -> Engine:
    """Open a model by the engine that is the faster one for so many images, where the choice was left open.

    Parameters
    ----------
    images : int
    files : ModelFiles
    engine, device, precision : str
        As on the command line, see `galaxtool.models.engines.open_engine`.
    executor : str
        As on the command line. Threads share one engine in one process, so that nothing is gained.
    """
    if executor != "threads" and bf16_is_faster(files, engine, device, precision, images):
        return LateTorchEngine(files, "bf16")
    return open_engine(files, engine, device, precision)


def bf16_is_faster(files: ModelFiles, engine: str, device: str, precision: str, images: int) -> bool:
    """Tell whether a choice that was left open should fall on PyTorch in bf16, on the CPU.

    Parameters
    ----------
    files : ModelFiles
    engine, device, precision : str
        As on the command line; engine and precision must be ``auto``, and the device not a GPU.
    images : int
        How many are to be scored.

    Notes
    -----
    A processor with AMX runs convolutions and transformers in bf16 three times as fast as ONNX Runtime does in fp32.
    """
    left_open = engine == "auto" and precision == "auto" and device in ("auto", "cpu")
    if not left_open or images < MANY or (device == "auto" and Path("/dev/nvidiactl").exists()):
        return False
    has_weights = files.folder is not None and (files.folder / WEIGHTS).is_file()
    return has_weights and _has_amx() and importlib.util.find_spec("torch") is not None


@functools.cache
def _has_amx() -> bool:
    """Tell whether the processor multiplies matrices of bfloat16; known of Linux only."""
    try:
        return " amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
