"""Engines that run a detector on prepared images: PyTorch, or ONNX Runtime without PyTorch's network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from galaxtool import ModelError, OnnxSession
from galaxtool_detect.boxes import Detections
from galaxtool_detect.detectors.record import DetectorRecord
from galaxtool_detect.networks.detector import Detector

METADATA = "galaxtool_detect"
"""Key of the record in the metadata of an ONNX file."""

_MOST_BOXES = 100_000


class DetectionEngine(Protocol):
    """What runs a detector.

    Attributes
    ----------
    record : DetectorRecord
        What the detector is.
    """

    record: DetectorRecord

    def detect(self, images: np.ndarray) -> list[Detections]:
        """Return what is in each of the images, float32 (N, 3, size, size); boxes in torchvision's coordinates."""


class TorchEngine:
    """A detector in PyTorch.

    Parameters
    ----------
    detector : Detector
        Detector on the device, in evaluation mode while it runs.
    record : DetectorRecord
        What it is.
    device : torch.device
        Device.
    precision : {"fp32", "bf16", "fp16"}
        Precision of the backbone and the pyramid.
    """

    def __init__(
        self, detector: Detector, record: DetectorRecord, device: torch.device, precision: str = "fp32"
    ) -> None:
        self.detector = detector.to(device).to(memory_format=torch.channels_last)
        self.record = record
        self.device = device
        self.dtype = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]

    @torch.inference_mode()
    def detect(self, images: np.ndarray) -> list[Detections]:
        """Return what is in each of the images."""
        tensor = torch.from_numpy(images).to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not None):
            found = self.detector(tensor)
        assert isinstance(found, list)
        return [make_detections(one["boxes"].cpu(), one["scores"].cpu(), one["labels"].cpu()) for one in found]


class OnnxEngine:
    """A detector in ONNX Runtime.

    Parameters
    ----------
    path : Path
        File that `galaxtool detect export` wrote.

    Raises
    ------
    ModelError
        If it is not such a file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._session = OnnxSession(path)
        try:
            values = json.loads(self._session.metadata[METADATA])
        except KeyError as error:
            raise ModelError(
                f"'{path}' is not a detector.", hint="Give a file that `galaxtool detect export` wrote."
            ) from error
        except (ValueError, RecursionError) as error:
            raise ModelError(f"The record in '{path}' is damaged: {error}.") from error
        self.record = DetectorRecord.from_dict(values, str(path))

    def detect(self, images: np.ndarray) -> list[Detections]:
        """Return what is in each of the images."""
        found = []
        for image in images:
            boxes, scores, labels = self._session.run(["boxes", "scores", "labels"], {"image": image[None]})
            self._check(boxes, scores, labels)
            found.append(make_detections(boxes, scores, labels))
        return found

    def _check(self, boxes: Any, scores: Any, labels: Any) -> None:
        """Raise `ModelError` if the file, which may come from anyone, returns something else than boxes."""
        shapes = [np.shape(one) for one in (boxes, scores, labels)]
        n = shapes[0][0] if shapes[0] else 0
        is_valid = shapes == [(n, 4), (n,), (n,)] and n <= _MOST_BOXES and np.isfinite(boxes).all()
        if is_valid and n:
            known = np.min(labels) >= 1 and np.max(labels) <= len(self.record.network.classes)
            is_valid = bool(known and np.min(scores) >= 0 and np.max(scores) <= 1)
        if not is_valid:
            raise ModelError(
                f"The ONNX file '{self._path}' does not return boxes with scores and classes.",
                hint="Write it again with `galaxtool detect export`.",
            )


def make_detections(boxes: Any, scores: Any, labels: Any) -> Detections:
    """Return detections from arrays or tensors; labels of the network count from 1."""
    return Detections(
        boxes=np.asarray(boxes, np.float32).reshape(-1, 4),
        scores=np.asarray(scores, np.float32),
        labels=np.asarray(labels, np.int64) - 1,
    )
