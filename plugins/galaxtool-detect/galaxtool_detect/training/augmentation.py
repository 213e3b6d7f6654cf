"""Random changes of the images in training: blur, contrast and colour jitter, and flips if requested."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

_MOST_BLUR = 1.0
"""Largest width of the blur, sigma in pixels of the network's image."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes of an image with its boxes.

    Parameters
    ----------
    blur : float
        Share of the images that are blurred, by a Gaussian of up to one pixel.
    contrast : float
        Largest relative change of the contrast about the mean.
    jitter : float
        Largest relative change of the gain of each channel; its level changes by up to half as much.
    flips : bool
        Whether images are mirrored and turned by quarters.
    """

    blur: float = 0.5
    contrast: float = 0.3
    jitter: float = 0.1
    flips: bool = False

    def apply(self, image: np.ndarray, boxes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return a changed image, float32 (3, n, n) in [0, 1], and its boxes (N, 4) in the network's pixels.

        The order of the boxes stays.
        """
        if rng.random() < self.blur:
            sigma = rng.uniform(0.1, _MOST_BLUR)
            image = gaussian_filter(image, (0, sigma, sigma), mode="nearest")
        mean = image.mean(axis=(1, 2), keepdims=True)
        image = mean + (image - mean) * rng.uniform(1 - self.contrast, 1 + self.contrast)
        gain = rng.uniform(1 - self.jitter, 1 + self.jitter, (3, 1, 1))
        image = image * gain + rng.uniform(-self.jitter / 2, self.jitter / 2, (3, 1, 1))
        if self.flips:
            image, boxes = turn(image, boxes, int(rng.integers(4)), mirrored=bool(rng.integers(2)))
        return np.clip(image, 0, 1).astype(np.float32), boxes


def turn(image: np.ndarray, boxes: np.ndarray, quarters: int, *, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mirror an image (3, n, n) left to right, if so, and then turn it by quarters, with its boxes (N, 4)."""
    side = image.shape[-1]
    x0, y0, x1, y1 = boxes.T
    if mirrored:
        image = image[:, :, ::-1]
        x0, x1 = side - x1, side - x0
    for _ in range(quarters % 4):
        image = np.rot90(image, axes=(1, 2))  # the new row is side minus the old column
        x0, y0, x1, y1 = y0, side - x1, y1, side - x0
    return np.ascontiguousarray(image), np.stack([x0, y0, x1, y1], axis=1).astype(np.float32)
