"""Augmentation for a model that meets images of other surveys: other fields of view, bands, stretches and depths.

It imitates what differs between the pictures of two surveys, far more than `Augmentation` does: how much of the sky a
picture shows, whether it is in colour, the colour balance, the stretch, the seeing and the noise. All random numbers
depend only on (seed, epoch, item).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from galaxtool.vision.augment import Augmentation

_SALT = 0x53555256  # for other random numbers than in Augmentation
_STRIP = 0.3
"""Width of the strip at the edge of a picture that continues it outside, in units of half the side."""

_FADE = 0.1  # distance from the edge, in the same units, beyond which only sky is left
_TRUNCATE = 2.5  # radius of the blur kernel in standard deviations
_SHARP = 0.2  # standard deviation, in pixels, of a blur that cannot be seen
_CHUNK = 8  # pictures that fit into the cache of a processor together


@dataclass(frozen=True, kw_only=True)
class SurveyAugmentation(Augmentation):
    """The augmentation ``survey`` and its strength.

    Pictures are rotated by any angle and mirrored as in `Augmentation`. Then, in this order, they are shown with
    another field of view, blurred, changed in colour and brightness, stretched, and noise is added.

    Parameters
    ----------
    margin : float
        Pictures show a field `margin` times as wide as the images, as far as the files reach, so that a wider field of
        view and a rotated one show the real surroundings.
    zoom : float
        The side of the field of view is multiplied by ``1 / zoom`` to `zoom`, uniform in its logarithm. Outside of
        the picture, the strip along its edge is mirrored again and again, without what is brighter than the sky.
    shift : float
        Largest displacement along each axis, as a fraction of the side.
    gray : float
        Fraction of the pictures that become gray: a mixture of the channels with random weights.
    saturation : tuple of two float
        Range of the factor of the colour, which is the difference of a channel from such a mixture, for the others.
    gain : float
        Brightness: a factor between ``1 / (1 + gain)`` and ``1 + gain``, uniform in its logarithm.
    balance : float
        Colour balance: a factor between ``1 - balance`` and ``1 + balance`` for each channel.
    black : float
        Largest change of the black level, in display values of [0, 1].
    gamma : float
        Stretch: values in [0, 1] are raised to a power between ``1 / gamma`` and `gamma`, uniform in its logarithm.
    blur : float
        Largest standard deviation of a Gaussian blur as a fraction of the side; half of the pictures are blurred.
    noise : float
        Largest standard deviation of Gaussian noise, in display values; half of the pictures get some.
    """

    zoom: float = 2.0
    shift: float = 0.08
    gray: float = 0.2
    saturation: tuple[float, float] = (0.3, 1.5)
    gain: float = 0.4
    balance: float = 0.2
    black: float = 0.06
    gamma: float = 1.6
    blur: float = 0.012
    noise: float = 0.06

    def images(self, pictures: torch.Tensor, *, seed: int, epoch: int, items: Sequence[int]) -> torch.Tensor:
        """Augment pictures; see `Augmentation.images`."""
        generators = [np.random.default_rng((seed, epoch, int(item), _SALT)) for item in items]
        draws = np.stack([rng.random(14 + 2 * pictures.shape[-1]) for rng in generators])
        noises = [int(rng.integers(0, 2**63 - 1)) for rng in generators]
        step = _CHUNK if pictures.device.type == "cpu" else len(pictures)
        with torch.autocast(pictures.device.type, enabled=False):  # half precision is coarser than a pixel
            parts = [
                self._augment(pictures[i : i + step], draws[i : i + step], noises[i : i + step])
                for i in range(0, len(pictures), step)
            ]
        return torch.cat(parts)

    def _augment(self, pictures: torch.Tensor, draws: np.ndarray, noises: list[int]) -> torch.Tensor:
        gray = draws[:, 5] < self.gray
        x = pictures.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        x = self._blur(x, draws)
        matrices = self._matrices(draws, self.zoom, self.shift) / self.margin
        x = _resample(x, matrices, self.size or x.shape[-1])
        x = self._change_colors(x, draws, gray)
        return self._add_noise(x, draws, noises, gray).clamp_(0, 1)

    def _blur(self, x: torch.Tensor, draws: np.ndarray) -> torch.Tensor:
        """Blur some pictures, and those that are shown smaller, whose pixels would alias."""
        side = x.shape[-1] / self.margin  # of an image, in pixels of a picture
        seeing = np.where(draws[:, 6] < 0.5, draws[:, 7], 0.0) * self.blur * side
        finer = side / (self.size or side)
        scale = finer * self.zoom ** (2 * draws[:, 2] - 1)  # pixels of the picture in one of the image
        widest = np.hypot(self.blur * side, 0.5 * np.sqrt(max((finer * self.zoom) ** 2 - 1, 0)))
        widths = np.hypot(seeing, 0.5 * np.sqrt(np.maximum(scale**2 - 1, 0)))
        return _smooth(x, widths, int(np.ceil(_TRUNCATE * widest)))

    def _change_colors(self, x: torch.Tensor, draws: np.ndarray, gray: np.ndarray) -> torch.Tensor:
        """Change colour, brightness, black level and stretch."""
        n, channels = len(draws), x.shape[1]
        mix = -np.log1p(-draws[:, 14 : 14 + channels])  # exponential, so that shares are uniform over the simplex
        mix = mix / np.maximum(mix.sum(axis=1, keepdims=True), 1e-9)
        low, high = self.saturation
        color = np.where(gray, 0.0, low + (high - low) * draws[:, 8])
        balance = 1 + self.balance * (2 * draws[:, 14 + channels :] - 1) * ~gray[:, None]
        gain = (1 + self.gain) ** (2 * draws[:, 9] - 1)
        matrices = color[:, None, None] * np.eye(channels) + (1 - color)[:, None, None] * mix[:, None, :]
        matrices = (gain[:, None] * balance)[:, :, None] * matrices
        black = self.black * (2 * draws[:, 10] - 1)
        changed = torch.baddbmm(
            _tensor(black, x)[:, None, None].expand(n, channels, 1), _tensor(matrices, x), x.flatten(2)
        ).view_as(x)
        power = _tensor(self.gamma ** (2 * draws[:, 11] - 1), x)[:, None, None, None]
        return changed.clamp_(1e-6, 1).log2_().mul_(power).exp2_()

    def _add_noise(self, x: torch.Tensor, draws: np.ndarray, noises: list[int], gray: np.ndarray) -> torch.Tensor:
        """Add noise to half of the pictures, the same in all channels of a gray one."""
        generator = torch.Generator(device=x.device)
        for i in np.flatnonzero(draws[:, 12] < 0.5):
            shape = (1 if gray[i] else x.shape[1], *x.shape[2:])
            grain = torch.randn(shape, generator=generator.manual_seed(noises[i]), device=x.device, dtype=x.dtype)
            x[i] += (self.noise * draws[i, 13]) * grain
        return x


def _resample(images: torch.Tensor, matrices: np.ndarray, size: int) -> torch.Tensor:
    """Resample images (N, C, ny, nx) to (N, C, size, size) through affine matrices (N, 2, 3), continuing their sky.

    The strip along the edge is mirrored again and again. Away from the edge, nothing in it is brighter than its noise,
    so that a star or an arm in the strip does not appear many times.
    """
    a = _tensor(matrices, images)[:, :, :, None, None]
    x = y = _tensor((np.arange(size) * 2 + 1) / size - 1, images)
    # element by element, because the rounding of a batched product can depend on the batch size
    grid = a[:, :, 0] * x[None, None, None, :] + a[:, :, 1] * y[None, None, :, None] + a[:, :, 2]
    beyond = grid.abs().sub_(1).clamp_(min=0)
    inside = grid.clamp(-1, 1)
    inside -= inside.sign() * (_STRIP - (beyond.remainder(2 * _STRIP) - _STRIP).abs_())
    found = F.grid_sample(
        images, inside.permute(0, 2, 3, 1), mode="bilinear", padding_mode="border", align_corners=False
    )
    near = beyond.amax(dim=1, keepdim=True).mul_(-1 / _FADE).add_(1)  # 1 inside, 0 at the end of the fading
    brightest = _measure_sky(images)
    return torch.minimum(found, brightest + near.clamp_(min=0) * (1 - brightest))


def _measure_sky(images: torch.Tensor) -> torch.Tensor:
    """Return the level of the sky plus three times its noise, (N, C, 1, 1), from the pixels near the edge."""
    width = max(1, round(_STRIP / 2 * min(images.shape[-2:])))
    step = max(1, width // 4)
    edges = (images[..., :width, :], images[..., -width:, :], images[..., :width].mT, images[..., -width:].mT)
    sky = torch.cat([edge[..., ::step, ::2].flatten(2) for edge in edges], dim=2)
    level = sky.median(dim=2, keepdim=True).values
    noise = 1.4826 * (sky - level).abs_().median(dim=2, keepdim=True).values
    return (level + 3 * noise)[..., None]


def _smooth(images: torch.Tensor, widths: np.ndarray, reach: int) -> torch.Tensor:
    """Smooth each image (N, C, ny, nx) by a Gaussian with its own standard deviation in pixels; 0 changes nothing."""
    channels, ny, nx = images.shape[1:]
    chosen = np.flatnonzero(widths > _SHARP)
    reach = min(reach, ny - 1, nx - 1)
    if not len(chosen) or reach < 1:
        return images
    kernels = np.exp(-0.5 * (np.arange(-reach, reach + 1) / widths[chosen][:, None]) ** 2)
    kernels = np.repeat(kernels / kernels.sum(axis=1, keepdims=True), channels, axis=0)
    weights = _tensor(kernels, images)
    at = torch.as_tensor(chosen, device=images.device)
    x = F.pad(images[at], (reach, reach, reach, reach), mode="reflect").flatten(0, 1)[None]
    x = F.conv2d(x, weights[:, None, None, :], groups=len(weights))
    x = F.conv2d(x, weights[:, None, :, None], groups=len(weights))
    return images.index_copy_(0, at, x.view(len(chosen), channels, ny, nx))


def _tensor(values: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values, dtype=like.dtype, device=like.device)
