"""Reduce the precision of ONNX files: half floats, or eight-bit integers with ranges measured on images."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

from galaxtool.models.onnx.metadata import COMPACT_KEY
from galaxtool.models.rounding import LEVELS
from galaxtool.simulation.sample import sample_dataset
from galaxtool.types import Cutout
from galaxtool.vision.preprocess import GRAY, RGB, Preprocess

# the sums in LayerNorm and in the norms overflow or lose digits in half precision
_KEPT_FP32 = ["LayerNormalization", "ReduceL2", "ReduceMean", "Softmax", "Resize"]


_PRODUCTS = ["Conv", "MatMul", "Gemm"]
_BETWEEN = ["Clip", "Relu", "Add"]
"""Operators between convolutions. If they stay in float32, every convolution converts its input and output."""

_LARGE = 1024
"""Number of values from which weights are stored in half precision."""


def to_fp16(path: Path) -> None:
    """Convert a float32 file to half precision in place; the input and the outputs stay float32."""
    model = convert_float_to_float16(onnx.load(path), keep_io_types=True, op_block_list=_KEPT_FP32)
    # it converts weights that several norms share once for each of them, under one name
    made: set[str] = set()
    kept = []
    for node in model.graph.node:
        if node.op_type != "Cast" or node.output[0] not in made:
            kept.append(node)
            made.update(node.output)
    for number, node in enumerate(kept):
        node.name = f"{node.name}.{number}"
    del model.graph.node[:]
    model.graph.node.extend(kept)
    onnx.save(model, path)


def to_int8(path: Path, images: np.ndarray) -> None:
    """Convert a float32 file to eight-bit integers in place.

    Convolutions and matrix products are converted. In a convolutional network, so are the activations and the sums
    between them; transformers need these in float32.

    Parameters
    ----------
    path : Path
        ONNX file.
    images : ndarray of float32, shape (N, C, size, size)
        Images on which the ranges are measured (static quantization with a scale per channel of the weights).
    """
    whole = onnx.load(path, load_external_data=False)
    metadata = {entry.key: entry.value for entry in whole.metadata_props}
    operators = {node.op_type for node in whole.graph.node}
    is_transformer = "LayerNormalization" in operators
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)  # it recommends, at length, the step that quant_pre_process has just done
    try:
        with tempfile.TemporaryDirectory() as folder:
            prepared = Path(folder) / "prepared.onnx"
            quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared), str(path), _Calibration(images), quant_format=QuantFormat.QDQ, per_channel=True,
                weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8,
                op_types_to_quantize=_PRODUCTS if is_transformer else _PRODUCTS + _BETWEEN,
            )  # fmt: skip
    finally:
        logging.root.setLevel(level)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)


def store_compactly(path: Path) -> None:
    """Store the large weights of a float32 file as eight-bit integers in place; they are computed with in float32.

    The weights of each output have a scale of their own. ONNX Runtime multiplies by it once, when it opens the file.
    Weights that `galaxtool.models.rounding.round_weights` has rounded do not change.
    """
    model = onnx.load(path)
    conversions = []
    axes = _find_output_axes(model.graph)
    for tensor in model.graph.initializer:
        axis = axes.get(tensor.name)
        if axis is None or tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < _LARGE:
            continue
        name, values = tensor.name, onnx.numpy_helper.to_array(tensor)
        others = tuple(other for other in range(values.ndim) if other != axis)
        scale = np.maximum(np.abs(values).max(axis=others, keepdims=True) / LEVELS, np.finfo(np.float32).tiny)
        whole = np.round(values / scale).astype(np.int8)
        tensor.CopyFrom(onnx.numpy_helper.from_array(whole, f"{name}_whole"))
        model.graph.initializer.append(onnx.numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"))
        conversions += [
            onnx.helper.make_node("Cast", [f"{name}_whole"], [f"{name}_float"], to=onnx.TensorProto.FLOAT),
            onnx.helper.make_node("Mul", [f"{name}_float", f"{name}_scale"], [name]),
        ]
    nodes = [*conversions, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.metadata_props.add(key=COMPACT_KEY, value="eight bits")
    onnx.save(model, path)


def _find_output_axes(graph: onnx.GraphProto) -> dict[str, int]:
    """Return the axis of the outputs of the weights of convolutions and matrix products, by name."""
    axes = {}
    for node in graph.node:
        if node.op_type == "Conv":
            axes[node.input[1]] = 0
        elif node.op_type == "Gemm":
            transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
            axes[node.input[1]] = 0 if transposed else 1
        elif node.op_type == "MatMul":
            axes[node.input[1]] = 1
    return axes


def make_example_images(preprocess: Preprocess, n: int, *, seed: int) -> np.ndarray:
    """Return simulated galaxies as a model's input, float32 (n, C, size, size); see `make_example_pictures`."""
    return preprocess.normalize(make_example_pictures(preprocess, n, seed=seed))


def make_example_pictures(preprocess: Preprocess, n: int, *, seed: int) -> np.ndarray:
    """Return simulated galaxies as pictures, uint8 (n, size, size, C).

    For a model of single bands, the simulated bands stand for its bands in turn.
    """
    sample = sample_dataset(n=n, seed=seed, size=max(64, min(preprocess.size, 128)), splits={"test": 1.0})
    cutouts = (sample.cutout(i) for i in range(n))
    if preprocess.channels not in (RGB, GRAY):
        cutouts = (_rename_bands(cutout, preprocess.channels) for cutout in cutouts)
    return np.stack([preprocess.picture(cutout) for cutout in cutouts])


def _rename_bands(cutout: Cutout, bands: tuple[str, ...]) -> Cutout:
    return replace(cutout, data=cutout.data[np.arange(len(bands)) % len(cutout.bands)], bands=bands)


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Provides the calibration images in batches."""

    def __init__(self, images: np.ndarray) -> None:
        size = min(16, len(images))  # all ranges are measured over batches of one size
        self.batches = iter([{"image": images[k : k + size]} for k in range(0, len(images) - size + 1, size)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.batches, None)
