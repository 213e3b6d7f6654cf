"""Several crops of each picture, for learning without labels (Caron et al. 2020, arXiv:2006.09882).

Two crops show most of a picture, and the others a part of it. Galaxies have no preferred orientation, so crops are
rotated by any angle and mirrored. Brightness, sharpness and noise vary slightly, as they do between exposures. Colours
carry physical information, so crops are not converted to gray or solarized. All random numbers depend only on (seed,
epoch, item).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

GLOBAL_CROPS = 2
_SALT = 0x43524F50  # for other random numbers than in Augmentation
_TRUNCATE = 3  # radius of the blur kernel in standard deviations


@dataclass(frozen=True, kw_only=True)
class MultiCrop:
    """The crops and the strength of their augmentation.

    Parameters
    ----------
    size, local_size : int
        Side of the two global crops and of the local crops, in pixels.
    local_crops : int
        Number of local crops.
    global_scale, local_scale : tuple of two float
        Range of the fraction of the area that a crop shows, with a uniform distribution. Crops are within the
        picture, more often near its middle, where the galaxy is.
    rotate : bool
        Rotate by any angle, and mirror half of the crops.
    quarter_turns : bool
        Rotate by multiples of 90 degrees only.
    gain : float
        Strength of the brightness change: a factor between ``1 - gain`` and ``1 + gain``, and a fifth of that per
        channel.
    blur : float
        Largest standard deviation of the Gaussian blur as a fraction of `size`; half of the crops are blurred.
    noise : float
        Largest standard deviation of the Gaussian noise, in display values of [0, 1].
    """

    size: int
    local_size: int
    local_crops: int = 6
    global_scale: tuple[float, float] = (0.4, 1.0)
    local_scale: tuple[float, float] = (0.1, 0.4)
    rotate: bool = True
    quarter_turns: bool = False
    gain: float = 0.15
    blur: float = 0.01
    noise: float = 0.02

    def crops(self, pictures: torch.Tensor, *, seed: int, epoch: int, items: Sequence[int]) -> list[torch.Tensor]:
        """Cut the crops, on the device of the pictures.

        Parameters
        ----------
        pictures : Tensor of uint8, shape (N, size, size, C)
            Display values.
        seed, epoch : int
            Random seed and epoch of the run.
        items : sequence of N int
            Index in the data set of each picture. Its crops do not depend on the other pictures of the batch.

        Returns
        -------
        list of Tensor of float32
            Two global crops, (N, C, size, size), then the local ones, (N, C, local_size, local_size), with display
            values in [0, 1]. Pictures are mirrored where a rotated crop reaches beyond the edge.
        """
        channels = pictures.shape[-1]
        total = GLOBAL_CROPS + self.local_crops
        draws, noises = self._draws(items, (total, 11 + channels), seed=seed, epoch=epoch)
        whole = pictures.permute(0, 3, 1, 2).to(torch.float32) / 255
        generator = torch.Generator(device=pictures.device)
        crops = []
        for view in range(total):
            is_global = view < GLOBAL_CROPS
            side = self.size if is_global else self.local_size
            own = draws[:, view]
            x = _resample(whole, self._matrices(own, self.global_scale if is_global else self.local_scale), side)
            x = _blur(x, np.where(own[:, 7] < 0.5, own[:, 8], 0.0) * self.blur * self.size, self.blur * self.size)
            gain = 1 + self.gain * (2 * own[:, 9:10] - 1) + 0.2 * self.gain * (2 * own[:, 11:] - 1)
            x = x * _column(gain, x)[:, :, None, None]
            if self.noise:
                grain = [
                    torch.randn(x.shape[1:], generator=generator.manual_seed(int(state[view])), device=x.device)
                    for state in noises
                ]
                x = x + _column(self.noise * own[:, 10], x)[:, None, None, None] * torch.stack(grain)
            crops.append(x.clamp_(0, 1))
        return crops

    def _draws(
        self, items: Sequence[int], shape: tuple[int, int], *, seed: int, epoch: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return random numbers in [0, 1), shape (N, *shape), and seeds of the noise, shape (N, crops)."""
        generators = [np.random.default_rng((seed, epoch, int(item), _SALT)) for item in items]
        draws = np.stack([rng.random(shape) for rng in generators])
        return draws, np.stack([rng.integers(0, 2**63 - 1, shape[0]) for rng in generators])

    def _matrices(self, draws: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
        """Return the matrices, shape (N, 2, 3), from crop coordinates to picture coordinates, both in [-1, 1]."""
        side = np.sqrt(scale[0] + (scale[1] - scale[0]) * draws[:, 2])
        turns = np.floor(4 * draws[:, 0]) / 4 if self.quarter_turns else draws[:, 0]
        angle = 2 * np.pi * turns * self.rotate
        mirror = np.where((draws[:, 1] < 0.5) & self.rotate, -1.0, 1.0)
        cosine, sine = np.cos(angle) * side, np.sin(angle) * side
        # the sum of two uniform numbers has a triangular distribution, zero where the crop would touch the edge
        tx, ty = ((1 - side)[:, None] * (draws[:, 3:5] + draws[:, 5:7] - 1)).T
        return np.stack([mirror * cosine, -sine, tx, mirror * sine, cosine, ty], axis=1).reshape(-1, 2, 3)


def _resample(images: torch.Tensor, matrices: np.ndarray, side: int) -> torch.Tensor:
    """Resample images (N, C, ny, nx) bilinearly to (N, C, side, side) through affine matrices (N, 2, 3).

    The grid is computed element by element, because the rounding of a batched product can depend on the batch size.
    """
    at = (torch.arange(side, dtype=torch.float32, device=images.device) * 2 + 1) / side - 1
    a = _column(matrices, images)[:, :, :, None, None]
    x, y = at[None, None, :], at[None, :, None]
    grid = a[:, :, 0] * x[:, None] + a[:, :, 1] * y[:, None] + a[:, :, 2]
    return F.grid_sample(
        images, grid.permute(0, 2, 3, 1), mode="bilinear", padding_mode="reflection", align_corners=False
    )


def _blur(images: torch.Tensor, sigmas: np.ndarray, largest: float) -> torch.Tensor:
    """Smooth each image (N, C, ny, nx) by a Gaussian with its own standard deviation in pixels; 0 changes nothing."""
    reach = min(int(np.ceil(_TRUNCATE * largest)), images.shape[-1] - 1)
    if reach < 1 or not sigmas.any():
        return images
    offsets = np.arange(-reach, reach + 1)
    kernels = np.exp(-0.5 * (offsets / np.maximum(sigmas, 1e-3)[:, None]) ** 2)
    weights = _column(kernels / kernels.sum(axis=1, keepdims=True), images)[:, None, None, :]
    ny, nx = images.shape[-2:]
    padded = F.pad(images, (reach, reach, 0, 0), mode="reflect")
    across = torch.zeros_like(images)
    for i in range(len(offsets)):
        across += weights[..., i : i + 1] * padded[..., i : i + nx]
    padded = F.pad(across, (0, 0, reach, reach), mode="reflect")
    smooth = torch.zeros_like(images)
    for i in range(len(offsets)):
        smooth += weights[..., i : i + 1] * padded[..., i : i + ny, :]
    return smooth


def _column(values: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values, dtype=like.dtype, device=like.device)
