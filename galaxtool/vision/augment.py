"""Augmentation of images and symbols during training: galaxies have no preferred orientation, and symbols are sketches.

All random numbers depend only on (seed, epoch, item), or for symbols on (seed, epoch, step, copy, class), so a batch
does not depend on the worker that makes it, and a resumed run sees the same batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from galaxtool.vision.preprocess import per_channel
from galaxtool.vision.redraw import Draws, redraw, stretch_matrices

_SYMBOL_ZOOM, _SYMBOL_SHIFT = 1.3, 0.08  # symbols are redrawn however images are augmented


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """The augmentation and its strength; the parameters are about images, not about symbols.

    Parameters
    ----------
    rotate : bool
        Rotate by any angle, and mirror half of the images.
    quarter_turns : bool
        Rotate by multiples of 90 degrees only. Without zoom and shift, every pixel then keeps its value.
    zoom : float
        Largest scale factor; the scale is between ``1 / zoom`` and ``zoom``, uniform in its logarithm.
    shift : float
        Largest displacement along each axis, as a fraction of the side.
    gain : float
        Strength of the brightness change: a factor between ``1 - gain`` and ``1 + gain``, and a fifth of that per
        channel.
    margin : float
        Side of the field of the pictures in units of that of the images; only `SurveyAugmentation` uses more than 1.
    size : int or None
        Side of the images in pixels; None for that of the pictures.
    """

    rotate: bool = True
    quarter_turns: bool = False
    zoom: float = 1.2
    shift: float = 0.04
    gain: float = 0.15
    margin: float = 1.0
    size: int | None = None

    def images(self, pictures: torch.Tensor, *, seed: int, epoch: int, items: Sequence[int]) -> torch.Tensor:
        """Augment pictures.

        Parameters
        ----------
        pictures : Tensor of uint8, shape (N, size, size, C)
            Display values.
        seed, epoch : int
            Random seed and epoch of the run.
        items : sequence of N int
            Index in the data set of each picture.

        Returns
        -------
        Tensor of float32, shape (N, C, size, size)
            Display values in [0, 1]. Pictures are mirrored beyond the edge, which continues the sky.
        """
        n = 6 + pictures.shape[-1]
        draws = np.stack([np.random.default_rng((seed, epoch, int(i))).random(n) for i in items])
        x = pictures.permute(0, 3, 1, 2).to(torch.float32) / 255
        if self.zoom != 1 or self.shift or (self.rotate and not self.quarter_turns):
            x = warp(x, self._matrices(draws, self.zoom, self.shift), padding="reflection")
        elif self.rotate:
            x = _turn(x, draws)
        if not self.gain:
            return x.contiguous()
        gain = 1 + self.gain * (2 * draws[:, 5:6] - 1) + 0.2 * self.gain * (2 * draws[:, 6:] - 1)
        return (x * torch.as_tensor(gain, dtype=x.dtype, device=x.device)[:, :, None, None]).clamp_(0, 1)

    def symbols(self, drawings: torch.Tensor, *, seed: int, epoch: int, step: int, copies: int = 1) -> torch.Tensor:
        """Redraw symbols at each step, so that no drawing is memorized; see `galaxtool.vision.redraw`.

        Parameters
        ----------
        drawings : Tensor of uint8, shape (K, V, size, size, C)
            V drawings of each class, bright on a dark background. Each redraw is of one of them, drawn at random.
        seed, epoch, step : int
            Random seed, epoch and step of the run.
        copies : int
            Number of redraws of each class.

        Returns
        -------
        Tensor of float32, shape (copies * K, C, size, size)
            Display values in [0, 1], copy by copy: row ``copy * K + k`` is a redraw of class k.
        """
        draws = Draws((seed, epoch, step), copies, len(drawings))
        matrices = _make_matrices(draws.uniform[:, 7:12], _SYMBOL_ZOOM, _SYMBOL_SHIFT)
        return redraw(drawings, draws, stretch_matrices(matrices, draws))

    def _matrices(self, draws: np.ndarray, zoom: float, shift: float) -> np.ndarray:
        """Return the matrices of `_make_matrices` with the rotations of these settings."""
        turns = np.floor(4 * draws[:, :1]) / 4 if self.quarter_turns else draws[:, :1]
        unmirrored = np.maximum(draws[:, 1:2], 0.5 * (not self.rotate))
        return _make_matrices(np.hstack([turns * self.rotate, unmirrored, draws[:, 2:]]), zoom, shift)


def _make_matrices(draws: np.ndarray, zoom: float, shift: float) -> np.ndarray:
    """Return the matrices, shape (N, 2, 3), from output to input coordinates in [-1, 1]."""
    angle = 2 * np.pi * draws[:, 0]
    mirror = np.where(draws[:, 1] < 0.5, -1.0, 1.0)
    scale = zoom ** (2 * draws[:, 2] - 1)
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    tx, ty = 2 * shift * (2 * draws[:, 3] - 1), 2 * shift * (2 * draws[:, 4] - 1)
    return np.stack([mirror * cosine, -sine, tx, mirror * sine, cosine, ty], axis=1).reshape(-1, 2, 3)


def _turn(images: torch.Tensor, draws: np.ndarray) -> torch.Tensor:
    """Rotate images (N, C, size, size) by multiples of 90 degrees and mirror half of them."""
    turned = []
    for image, (turn, mirror) in zip(images, draws[:, :2], strict=True):
        image = torch.rot90(image, int(4 * turn), (1, 2))
        turned.append(image.flip(2) if mirror < 0.5 else image)
    return torch.stack(turned)


def warp(images: torch.Tensor, matrices: np.ndarray, *, padding: str) -> torch.Tensor:
    """Resample images (N, C, ny, nx) bilinearly through affine matrices (N, 2, 3).

    Half precision is never used, because its coordinates are coarser than a pixel.
    """
    with torch.autocast(images.device.type, enabled=False):
        theta = torch.as_tensor(matrices, dtype=images.dtype, device=images.device)
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def standardize(images: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Subtract `mean` and divide by `std`, channel by channel, from images (N, C, ny, nx) in [0, 1].

    If there are more or fewer channels than values, see `per_channel`.
    """
    center, spread = (images.new_tensor(per_channel(v, images.shape[1])).view(1, -1, 1, 1) for v in (mean, std))
    return (images - center) / spread
