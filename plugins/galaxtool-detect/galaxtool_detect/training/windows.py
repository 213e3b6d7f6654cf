"""Windows of fields as a network gets them: cut out, stretched, enlarged, with their boxes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from galaxtool_detect.boxes import DetectionSet, FieldImage
from galaxtool_detect.geometry import LEAST_DATA, clip_boxes, measure_data, to_network
from galaxtool_detect.stretch import stretch
from galaxtool_detect.training.augmentation import Augmentation
from galaxtool_detect.windows import cut_pixels, enlarge, find_factor, find_side

_DRAWS = 32
"""Windows that are drawn until one has data."""

_CACHE_BYTES = 1 << 30
"""Memory for the fields that were read."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """An image as a network gets it.

    Parameters
    ----------
    image : ndarray of float32, shape (3, size, size)
        Values in [0, 1].
    boxes : ndarray of float32, shape (N, 4)
        Boxes in pixels of the image, whose outer corner is (0, 0).
    labels : ndarray of int64, shape (N,)
        Index of the class.
    ignored : ndarray of float32, shape (M, 4)
        Boxes that are neither sources nor background: those that the field ignores, and those of sources that are
        mostly outside the window or on pixels without data.
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    ignored: np.ndarray


class FieldCache:
    """Fields of a data set, of which as many are kept in memory as fit into a limit."""

    def __init__(self, fields: DetectionSet, limit: int = _CACHE_BYTES) -> None:
        self.fields = fields
        self.limit = limit
        self._kept: OrderedDict[int, FieldImage] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.fields)

    def __getitem__(self, index: int) -> FieldImage:
        if index in self._kept:
            return self._kept[index]
        field = self.fields[index]
        if self._bytes + field.pixels.nbytes <= self.limit:
            self._kept[index] = field
            self._bytes += field.pixels.nbytes
        return field


def cut_window(
    field: FieldImage,
    left: int,
    bottom: int,
    image_size: int,
    upscale: float,
    augmentation: Augmentation | None = None,
    rng: np.random.Generator | None = None,
) -> Window:
    """Cut a window out of a field, which may reach beyond its edge, where there are no data.

    Parameters
    ----------
    field : FieldImage
        Field with its boxes.
    left, bottom : int
        First column and row of the window.
    image_size : int
        Side of the network's images.
    upscale : float
        Factor by which the window is enlarged.
    augmentation : Augmentation, optional
        Random changes, drawn from `rng`.
    """
    side = find_side(image_size, upscale)
    factor = find_factor(image_size, side)
    pixels = cut_pixels(field.pixels, left, bottom, side)
    mask = None if field.mask is None else cut_pixels(field.mask[None].astype(np.float32), left, bottom, side)[0] > 0
    has_data = np.isfinite(pixels).any(axis=0) & (True if mask is None else ~mask)
    image = enlarge(stretch(pixels, field.unit, mask), image_size)
    n = len(field.boxes)
    boxes, in_window = clip_boxes(
        to_network(np.concatenate([field.boxes, field.ignored]), left, bottom, factor), image_size
    )
    kept = in_window & (measure_data(has_data, boxes / factor) >= LEAST_DATA)
    if augmentation is not None and rng is not None:
        image, boxes = augmentation.apply(image, boxes, rng)
    is_source = kept & (np.arange(len(boxes)) < n)
    is_ignored = ~is_source & ((boxes[:, 2:] - boxes[:, :2]) >= 1).all(axis=1)
    return Window(image=image, boxes=boxes[is_source], labels=field.labels[is_source[:n]], ignored=boxes[is_ignored])


def draw_place(field: FieldImage, side: int, rng: np.random.Generator | None) -> tuple[int, int]:
    """Return the first column and row of a window: anywhere in the field, or its middle without a generator.

    A field that is smaller than the window is in its middle. A window without data is drawn again a few times.
    """
    ny, nx = field.shape
    free_x, free_y = nx - side, ny - side
    left, bottom = free_x // 2, free_y // 2
    if rng is None:
        return left, bottom
    for _ in range(_DRAWS):
        left = int(rng.integers(free_x + 1)) if free_x > 0 else left
        bottom = int(rng.integers(free_y + 1)) if free_y > 0 else bottom
        rows, columns = slice(max(bottom, 0), bottom + side), slice(max(left, 0), left + side)
        if np.isfinite(field.pixels[:, rows, columns]).any():
            break
    return left, bottom
