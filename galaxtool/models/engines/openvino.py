"""Run a model's ONNX file on the CPU with OpenVINO, in fp32 or bf16."""

from __future__ import annotations

import functools
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError, ModelError
from galaxtool.models.engines.feed import make_feed, takes_pictures
from galaxtool.models.engines.limits import End, FirstRun, Run, lacks_memory, make_memory_error, open_in_time
from galaxtool.models.engines.outputs import OUTPUTS, make_scores
from galaxtool.models.engines.protocol import Scores
from galaxtool.models.find import ModelFiles
from galaxtool.models.onnx.metadata import (
    CLASS_EMBEDDINGS_KEY,
    COMPACT_KEY,
    INPUT_KEY,
    METADATA_KEY,
    WHAT_KEY,
    check_scores_images,
    read_class_embeddings,
    read_onnx_record,
)
from galaxtool.models.unlike_training import DOMAIN_KEY, read_onnx_detector
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.optional_imports import require
from galaxtool.utils.privacy import forbid_openvino_reports

_LOOPS = ("Loop", "TensorIterator", "If")
_OPENVINO_TYPES = {"fp32": "f32", "bf16": "bf16"}


class OpenVinoEngine:
    """OpenVINO; imports no PyTorch.

    Parameters
    ----------
    files : ModelFiles
        A model with an ONNX file, as ``galaxtool export`` writes it.
    device : {"auto", "cpu"}
        OpenVINO is only used on the CPU.
    precision : {"auto", "fp32", "bf16"}
        ``auto`` is fp32.
    threads : int
        Number of CPU threads; 0 for one per core.

    Raises
    ------
    DependencyMissing
        If OpenVINO is not installed.
    ConfigError
        If the model has no ONNX file, or OpenVINO cannot compute on that device or in that precision.
    ModelError
        If the file cannot be run, or was not written by galaxtool.

    Attributes
    ----------
    is_reduced : bool
        Whether the file was exported in fp16 or int8.

    Notes
    -----
    In fp32, the output for an image does not depend on the other images of its batch; in bf16, batches of other sizes
    are rounded differently. Several threads may call `run` at the same time.
    """

    name = provider = "openvino"
    device = "cpu"
    note = ""

    def __init__(self, files: ModelFiles, device: str = "auto", precision: str = "auto", threads: int = 0) -> None:
        file = files.require_onnx()
        if device not in ("auto", "cpu"):
            raise ConfigError(
                f"The openvino engine runs on the processor, not on '{device}'.", hint="Use --engine onnx or torch."
            )
        precision = "fp32" if precision == "auto" else precision
        if precision not in _OPENVINO_TYPES:
            raise ConfigError(
                f"The openvino engine computes in fp32 or bf16, not in '{precision}'.", hint="Or use --engine torch."
            )
        forbid_openvino_reports()
        openvino = require("openvino", why="The openvino engine", install="galaxtool[fast]")
        settings = {
            "INFERENCE_PRECISION_HINT": _OPENVINO_TYPES[precision],
            "PERFORMANCE_HINT": "LATENCY",
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",  # features stay exact where weights are stored in eight bits
            "ENABLE_CPU_PINNING": "NO",  # with pinning, all processes of a job compute on the first core
        }
        if threads:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        try:
            network, self._compiled = open_in_time(lambda: _compile(_get_core(openvino), file, settings), file)
        except (RuntimeError, MemoryError) as error:  # OpenVINO has only the first
            if lacks_memory(error):
                raise make_memory_error(files.name) from error
            raise ModelError(
                f"'{file}' is not an ONNX file that OpenVINO can run: {describe_error(error, 120)}.",
                hint="Write one with `galaxtool export`, or use --engine onnx.",
            ) from error
        self.metadata = _read_metadata(network)
        self.record = read_onnx_record(self.metadata, file)
        check_scores_images(self.metadata, file)
        self.is_reduced = COMPACT_KEY not in self.metadata and any(map(_has_reduced_weights, network.get_ops()))
        actual = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.precision = next((ours for ours, theirs in _OPENVINO_TYPES.items() if theirs == actual), actual)
        if self.precision != precision:
            raise ConfigError(
                f"OpenVINO computes in {self.precision} here, not in {precision}.", hint="Or use --engine torch."
            )
        self.detector = read_onnx_detector(self.metadata, self.record)
        self._preprocess = self.record.make_preprocess()
        if takes_pictures(self.metadata) and self._preprocess.size_arcsec is None and self._preprocess.crop != 1:
            raise ConfigError(
                f"OpenVINO cannot be told that pictures are cropped already, and '{file}' crops them.",
                hint="Use --engine onnx, or export without --with-preprocess.",
            )
        self.weight_bytes = file.stat().st_size
        self._name = files.name
        self._first_run = FirstRun(self._prepare_run, files.name)

    def run(self, pictures: np.ndarray) -> Scores:
        """Score pictures, uint8 (N, size, size, C)."""
        self._first_run.check(make_feed(self.metadata, self._preprocess, pictures[:1]))
        request = self._compiled.create_infer_request()
        request.infer(make_feed(self.metadata, self._preprocess, pictures), share_inputs=True)
        outputs = [np.array(request.get_tensor(name).data, dtype=np.float32) for name in OUTPUTS]
        return make_scores(outputs, len(pictures), self.record, self._name)

    def class_embeddings(self) -> dict[str, np.ndarray]:
        """Return the class embeddings stored in the file."""
        return read_class_embeddings(self.metadata)

    def _prepare_run(self) -> tuple[Run, End]:
        request = self._compiled.create_infer_request()
        return request.infer, request.cancel


@functools.cache
def _get_core(openvino: ModuleType) -> Any:
    """Return the one core of this process: it must outlive everything it made, and Python frees in any order."""
    return openvino.Core()


def _compile(core: Any, file: Path, settings: dict[str, str]) -> tuple[Any, Any]:
    """Return the network in a file as it was read, and compiled."""
    network = core.read_model(str(file))
    _refuse_loops(network, file)
    return network, core.compile_model(network, "CPU", settings)


def _refuse_loops(network: Any, file: Path) -> None:
    """Raise `ModelError` for a network with a loop: OpenVINO computes one without end while it compiles."""
    for node in network.get_ops():
        if node.get_type_name() in _LOOPS:
            raise ModelError(
                f"'{file}' holds a loop ({node.get_type_name()}), which may never end in OpenVINO.",
                hint="Use --engine onnx, which has a time limit.",
            )


def _read_metadata(network: Any) -> dict[str, str]:
    """Return the metadata of the ONNX file that a network was read from."""
    keys = (METADATA_KEY, CLASS_EMBEDDINGS_KEY, DOMAIN_KEY, COMPACT_KEY, WHAT_KEY, INPUT_KEY)
    return {
        key: network.get_rt_info(["framework", key]).astype(str)
        for key in keys
        if network.has_rt_info(["framework", key])
    }


def _has_reduced_weights(node: Any) -> bool:
    """Tell whether a node of a network holds weights of 8 or 16 bits."""
    return node.get_type_name() == "Constant" and node.get_element_type().get_type_name() in ("i8", "u8", "f16")
