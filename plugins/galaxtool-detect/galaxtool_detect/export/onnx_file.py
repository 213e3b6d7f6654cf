"""Write a detector as an ONNX file and compare what it finds with PyTorch."""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from galaxtool import ModelError, atomic_write
from galaxtool_detect.boxes import Detections
from galaxtool_detect.detectors.engine import METADATA, OnnxEngine, TorchEngine
from galaxtool_detect.detectors.record import DetectorRecord
from galaxtool_detect.networks.detector import Detector

OPSET = 17
_IMAGES = 3
_NEAR = 0.02
"""Distance from the least score within which a box may be in one list only, by rounding."""


@dataclass(frozen=True)
class Parity:
    """How an ONNX file compares with PyTorch.

    Parameters
    ----------
    images, boxes : int
        Number of images and of boxes that were compared.
    pixels : float
        Largest difference of an edge, in pixels of the network.
    score : float
        Largest difference of a score.
    """

    images: int
    boxes: int
    pixels: float
    score: float


class _OneImage(nn.Module):
    """The detector as a function of one image that returns three tensors."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        found = self.detector(image)[0]
        return found["boxes"], found["scores"], found["labels"]


def export_detector(detector: Detector, record: DetectorRecord, path: Path) -> Parity:
    """Write a detector as an ONNX file, once it was seen to find the same as in PyTorch.

    The file takes ``image``, float32 (1, 3, size, size) with values in [0, 1], and returns ``boxes``, float32 (N, 4) in
    pixels whose outer corner is (0, 0), ``scores`` (N,) and ``labels``, int64 (N,), which count from 1. Its metadata
    has the record.

    Raises
    ------
    ModelError
        If the network cannot be exported, or the file finds something else.
    """
    detector = detector.cpu().eval()
    size = record.network.image_size
    images = _draw_images(size)
    buffer: Any = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer warns of torchvision's own code
            torch.onnx.export(
                _OneImage(detector).eval(),
                (torch.from_numpy(images[:1]),),
                buffer,
                input_names=["image"],
                output_names=["boxes", "scores", "labels"],
                dynamic_axes={"boxes": {0: "n"}, "scores": {0: "n"}, "labels": {0: "n"}},
                opset_version=OPSET,
                dynamo=False,  # the newer exporter does not know how many boxes are left
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise ModelError(
            f"The detector on '{record.network.backbone}' cannot be exported: {' '.join(str(error).split())[:120]}.",
            hint="Run it with PyTorch, or train on another backbone, e.g. mini or resnet18.",
        ) from error
    graph = onnx.load_from_string(buffer.getvalue())
    onnx.helper.set_model_props(graph, {METADATA: json.dumps(record.as_dict())})
    with atomic_write(path) as temporary:
        temporary.write_bytes(graph.SerializeToString())
        # an error leaves no file
        return compare(OnnxEngine(temporary), TorchEngine(detector, record, torch.device("cpu")), images)


def compare(one: OnnxEngine, other: TorchEngine, images: np.ndarray) -> Parity:
    """Compare what two engines find.

    Raises
    ------
    ModelError
        If a box of one list, well above the least score, has no counterpart in the other.
    """
    pixels = score = 0.0
    boxes = 0
    for image in images:
        first, second = one.detect(image[None])[0], other.detect(image[None])[0]
        boxes += len(second)
        for a, b in ((first, second), (second, first)):
            worst = _find_differences(a, b)
            pixels, score = max(pixels, worst[0]), max(score, worst[1])
    if pixels > 0.5 or score > 0.01:
        raise ModelError(
            f"The ONNX file finds other boxes than PyTorch: edges differ by up to {pixels:.2f} pixels, scores by "
            f"{score:.3f}.",
            hint="Run the detector with PyTorch.",
        )
    return Parity(len(images), boxes, pixels, score)


def _find_differences(ours: Detections, theirs: Detections) -> tuple[float, float]:
    """Return the largest differences of edges and scores between boxes and their counterparts."""
    pixels = score = 0.0
    for box, value, label in zip(ours.boxes, ours.scores, ours.labels, strict=True):
        same = np.flatnonzero(theirs.labels == label)
        edges = np.abs(theirs.boxes[same] - box).max(axis=1) if len(same) else np.array([np.inf])
        if edges.min() > 1 and value < 0.05 + _NEAR:
            continue
        if not len(same):
            return np.inf, np.inf
        pixels = max(pixels, float(edges.min()))
        score = max(score, float(abs(theirs.scores[same[edges.argmin()]] - value)))
    return pixels, score


def _draw_images(size: int) -> np.ndarray:
    """Return images of noise with round sources, float32 (3, 3, size, size), always the same."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    images = []
    for _ in range(_IMAGES):
        plane = rng.normal(0.23, 0.07, (size, size))
        for cx, cy, width in zip(*rng.uniform(0, size, (2, 8)), rng.uniform(3, 8, 8), strict=True):
            plane += 0.8 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width**2))
        images.append(np.clip(np.stack([plane, 0.5 * plane, 0.3 * plane]), 0, 1))
    return np.stack(images).astype(np.float32)
