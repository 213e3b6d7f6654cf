"""The stretch of several bands that keeps their colours at every brightness: Lupton et al. 2004, PASP 116, 133."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from galaxtool.vision.arcsinh import compute_arcsinh
from galaxtool.vision.sky import compute_percentile, measure_sky

SURVEY_SCALES = (("g", 6.0), ("r", 3.4), ("i", 3.0), ("z", 2.2))
"""Factors by which the Legacy Surveys' viewer multiplies each band, in nanomaggies per pixel."""

_NANOMAGGIES = ("nanomagg", "nmgy")
_SKY_LEVEL, _SKY_NOISE = 1.0, (5e-4, 0.5)  # plausible for scaled nanomaggies, even if a galaxy fills the frame
_SAME_ZERO_POINT = 4.0  # bands whose scaled noises differ by a larger factor cannot be in one unit
_WHITE_PERCENTILE = 99.5  # where the unit is unknown, only pixels above this percentile may be white
_MAX_VALUE = np.float32(2.0**99)  # larger values are clipped, so that results are within the range of float32


class LuptonParameters(Protocol):
    """The parameters of `galaxtool.vision.stretch.Stretch` that count here."""

    @property
    def q(self) -> float:
        """Softening."""

    @property
    def minimum(self) -> float:
        """Brightness that is added."""

    @property
    def noise(self) -> float:
        """Noise to which the sky is scaled, where the unit is unknown."""

    @property
    def scales(self) -> tuple[tuple[str, float], ...]:
        """Factor of each band."""


@dataclass(frozen=True, slots=True)
class BandScaling:
    """The values to subtract from each band and the factors to multiply it with, float32, before `minimum` is added."""

    zeros: np.ndarray
    factors: np.ndarray
    minimum: float

    def apply(self, planes: np.ndarray) -> np.ndarray:
        """Return bands scaled for Lupton's formula, with missing values filled."""
        zeros = self.zeros[:, None, None]
        scaled: np.ndarray = (planes - zeros if zeros.any() else planes) * self.factors[:, None, None]
        known = np.isfinite(scaled)
        if not known.all():
            scaled[~known] = 0
            scaled += ~known * (scaled.sum(axis=0) / np.maximum(known.sum(axis=0), 1)).astype(np.float32)
        scaled += np.float32(self.minimum)
        return scaled


def find_scaling(planes: np.ndarray, bands: Sequence[str], unit: str, stretch: LuptonParameters) -> BandScaling:
    """Return how bands are scaled: as nanomaggies, or by the sky and the brightest pixels of the whole image.

    Parameters
    ----------
    planes : ndarray, shape (bands, ny, nx)
        The whole image, NaN where a value is missing.
    bands : sequence of str
        Names of the bands.
    unit : str
        Unit of the image.
    stretch : Stretch
        Parameters of the formula.
    """
    table = dict(stretch.scales)
    names = ["g", "r", "z"] if list(bands) == ["", "", ""] else bands
    listed = all(name in table for name in names)
    factors = np.array([table[name] if listed else 1.0 for name in names], dtype=np.float32)
    nothing = np.zeros_like(factors)
    if listed and unit.strip().lower().startswith(_NANOMAGGIES):
        return BandScaling(nothing, factors, stretch.minimum)
    # a band without any value, as of an object that lies in no image of it, says nothing about the others
    seen = [index for index, plane in enumerate(planes) if not _is_empty(plane)] or list(range(len(planes)))
    planes = planes if len(seen) == len(planes) else planes[seen]
    levels, scaled = _scale_by_sky(clip_range(planes), factors[seen], listed, unit, stretch)
    zeros = nothing.copy()
    zeros[seen], factors[seen] = levels, scaled
    return BandScaling(zeros, factors, stretch.minimum)


def _is_empty(plane: np.ndarray) -> bool:
    """Tell whether a plane has no values, or zeros only, which surveys write where a band has no data.

    Nearly always, the pixel in the middle already shows that it has some.
    """
    middle = plane[plane.shape[0] // 2, plane.shape[1] // 2]
    return not (np.isfinite(middle) and middle) and not np.nan_to_num(plane, posinf=0, neginf=0).any()


def _scale_by_sky(
    planes: np.ndarray, factors: np.ndarray, listed: bool, unit: str, stretch: LuptonParameters
) -> tuple[np.ndarray, np.ndarray]:
    """Return the values to subtract from bands that are perhaps not in nanomaggies, and their factors."""
    levels, noises = (np.array(values, dtype=np.float32) for values in zip(*map(measure_sky, planes), strict=True))
    scaled = noises * factors
    alike = listed and scaled.max() < _SAME_ZERO_POINT * scaled.min()
    if alike and not unit.strip() and np.all(np.abs(levels * factors) < _SKY_LEVEL) and _are_plausible(scaled):
        return np.zeros_like(factors), factors
    common = np.exp(np.log(scaled).mean()) if alike else scaled
    factors = factors * np.float32(stretch.noise) / common
    white = math.sinh(math.sqrt(stretch.q)) / stretch.q - stretch.minimum
    bright = compute_percentile(
        np.einsum("b,byx->yx", factors / len(planes), planes - levels[:, None, None]), _WHITE_PERCENTILE
    )
    return levels, factors * np.float32(min(1.0, white / bright) if bright > 0 else 1.0)


def apply_lupton(scaled: np.ndarray, q: float) -> np.ndarray:
    """Scale channels to [0, 1] in place, keeping their ratios at every brightness."""
    brightness = np.maximum(scaled[0], 0)
    for channel in scaled[1:]:  # plane by plane, in the cache of the processor
        brightness += np.maximum(channel, 0)
    brightness /= len(scaled)
    dimming = compute_arcsinh(brightness * np.float32(q))
    brightness *= math.sqrt(q)
    if (dark := brightness <= 0).any():
        brightness[dark] = 1  # there, what is divided by it is zero
    dimming /= brightness
    scaled *= dimming
    return np.clip(scaled, 0, 1, out=scaled)


def clip_range(planes: np.ndarray) -> np.ndarray:
    """Return float32, clipped so that differences and ratios do not overflow."""
    planes = planes.astype(np.float32, copy=False)
    within = np.fmax.reduce(planes, axis=None) <= _MAX_VALUE and np.fmin.reduce(planes, axis=None) >= -_MAX_VALUE
    return planes if within else np.clip(planes, -_MAX_VALUE, _MAX_VALUE)


def _are_plausible(noises: np.ndarray) -> bool:
    return bool(np.all((_SKY_NOISE[0] < noises) & (noises < _SKY_NOISE[1])))
