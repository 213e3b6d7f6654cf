"""Lower precision for ONNX files: half floats, or eight-bit integers calibrated on simulated galaxies."""

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

from galaxtool.types import Cutout
from galaxtool.vision.preprocess import GRAY, RGB, Preprocess

# LayerNorm's and the norms' sums overflow or lose their digits in half precision.
_KEPT_FP32 = ["LayerNormalization", "ReduceL2", "ReduceMean", "Softmax", "Resize"]
_CALIBRATION = 64


def to_fp16(path: Path) -> None:
    """Turn a float32 file into half precision, in place; input and outputs stay float32."""
    model = onnx.load(path)
    onnx.save(convert_float_to_float16(model, keep_io_types=True, op_block_list=_KEPT_FP32), path)


def to_int8(path: Path, preprocess: Preprocess) -> None:
    """Turn a float32 file's convolutions and products into eight-bit integers, in place.

    Ranges are measured on 64 simulated galaxies (static quantisation, a scale for each channel of the weights).
    """
    metadata = {entry.key: entry.value for entry in onnx.load(path, load_external_data=False).metadata_props}
    before = logging.root.level
    logging.root.setLevel(logging.ERROR)  # it advises, at length, to do what has been done
    try:
        with tempfile.TemporaryDirectory() as folder:
            prepared = Path(folder) / "prepared.onnx"
            quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared), str(path), _Galaxies(preprocess), quant_format=QuantFormat.QDQ, per_channel=True,
                weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8,
                op_types_to_quantize=["Conv", "MatMul", "Gemm"],
            )  # fmt: skip
    finally:
        logging.root.setLevel(before)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)


def example_images(preprocess: Preprocess, n: int, *, seed: int) -> np.ndarray:
    """Return simulated galaxies as a model takes them, float32 (n, C, size, size).

    Where the model looks at single bands, those that are simulated stand for them in turn.
    """
    from galaxtool.simulation.sample import sample_dataset

    sample = sample_dataset(n=n, seed=seed, size=max(64, min(preprocess.size, 128)), splits={"test": 1.0})
    cutouts = (sample.cutout(i) for i in range(n))
    if preprocess.channels not in (RGB, GRAY):
        cutouts = (_with_bands(cutout, preprocess.channels) for cutout in cutouts)
    return preprocess.normalize(np.stack([preprocess.picture(cutout) for cutout in cutouts]))


def _with_bands(cutout: Cutout, bands: tuple[str, ...]) -> Cutout:
    return replace(cutout, data=cutout.data[np.arange(len(bands)) % len(cutout.bands)], bands=bands)


class _Galaxies(CalibrationDataReader):
    """Hands the calibration images over in batches."""

    def __init__(self, preprocess: Preprocess) -> None:
        images = example_images(preprocess, _CALIBRATION, seed=1)
        self.batches = iter([{"image": chunk} for chunk in np.split(images, _CALIBRATION // 16)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.batches, None)
