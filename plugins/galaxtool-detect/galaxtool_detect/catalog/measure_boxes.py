"""Measure all detections of an image, each without the pixels of its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from galaxtool import Progress
from galaxtool_detect.catalog.fluxes import Measurement, is_extended_class, measure_box
from galaxtool_detect.catalog.joining import contains, find_neighbours
from galaxtool_detect.catalog.maps import PixelMap
from galaxtool_detect.catalog.noise_grid import NoiseGrid


def measure_boxes(
    image: PixelMap, noise: NoiseGrid, boxes: np.ndarray, labels: Sequence[str], progress: Progress | None = None
) -> list[Measurement]:
    """Measure the sources in boxes, in the order of the rows of the image, so that its file is read from start to end.

    Parameters
    ----------
    image : PixelMap
        The image.
    noise : NoiseGrid
        Its background and noise.
    boxes : ndarray, shape (N, 4)
        x0, y0, x1, y1 in pixels.
    labels : sequence of str
        Class of each source.
    progress : Progress, optional
        Receives the progress.
    """
    found: dict[int, Measurement] = {}
    others: list[list[int]] = [[] for _ in boxes]
    for one, other in find_neighbours(boxes, 0.0):
        if not contains(boxes[one], boxes[other]):
            others[one].append(other)
            others[other].append(one)
    if progress is not None:
        progress.start("Measuring sources", len(boxes))
    for row in np.argsort(boxes[:, 1], kind="stable").tolist():
        extended = is_extended_class(labels[row])
        found[row] = measure_box(image, noise, boxes[row], boxes[others[row]], is_extended=extended)
        if progress is not None:
            progress.advance()
    return [found[row] for row in range(len(boxes))]
