"""Crowded fields, as a single dish or an array of low resolution sees them: many compact sources on a restless sky."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from galaxtool_detect.simulation.noise import draw_confusion, draw_noise

SHARES = (0.94, 0.03, 0.01, 0.02)
"""Share of each class among the sources: at low resolution nearly all are compact."""

_SALT = 0x43524F57
_FACTORS = (2.0, 15.0)  # number of sources beside that of other fields
_SCALES = (3.0, 10.0)  # of the background, in widths of the beam
_BORDERS = 0.5  # share of the fields with a ragged border
_OWN_PEAK = 0.4  # widths of the beam within which a source has a peak of its own


@dataclass(frozen=True, kw_only=True, eq=False)
class Crowding:
    """What is particular to a crowded field.

    Parameters
    ----------
    factor : float
        Number of sources beside that of other fields.
    confusion : float
        Share of the variance of the noise that is due to sources too faint to count.
    clouds, scale : float
        Standard deviation of the smooth background in units of the noise, and its width in units of the beam.
    border : ndarray of bool, shape (ny, nx)
        True where there are no data.
    rise : float
        Factor, less one, by which the noise is higher at the border.
    """

    factor: float
    confusion: float
    clouds: float
    scale: float
    border: np.ndarray
    rise: float

    def raise_noise(self, gain: np.ndarray, width: float) -> np.ndarray:
        """Return the factors of the noise with those of a border with fewer observations, a few beams deep."""
        if not self.border.any():
            return gain
        distance = ndimage.distance_transform_edt(~self.border) / width
        raised: np.ndarray = gain * (1 + self.rise * np.exp(-distance / 2))
        return raised

    def disturb(self, noise: np.ndarray, kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return noise with a standard deviation of one, part of which is confusion, on a smooth background."""
        faint = draw_confusion(noise.shape, kernel, rng)
        mixed = math.sqrt(1 - self.confusion) * noise + math.sqrt(self.confusion) * faint
        disturbed: np.ndarray = mixed + self.clouds * draw_noise(noise.shape, kernel * self.scale**2, rng)
        return disturbed


def draw_crowding(seed: int, index: int, share: float, shape: tuple[int, int]) -> Crowding | None:
    """Draw whether a field is crowded, and how; other fields do not depend on this draw.

    Parameters
    ----------
    seed, index : int
        Random seed, and number of the field.
    share : float
        Share of the fields that are crowded.
    shape : (ny, nx)
        Size of the field.
    """
    rng = np.random.default_rng((seed, index, _SALT))
    if rng.random() >= share:
        return None
    has_border = rng.random() < _BORDERS
    return Crowding(
        factor=math.exp(rng.uniform(*np.log(_FACTORS))),
        confusion=rng.uniform(0, 0.6),
        clouds=rng.uniform(0, 1),
        scale=rng.uniform(*_SCALES),
        border=draw_ragged_border(shape, rng) if has_border else np.zeros(shape, bool),
        rise=rng.uniform(0, 1.5),
    )


def draw_ragged_border(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draw the edge of a map made of scans: True where there are no data, with steps between the scans."""
    ny, nx = shape
    y, x = np.mgrid[:ny, :nx]
    angle = rng.uniform(0, 2 * math.pi)
    outward = (x - nx / 2) * math.cos(angle) + (y - ny / 2) * math.sin(angle)
    along = (y - ny / 2) * math.cos(angle) - (x - nx / 2) * math.sin(angle)
    scan = (along / rng.uniform(3, 10)).astype(int)
    steps = rng.normal(0, rng.uniform(2, 8), int(scan.max() - scan.min()) + 1)[scan - scan.min()]
    beyond: np.ndarray = outward + steps > rng.uniform(0.2, 0.5) * min(ny, nx)
    return beyond


def find_blends(sky: np.ndarray, x: np.ndarray, y: np.ndarray, width: float) -> np.ndarray:
    """Return which sources have no peak of their own in the sky without noise, because brighter ones cover them.

    Parameters
    ----------
    sky : ndarray, shape (ny, nx)
        All sources without noise.
    x, y : ndarray, shape (N,)
        Positions in pixels.
    width : float
        Width of the beam in pixels.
    """
    peaks = (sky == ndimage.maximum_filter(sky, 3)) & (sky > 0)
    distance = ndimage.distance_transform_edt(~peaks)
    blended: np.ndarray = look_up(distance, x, y) > max(_OWN_PEAK * width, 1.5)
    return blended


def look_up(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the pixels of an image at positions; those outside, as of the middle of a bent source, are at its edge."""
    ny, nx = image.shape
    values: np.ndarray = image[np.clip(np.rint(y).astype(int), 0, ny - 1), np.clip(np.rint(x).astype(int), 0, nx - 1)]
    return values
