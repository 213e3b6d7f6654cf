"""Pass an image through a detector, one row of windows at a time, so that memory does not grow with the image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from galaxtool_detect.boxes import Detections, FieldImage
from galaxtool_detect.detectors.engine import DetectionEngine, TorchEngine
from galaxtool_detect.detectors.record import DetectorRecord
from galaxtool_detect.geometry import from_network
from galaxtool_detect.inference.merging import WindowDetections, merge
from galaxtool_detect.inference.tiling import OVERLAP, Tiling
from galaxtool_detect.networks.detector import Detector
from galaxtool_detect.stretch import stretch
from galaxtool_detect.windows import enlarge, find_side

ReadBox = Callable[[int, int, int, int], np.ndarray]
"""Takes y0, y1, x0, x1 within an image and returns its pixels, float32 (bands, y1 - y0, x1 - x0)."""


@dataclass(frozen=True, kw_only=True)
class Scan:
    """An image and how it passes through a detector.

    Parameters
    ----------
    engine : DetectionEngine
        Detector.
    read : callable
        See `ReadBox`.
    shape : (int, int)
        Height and width of the image.
    unit : str
        ``"display"`` for a picture.
    upscale : float
        Factor by which windows are enlarged.
    overlap : float
        Share of a window that it has in common with the next.
    batch_size : int
        Windows that pass through the network at once.
    """

    engine: DetectionEngine
    read: ReadBox
    shape: tuple[int, int]
    unit: str = ""
    upscale: float = 1.0
    overlap: float = OVERLAP
    batch_size: int = 8
    tiling: Tiling = field(init=False)

    def __post_init__(self) -> None:
        side = find_side(self.engine.record.network.image_size, self.upscale)
        object.__setattr__(self, "tiling", Tiling(self.shape, side, self.overlap))

    def detect_row(self, bottom: int) -> WindowDetections:
        """Return what is in one row of windows; windows without data are skipped."""
        parts, images, places = [], [], []
        for left in self.tiling.columns:
            image = self._prepare(left, bottom)
            if image is not None:
                images.append(image)
                places.append(left)
            if len(images) == self.batch_size:
                parts += self._detect(images, places, bottom)
                images, places = [], []
        parts += self._detect(images, places, bottom)
        return WindowDetections.concatenate(parts)

    def _prepare(self, left: int, bottom: int) -> np.ndarray | None:
        """Return a window as the network gets it; None if no pixel of it has data."""
        ny, nx = self.shape
        side = self.tiling.side
        y0, y1, x0, x1 = max(bottom, 0), min(bottom + side, ny), max(left, 0), min(left + side, nx)
        pixels = self.read(y0, y1, x0, x1)
        if not np.isfinite(pixels).any():
            return None
        if pixels.shape[-2:] != (side, side):
            margins = ((0, 0), (y0 - bottom, bottom + side - y1), (x0 - left, left + side - x1))
            pixels = np.pad(pixels.astype(np.float32), margins, constant_values=np.nan)
        return enlarge(stretch(pixels, self.unit), self.engine.record.network.image_size)

    def _detect(self, images: list[np.ndarray], places: list[int], bottom: int) -> list[WindowDetections]:
        if not images:
            return []
        parts = []
        for left, found in zip(places, self.engine.detect(np.stack(images)), strict=True):
            boxes = from_network(found.boxes, left, bottom, self.upscale)
            boxes, inside = self._clip(boxes)
            whole = Detections(boxes=boxes, scores=found.scores, labels=found.labels).select(inside)
            parts.append(WindowDetections(whole, self.tiling.find_cut(whole.boxes, left, bottom)))
        return parts

    def _clip(self, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes clipped to the image, and whether their centres are in it."""
        ny, nx = self.shape
        high = np.array([nx, ny], np.float32) - 0.5
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        inside = ((centers > -0.5) & (centers < high)).all(axis=1)
        return np.clip(boxes, -0.5, np.tile(high, 2)).astype(np.float32), inside

    def detect(self) -> Detections:
        """Return what is in the whole image."""
        parts = [self.detect_row(bottom) for bottom in self.tiling.rows]
        return merge(WindowDetections.concatenate(parts), self.tiling.side)


def detect_field(
    detector: Detector, image: FieldImage, *, upscale: float, device: torch.device, overlap: float = OVERLAP
) -> Detections:
    """Return what a detector in PyTorch finds in a field in memory; it must be in evaluation mode."""
    record = DetectorRecord(network=detector.config, upscale=upscale)
    pixels = image.pixels if image.mask is None else np.where(image.mask, np.nan, image.pixels.astype(np.float32))
    scan = Scan(
        engine=TorchEngine(detector, record, device),
        read=lambda y0, y1, x0, x1: pixels[:, y0:y1, x0:x1],
        shape=image.shape,
        unit=image.unit,
        upscale=upscale,
        overlap=overlap,
    )
    return scan.detect()
