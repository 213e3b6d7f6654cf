"""Run a model's ONNX file with ONNX Runtime, without PyTorch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.engines.outputs import OUTPUTS, FirstRun, make_scores
from galaxtool.models.engines.protocol import Scores
from galaxtool.models.find import ModelFiles
from galaxtool.models.onnx.metadata import read_class_embeddings, read_onnx_record
from galaxtool.models.unlike_training import read_onnx_detector
from galaxtool.utils.optional_imports import require
from galaxtool.utils.privacy import forbid_onnx_reports


class OnnxEngine:
    """ONNX Runtime; imports no PyTorch.

    Parameters
    ----------
    files : ModelFiles
        A model with an ONNX file, as ``galaxtool export`` writes it.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
    precision : {"auto", "fp32"}
        ONNX Runtime computes in the precision of the file.
    threads : int
        Number of CPU threads; 0 for one per core.

    Raises
    ------
    ConfigError
        If the model has no ONNX file, or the device or the precision is not available.
    ModelError
        If the file cannot be run, or was not written by galaxtool.
    """

    name = "onnx"
    precision = "fp32"

    def __init__(self, files: ModelFiles, device: str = "auto", precision: str = "auto", threads: int = 0) -> None:
        file = files.require_onnx()
        if precision not in ("auto", "fp32"):
            raise ConfigError(
                f"The onnx engine computes in the precision of its file, not in '{precision}'.",
                hint="Leave --precision out, or use --engine torch.",
            )
        runtime = require("onnxruntime", why="Running an ONNX model", install="onnxruntime-gpu")
        forbid_onnx_reports(runtime)
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        providers = _choose_providers(runtime, device)
        try:
            self.session = runtime.InferenceSession(str(file), options, providers=providers)
        except Exception as error:  # ONNX Runtime has a private exception class for each cause
            raise ModelError(
                f"'{file}' is not an ONNX file that can be run: {' '.join(str(error).split())[:120]}.",
                hint="Write one with `galaxtool export`.",
            ) from error
        self.metadata: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        self.record = read_onnx_record(self.metadata, file)
        self.detector = read_onnx_detector(self.metadata, self.record)
        self._preprocess = self.record.make_preprocess()
        self.device = "cuda" if "CUDAExecutionProvider" in self.session.get_providers() else "cpu"
        self.weight_bytes = file.stat().st_size
        self._name = files.name
        self._first_run = FirstRun(self.session, runtime.RunOptions, files.name)

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C)."""
        images = self._preprocess.normalize(pictures)
        try:
            self._first_run.check(images)
            outputs = self.session.run(list(OUTPUTS), {"image": images})
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(
                f"The model '{self._name}' cannot be run: {' '.join(str(error).split())[:160]}.",
                hint="Its ONNX file may be damaged: write it again with `galaxtool export`.",
            ) from error
        return make_scores(outputs, len(images), self.record, self._name)

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return the class embeddings stored in the file."""
        return read_class_embeddings(self.metadata)


def _choose_providers(runtime: Any, device: str) -> list[Any]:
    available = runtime.get_available_providers()
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cpu", "cuda", "mps") or not (number or "0").isdigit():
        raise ConfigError(f"There is no device '{device}' here.", hint="Use --device auto, cpu or cuda.")
    has_gpu = "CUDAExecutionProvider" in available and Path("/dev/nvidiactl").exists()
    if kind == "cuda" and not has_gpu:
        raise ConfigError("ONNX Runtime finds no CUDA device here.", hint="Use --device cpu, or --engine torch.")
    if kind in ("auto", "cuda") and (has_gpu or (sys.platform == "win32" and "CUDAExecutionProvider" in available)):
        return [("CUDAExecutionProvider", {"device_id": int(number or 0)}), "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]
