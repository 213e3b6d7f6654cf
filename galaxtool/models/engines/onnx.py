"""Running a model's ONNX file by ONNX Runtime, without PyTorch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.engines.protocol import Scores
from galaxtool.models.onnx.metadata import class_embeddings_in, record_in
from galaxtool.utils.optional_imports import require


class OnnxEngine:
    """ONNX Runtime; imports no PyTorch.

    Parameters
    ----------
    file : Path
        Written by ``galaxtool export``.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    threads : int
        On the CPU; 0 for as many as there are cores.
    """

    name = "onnx"
    precision = "fp32"

    def __init__(self, file: Path, device: str = "auto", threads: int = 0) -> None:
        runtime = require("onnxruntime", why="Running an ONNX model", install="onnxruntime-gpu")
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        providers = _providers(runtime, device)
        try:
            self.session = runtime.InferenceSession(str(file), options, providers=providers)
        except Exception as error:  # ONNX Runtime has a private exception for each cause
            raise ModelError(
                f"'{file}' is not an ONNX file that can be run: {' '.join(str(error).split())[:120]}.",
                hint="Write one with `galaxtool export`.",
            ) from error
        self.metadata = self.session.get_modelmeta().custom_metadata_map
        self.record = record_in(self.metadata, file)
        self._normalise = self.record.make_preprocess().normalise
        self.device = "cuda" if "CUDAExecutionProvider" in self.session.get_providers() else "cpu"
        self.weight_bytes = file.stat().st_size

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C)."""
        return Scores(*self.session.run(["embedding", "logits", "probabilities"], {"image": self._normalise(pictures)}))

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return the embeddings of its classes that the file carries."""
        return class_embeddings_in(self.metadata)


def _providers(runtime: Any, device: str) -> list[Any]:
    available = runtime.get_available_providers()
    wanted, _, number = device.partition(":")
    if wanted not in ("auto", "cpu", "cuda", "mps") or not (number or "0").isdigit():
        raise ConfigError(f"There is no device '{device}' here.", hint="Use --device auto, cpu or cuda.")
    has_gpu = "CUDAExecutionProvider" in available and Path("/dev/nvidiactl").exists()
    if wanted == "cuda" and not has_gpu:
        raise ConfigError("ONNX Runtime finds no CUDA device here.", hint="Use --device cpu, or --engine torch.")
    if wanted in ("auto", "cuda") and (has_gpu or (sys.platform == "win32" and "CUDAExecutionProvider" in available)):
        return [("CUDAExecutionProvider", {"device_id": int(number or 0)}), "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]
