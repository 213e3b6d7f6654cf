"""Square windows of an image, and their size as a network gets them."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F


def find_side(image_size: int, upscale: float) -> int:
    """Return the side of a window in pixels of the field."""
    return max(round(image_size / upscale), 1)


def find_factor(image_size: int, side: int) -> float:
    """Return the factor by which a window is really enlarged, whose side is a whole number of pixels."""
    return image_size / side


def cut_pixels(pixels: np.ndarray, left: int, bottom: int, side: int) -> np.ndarray:
    """Return a square of pixels (bands, side, side), NaN (0 for integers) beyond the edge."""
    ny, nx = pixels.shape[-2:]
    y0, y1, x0, x1 = max(bottom, 0), min(bottom + side, ny), max(left, 0), min(left + side, nx)
    if (y1 - y0, x1 - x0) == (side, side):
        return pixels[:, y0:y1, x0:x1]
    square = np.full((len(pixels), side, side), np.nan, np.float32)
    square[:, y0 - bottom : y1 - bottom, x0 - left : x1 - left] = pixels[:, y0:y1, x0:x1]
    return square


def enlarge(image: np.ndarray, size: int) -> np.ndarray:
    """Resize an image (3, n, n) to (3, size, size), bilinearly."""
    if image.shape[-1] == size:
        return image
    tensor = torch.from_numpy(np.ascontiguousarray(image))[None]
    resized: np.ndarray = F.interpolate(
        tensor, size=(size, size), mode="bilinear", align_corners=False, antialias=size < image.shape[-1]
    )[0].numpy()
    return resized
