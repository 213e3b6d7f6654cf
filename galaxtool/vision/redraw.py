"""Redraw symbols as different hands would: another angle, size, stroke, brightness and background at each step.

A clean drawing has a flat background and strokes of one width. A network could tell symbols from images by that alone,
so redrawn symbols have faint backgrounds and noise too.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

_TAG = 0x53594D  # keeps the random numbers of symbols apart from those of images
_DRAWS = 16  # random numbers for each redraw
_STRETCH = 1.1  # largest ratio between the two axes
_SHRINK = 1.15  # drawings fill the square, so they are made smaller more than larger
_WOBBLE = 0.012  # standard deviation of the displacement of lines, as a fraction of the side
_KNOTS = 5  # the displacement varies smoothly between this many points along each axis


class Draws:
    """Random numbers of the redraws of K classes, copy by copy: each depends on (seed, epoch, step, copy, class).

    Parameters
    ----------
    key : tuple of int
        Random seed, epoch and step.
    copies, classes : int
        Number of redraws of each class, and of classes.
    """

    def __init__(self, key: tuple[int, int, int], copies: int, classes: int) -> None:
        keys = [(*key, copy, k, _TAG) for copy in range(copies) for k in range(classes)]
        self._generators = [np.random.default_rng(one) for one in keys]
        self.uniform = np.stack([rng.random(_DRAWS) for rng in self._generators])
        self.knots = np.stack([rng.standard_normal((2, _KNOTS, _KNOTS)) for rng in self._generators])

    def between(self, column: int, low: float, high: float) -> np.ndarray:
        """Return uniform numbers between `low` and `high`, shape (copies * K,)."""
        return low + (high - low) * self.uniform[:, column]

    def noise(self, size: int) -> np.ndarray:
        """Return white noise of unit variance, float32 (copies * K, 1, size, size)."""
        return np.stack([rng.standard_normal((1, size, size), dtype=np.float32) for rng in self._generators])


def redraw(drawings: torch.Tensor, draws: Draws, matrices: np.ndarray) -> torch.Tensor:
    """Redraw symbols.

    Parameters
    ----------
    drawings : Tensor of uint8, shape (K, V, size, size, C)
        V drawings of each class, bright on a dark background.
    draws : Draws
        Random numbers.
    matrices : ndarray, shape (copies * K, 2, 3)
        Maps from output to input coordinates in [-1, 1].

    Returns
    -------
    Tensor of float32, shape (copies * K, C, size, size)
        Display values in [0, 1], copy by copy.
    """
    classes, variants, channels = len(drawings), drawings.shape[1], drawings.shape[-1]
    variant = np.minimum((draws.uniform[:, 0] * variants).astype(np.int64), variants - 1)
    row = np.arange(len(variant)) % classes * variants + variant
    chosen = drawings.flatten(0, 1)[torch.as_tensor(row, device=drawings.device)]
    if bool((chosen == chosen[..., :1]).all()):  # gray, as most drawings are: one channel does for all
        chosen = chosen[..., :1]
    x = chosen.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format) / 255
    with torch.autocast(x.device.type, enabled=False):  # coordinates in half precision are coarser than a pixel
        x = _vary_stroke(x, draws)
        x = _warp(x, matrices, draws.knots)
        return _vary_light(x, draws, channels)


def _vary_stroke(x: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Blur, then brighten and clip: lines become thicker or thinner, and edges sharper or softer."""
    size = x.shape[-1]
    kernel = max(2 * round(0.02 * size) + 1, 3)
    soft = _average(x, kernel)
    softer = _average(soft, kernel)
    amount = _column(draws.between(1, 0, min(2, size / 32)), x)  # 3 pixels are much of a small image
    blurred = torch.where(amount < 1, torch.lerp(x, soft, amount), torch.lerp(soft, softer, amount - 1))
    boosted = (blurred * _column(draws.between(2, 0.9, 1.8), x)).clamp_(0, 1)
    return boosted.pow_(_column(draws.between(3, 0.8, 1.5), x))


def _average(x: torch.Tensor, kernel: int) -> torch.Tensor:
    """Average over squares with dark pixels beyond the edge: sums of shifted copies are faster than a pooling."""
    n, half = x.shape[-1], kernel // 2
    rows = F.pad(x, (half, half, half, half))
    rows = torch.stack([rows[..., i : i + n, :] for i in range(kernel)]).mean(dim=0)
    return torch.stack([rows[..., i : i + n] for i in range(kernel)]).mean(dim=0)


def _warp(x: torch.Tensor, matrices: np.ndarray, knots: np.ndarray) -> torch.Tensor:
    """Resample through affine matrices (N, 2, 3) and a smooth displacement given by its knots (N, 2, n, n)."""
    grid = F.affine_grid(torch.as_tensor(matrices, dtype=x.dtype, device=x.device), list(x.shape), align_corners=False)
    knot = torch.as_tensor(2 * _WOBBLE * knots, dtype=x.dtype, device=x.device)
    wobble = F.interpolate(knot, x.shape[-2:], mode="bicubic", align_corners=True)
    return F.grid_sample(x, grid + wobble.permute(0, 2, 3, 1), mode="bilinear", align_corners=False)


def _vary_light(x: torch.Tensor, draws: Draws, channels: int) -> torch.Tensor:
    """Change the brightness and the tint, and add a faint background and noise to some."""
    warmth = draws.between(4, -0.12, 0.12) * (draws.uniform[:, 5] < 0.5)
    tint = 1 + warmth[:, None] * np.linspace(1, -1, channels)  # half of them are gray, others reddish or bluish
    strength = draws.between(12, 0.6, 1.0)
    level = np.maximum(draws.between(13, -0.12, 0.15), 0)
    amplitude = np.maximum(draws.between(14, -0.06, 0.06), 0)
    background = torch.as_tensor(draws.noise(x.shape[-1]), device=x.device) * _column(amplitude, x) + _column(level, x)
    factor = torch.as_tensor((strength * (1 - level))[:, None] * tint, dtype=x.dtype, device=x.device)
    return torch.addcmul(background, x, factor[:, :, None, None]).clamp_(0, 1)


def stretch_matrices(matrices: np.ndarray, draws: Draws) -> np.ndarray:
    """Stretch one axis of the drawing by up to a tenth against the other, and make it a little smaller."""
    ratio = _STRETCH ** draws.between(15, -0.5, 0.5)
    stretched: np.ndarray = matrices.copy()
    stretched[:, 0, :2] *= _SHRINK * ratio[:, None]
    stretched[:, 1, :2] *= _SHRINK / ratio[:, None]
    return stretched


def _column(values: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    """Return a value for each image, shape (N, 1, 1, 1)."""
    return torch.as_tensor(values, dtype=like.dtype, device=like.device)[:, None, None, None]
