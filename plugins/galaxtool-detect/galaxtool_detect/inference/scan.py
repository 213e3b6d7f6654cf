"""Pass an image through a detector, one row of windows at a time, so that memory does not grow with the image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from galaxtool_detect.boxes import Detections, FieldImage
from galaxtool_detect.catalog.maps import FieldMap
from galaxtool_detect.detectors.engine import DetectionEngine, TorchEngine
from galaxtool_detect.detectors.record import DetectorRecord
from galaxtool_detect.geometry import LEAST_DATA, from_network, measure_data
from galaxtool_detect.inference.merging import WindowDetections, merge
from galaxtool_detect.inference.tiling import OVERLAP, Tiling
from galaxtool_detect.networks.detector import Detector
from galaxtool_detect.stretch import stretch
from galaxtool_detect.windows import enlarge, find_factor, find_side

ReadBox = Callable[[int, int, int, int], np.ndarray]
"""Takes y0, y1, x0, x1 within an image and returns its pixels, float32 (bands, y1 - y0, x1 - x0)."""


@dataclass(frozen=True)
class _Window:
    """A window: its first column and row, the network's image of it, and which of its pixels have data."""

    left: int
    bottom: int
    image: np.ndarray
    has_data: np.ndarray

    def measure_data(self, boxes: np.ndarray) -> np.ndarray:
        """Return the share of pixels with data in each box (N, 4), in pixels of the whole image."""
        origin = np.array([self.left, self.bottom, self.left, self.bottom])
        return measure_data(self.has_data, boxes - origin + 0.5)


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
        Factor by which windows are enlarged, as nearly as a whole number of pixels allows.
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
        parts: list[WindowDetections] = []
        windows: list[_Window] = []
        for left in self.tiling.columns:
            window = self._prepare(left, bottom)
            if window is not None:
                windows.append(window)
            if len(windows) == self.batch_size:
                parts += self._detect(windows)
                windows = []
        return WindowDetections.concatenate(parts + self._detect(windows))

    def _prepare(self, left: int, bottom: int) -> _Window | None:
        """Return a window as the network gets it; None if no pixel of it has data."""
        ny, nx = self.shape
        side = self.tiling.side
        y0, y1, x0, x1 = max(bottom, 0), min(bottom + side, ny), max(left, 0), min(left + side, nx)
        pixels = self.read(y0, y1, x0, x1)
        has_data = np.asarray(np.isfinite(pixels).any(axis=0))
        if not has_data.any():
            return None
        if pixels.shape[-2:] != (side, side):
            margins = ((y0 - bottom, bottom + side - y1), (x0 - left, left + side - x1))
            pixels = np.pad(pixels.astype(np.float32), ((0, 0), *margins), constant_values=np.nan)
            has_data = np.pad(has_data, margins)
        image = enlarge(stretch(pixels, self.unit), self.engine.record.network.image_size)
        return _Window(left, bottom, image, has_data)

    def _detect(self, windows: list[_Window]) -> list[WindowDetections]:
        if not windows:
            return []
        parts = []
        images = np.stack([window.image for window in windows])
        factor = find_factor(self.engine.record.network.image_size, self.tiling.side)
        for window, found in zip(windows, self.engine.detect(images), strict=True):
            boxes = from_network(found.boxes, window.left, window.bottom, factor)
            boxes, inside = self._clip(boxes)
            inside &= window.measure_data(boxes) >= LEAST_DATA
            whole = Detections(boxes=boxes, scores=found.scores, labels=found.labels).select(inside)
            parts.append(WindowDetections(whole, self.tiling.find_cut(whole.boxes, window.left, window.bottom)))
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
    scan = Scan(
        engine=TorchEngine(detector, record, device),
        read=FieldMap(image).read,
        shape=image.shape,
        unit=image.unit,
        upscale=upscale,
        overlap=overlap,
    )
    return scan.detect()
