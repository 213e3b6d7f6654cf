"""Running a model's ONNX file on a processor by OpenVINO, which computes in bf16 where the processor can."""

from __future__ import annotations

import functools
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.engines.amx import has_amx
from galaxtool.models.engines.protocol import Scores
from galaxtool.models.onnx.metadata import CLASS_EMBEDDINGS_KEY, METADATA_KEY, class_embeddings_in, record_in
from galaxtool.utils.optional_imports import require

_TYPES = {"fp32": "f32", "bf16": "bf16"}


class OpenVinoEngine:
    """OpenVINO; imports no PyTorch.

    Parameters
    ----------
    file : Path
        Written by ``galaxtool export``.
    device : str
        ``auto`` or ``cpu``.
    precision : {"auto", "fp32", "bf16"}
        ``auto`` is bf16 where the processor has AMX, else fp32.
    threads : int
        0 for as many as there are cores.

    Raises
    ------
    DependencyMissing
        If OpenVINO is not installed.
    ConfigError
        If it cannot compute on that device, or in that precision.
    ModelError
        If the file cannot be run, or is not one of galaxtool's.

    Attributes
    ----------
    is_reduced : bool
        Whether the file was exported in fp16 or int8.

    Notes
    -----
    The answer for an image does not depend on the others of its batch. Several threads may call `run` at a time.
    """

    name = "openvino"
    device = "cpu"

    def __init__(self, file: Path, device: str = "auto", precision: str = "auto", threads: int = 0) -> None:
        if device not in ("auto", "cpu"):
            raise ConfigError(
                f"The openvino engine runs on the processor, not on '{device}'.", hint="Use --engine onnx or torch."
            )
        wanted = precision
        if precision == "auto":
            precision = "bf16" if has_amx() else "fp32"
        if precision not in _TYPES:
            raise ConfigError(
                f"The openvino engine computes in fp32 or bf16, not in '{precision}'.", hint="Or use --engine torch."
            )
        openvino = require("openvino", why="The openvino engine", install="galaxtool[fast]")
        settings = {
            "INFERENCE_PRECISION_HINT": _TYPES[precision],
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": "NO",  # else the processes of a job all compute on the first core
        }
        if threads:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        try:
            core = _core(openvino)
            network = core.read_model(str(file))
            self.metadata = _metadata(network)
            self._compiled = core.compile_model(network, "CPU", settings)
        except RuntimeError as error:  # whatever is wrong
            raise ModelError(
                f"'{file}' is not an ONNX file that OpenVINO can run: {' '.join(str(error).split())[:120]}.",
                hint="Write one with `galaxtool export`, or use --engine onnx.",
            ) from error
        self.record = record_in(self.metadata, file)
        self.is_reduced = any(_is_coarse(node) for node in network.get_ops())
        held = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.precision = next((ours for ours, theirs in _TYPES.items() if theirs == held), held)
        if wanted not in ("auto", self.precision):
            raise ConfigError(
                f"OpenVINO computes in {self.precision} here, not in {wanted}.", hint="Or use --engine torch."
            )
        self._normalise = self.record.make_preprocess().normalise
        self.weight_bytes = file.stat().st_size

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C)."""
        request = self._compiled.create_infer_request()
        request.infer({"image": self._normalise(pictures)}, share_inputs=True)
        found = [request.get_tensor(name).data for name in ("embedding", "logits", "probabilities")]
        return Scores(*(np.array(values, dtype=np.float32) for values in found))

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return the embeddings of its classes that the file carries."""
        return class_embeddings_in(self.metadata)


@functools.cache
def _core(openvino: ModuleType) -> Any:
    """Return the one core of this process: what it made must not outlive it, and Python may free both in any order."""
    return openvino.Core()


def _metadata(network: Any) -> dict[str, str]:
    """Return the metadata of the ONNX file that a network was read from, where OpenVINO keeps them."""
    keys = (METADATA_KEY, CLASS_EMBEDDINGS_KEY)
    return {key: network.get_rt_info(["framework", key]).astype(str) for key in keys if _has(network, key)}


def _is_coarse(node: Any) -> bool:
    """Tell whether a node of a network holds weights of 8 or 16 bits."""
    return node.get_type_name() == "Constant" and node.get_element_type().get_type_name() in ("i8", "u8", "f16")


def _has(network: Any, key: str) -> bool:
    return bool(network.has_rt_info(["framework", key]))
