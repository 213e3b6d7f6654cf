"""From measured brightness to what an eye or an image encoder looks at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.types import Cutout
from galaxtool.vision.colors import colours
from galaxtool.vision.sky import FAINTEST, percentile, sky_of

NAMES = ("auto", "linear", "asinh", "log", "zscale", "lupton")
SURVEY_SCALES = (("g", 6.0), ("r", 3.4), ("i", 3.0), ("z", 2.2))
"""Factors by which the Legacy Surveys' viewer multiplies each band, in nanomaggies per pixel."""

_NANOMAGGIES = ("nanomagg", "nmgy")
_SKY_LEVEL, _SKY_NOISE = 1.0, (5e-4, 0.5)  # what scaled nanomaggies can have, a galaxy that fills the frame included
_SAME_ZERO_POINT = 4.0  # bands whose scaled noises differ by more cannot be in one unit
_WHITE_SHARE = 99.5  # no more than the rest of the pixels may be white where the unit is unknown
_MOST = np.float32(2.0**99)  # of a value, so that what is computed from it stays within float32


@dataclass(frozen=True, slots=True)
class Stretch:
    """How brightness becomes display values.

    Parameters
    ----------
    name : {"auto", "linear", "asinh", "log", "zscale", "lupton"}
        ``auto`` shows pictures as they are, one band by ``asinh`` and several by ``lupton``. The next four
        treat each colour by itself; ``lupton`` keeps the ratio of the colours at every brightness.
    black : float
        Shown black, in standard deviations of the sky noise above the sky's level. Not for zscale and lupton.
    white : float
        Shown white: this percentile of the pixels, in (0, 100]. Not for zscale and lupton.
    reach : float
        White is at least this many standard deviations above black, so that an empty field stays dark.
    softening : float
        asinh and log: linear below about this many standard deviations, logarithmic above.
    contrast : float
        zscale: as in IRAF.
    q, minimum, scales
        lupton: brightness I, the mean of ``scale * value + minimum`` over the bands, is shown as
        ``arcsinh(q I) / sqrt(q)``. `scales` are pairs of band and factor, for values in nanomaggies.
    noise : float
        lupton: where values are not in nanomaggies, each band's sky is set to zero and its noise to this.

    Raises
    ------
    UnknownName
        If there is no stretch of that name.
    ConfigError
        If a parameter is out of its range.
    """

    name: str = "auto"
    black: float = 0.0
    white: float = 99.98
    reach: float = 30.0
    softening: float = 5.0
    contrast: float = 0.25
    q: float = 20.0
    minimum: float = 0.03
    noise: float = 0.02
    scales: tuple[tuple[str, float], ...] = SURVEY_SCALES

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise UnknownName("stretch", self.name, NAMES)
        if not 0 < self.white <= 100:
            raise ConfigError(f"A stretch's white is a percentile above 0 and up to 100, not {self.white}.")
        for field in ("reach", "softening", "contrast", "q", "noise"):
            if not (math.isfinite(getattr(self, field)) and getattr(self, field) > 0):
                raise ConfigError(f"A stretch's {field} is a number above 0, not {getattr(self, field)}.")

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters as JSON-able values, for a model's file and its digest."""
        return asdict(self) | {"scales": [list(pair) for pair in self.scales]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Stretch:
        """Return the stretch that `as_dict` described; parameters that are left out have their defaults.

        Raises
        ------
        ConfigError
            If there is a parameter that no stretch has.
        """
        known = [field.name for field in fields(cls)]
        if unknown := [key for key in values if key not in known]:
            raise ConfigError(f"A stretch has no '{unknown[0]}'.", hint=f"It has: {', '.join(known)}.")
        pairs = values.get("scales", SURVEY_SCALES)
        return cls(**{**values, "scales": tuple((str(band), float(factor)) for band, factor in pairs)})


def to_display(cutout: Cutout, stretch: Stretch | None = None) -> np.ndarray:
    """Show a cutout.

    Parameters
    ----------
    cutout : Cutout
        data of shape (bands, ny, nx), row 0 at the bottom.
    stretch : Stretch, optional
        By default ``Stretch()``: pictures pass as they are, one measured band is stretched by ``asinh``, several by
        ``lupton``.

    Returns
    -------
    ndarray of uint8, shape (ny, nx, 3)
        R, G, B; row 0 at the top. One band is gray; of several, the longest wavelength is red
        (`galaxtool.vision.colors`). A pixel without a value looks like empty sky, or gray where other bands have one.

    Notes
    -----
    ``lupton`` is Lupton et al. 2004, PASP 116, 133, as the Legacy Surveys' viewer has it: negative values do not lower
    the brightness, and channels above 1 are clipped one by one, so that bright centres turn white.

    Values are taken for nanomaggies where the unit says so, or says nothing and sky level and noise allow it. Else each
    band's sky is subtracted and its noise brought to ``stretch.noise``, about what the Legacy Surveys have: by a factor
    common to the viewer's bands, which keeps the colours of images with a common zero point, unless the noises then
    differ by more than a factor of four; by a factor of its own for any other band. All are dimmed alike until at most
    0.5 % of the pixels are white.
    """
    planes = to_planes(cutout, stretch or Stretch())
    shown = np.empty((*planes.shape[1:], 3), dtype=np.uint8)
    for channel in range(3):
        shown[..., channel] = planes[channel % len(planes)]
    return shown


def to_planes(cutout: Cutout, stretch: Stretch) -> np.ndarray:
    """Show a cutout as `to_display` does, in planes.

    Returns
    -------
    ndarray of uint8, shape (3 or 1, ny, nx)
        R, G, B, or one plane where they are the same; row 0 at the top. A picture that passes as it is comes as a view
        of the cutout's data.
    """
    used, channels = _order(tuple(cutout.bands))
    planes = cutout.data if len(used) == len(cutout.data) else cutout.data[list(used)]
    if stretch.name == "auto" and cutout.unit == "display":
        shown = _mix(planes, channels)
    elif stretch.name == "lupton" or (stretch.name == "auto" and len(cutout.bands) > 1):
        scaled = _scaled(_bounded(planes), [cutout.bands[i] for i in used], cutout.unit, stretch)
        shown = _bytes(_lupton(_mix(scaled, channels), stretch.q))
    elif len(planes) == 1:
        shown = _bytes(_alone(_bounded(planes[0]), stretch))[None]
    else:
        each = [_bytes(_alone(_bounded(plane), stretch)) for plane in planes]
        shown = _mix(np.stack(each), channels)
    return shown[:, ::-1]


@lru_cache(maxsize=64)
def _order(bands: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Return which bands are shown, and the place among these of those in red, green and blue."""
    order = colours(bands)
    used = sorted({index for channel in order for index in channel})
    return tuple(used), tuple(tuple(used.index(index) for index in channel) for channel in order)


def _mix(planes: np.ndarray, channels: Sequence[Sequence[int]]) -> np.ndarray:
    """Return red, green and blue, or a single gray plane, as means of planes; a view where they are these planes."""
    if len(planes) == 1:
        return planes
    if all(len(channel) == 1 for channel in channels):
        order = [channel[0] for channel in channels]
        return planes[:3] if order == [0, 1, 2] else planes[2::-1] if order == [2, 1, 0] else planes[order]
    means = [planes[c[0]] if len(c) == 1 else planes[list(c)].mean(axis=0, dtype=np.float32) for c in channels]
    return np.stack([mean.astype(planes.dtype, copy=False) for mean in means])


def _bytes(values: np.ndarray) -> np.ndarray:
    """Return values in [0, 1], which are lost, as the nearest of 256 steps."""
    values *= np.float32(255)
    values += np.float32(0.5)
    return values.astype(np.uint8)


def _lupton(scaled: np.ndarray, q: float) -> np.ndarray:
    """Bring channels, in place, to [0, 1] so that their ratios stay, whatever the brightness."""
    brightness = np.maximum(scaled, 0).mean(axis=0)
    seen = brightness > 0
    dimming = np.arcsinh(q * brightness)
    brightness *= math.sqrt(q)
    np.divide(dimming, brightness, where=seen, out=dimming)
    scaled *= dimming
    return np.clip(scaled, 0, 1, out=scaled)


def _bounded(planes: np.ndarray) -> np.ndarray:
    """Return float32, cut off where differences and ratios would be beyond it."""
    planes = planes.astype(np.float32, copy=False)
    beyond = (planes > _MOST) | (planes < -_MOST)
    return np.clip(planes, -_MOST, _MOST) if beyond.any() else planes


def _scaled(planes: np.ndarray, bands: list[str], unit: str, stretch: Stretch) -> np.ndarray:
    """Return bands with the values that Lupton's formula wants, and with what is missing filled."""
    zeros, factors = _calibration(planes, bands, unit, stretch)
    scaled = (planes - zeros[:, None, None] if zeros.any() else planes) * factors[:, None, None]
    known = np.isfinite(scaled)
    if not known.all():
        scaled[~known] = 0
        scaled += ~known * (scaled.sum(axis=0) / np.maximum(known.sum(axis=0), 1)).astype(np.float32)
    scaled += np.float32(stretch.minimum)
    return scaled


def _calibration(planes: np.ndarray, bands: list[str], unit: str, stretch: Stretch) -> tuple[np.ndarray, np.ndarray]:
    """Return what to subtract from each band, and what to multiply it with then."""
    table = dict(stretch.scales)
    names = ["g", "r", "z"] if bands == ["", "", ""] else bands
    listed = all(name in table for name in names)
    factors = np.array([table[name] if listed else 1.0 for name in names], dtype=np.float32)
    nothing = np.zeros_like(factors)
    if listed and unit.strip().lower().startswith(_NANOMAGGIES):
        return nothing, factors
    levels, noises = (np.array(values, dtype=np.float32) for values in zip(*map(sky_of, planes), strict=True))
    scaled = noises * factors
    alike = listed and scaled.max() < _SAME_ZERO_POINT * scaled.min()
    if alike and not unit.strip() and np.all(np.abs(levels * factors) < _SKY_LEVEL) and _likely(scaled):
        return nothing, factors
    common = np.exp(np.log(scaled).mean()) if alike else scaled
    factors = factors * np.float32(stretch.noise) / common
    white = math.sinh(math.sqrt(stretch.q)) / stretch.q - stretch.minimum
    bright = percentile(np.einsum("b,byx->yx", factors / len(bands), planes - levels[:, None, None]), _WHITE_SHARE)
    return levels, factors * np.float32(min(1.0, white / bright) if bright > 0 else 1.0)


def _likely(noises: np.ndarray) -> bool:
    return bool(np.all((_SKY_NOISE[0] < noises) & (noises < _SKY_NOISE[1])))


def _alone(plane: np.ndarray, stretch: Stretch) -> np.ndarray:
    """Return one plane by its own range, in [0, 1]."""
    from astropy.visualization import AsinhStretch, LogStretch, ZScaleInterval  # which imports Matplotlib

    level, noise = sky_of(plane)
    known = np.isfinite(plane)
    plane = plane if known.all() else np.where(known, plane, np.float32(level))
    if stretch.name == "zscale":
        low, high = ZScaleInterval(contrast=stretch.contrast).get_limits(plane)
    else:
        low = level + stretch.black * noise
        high = max(percentile(plane, stretch.white), low + stretch.reach * noise)
    low, high = np.float32(low), np.float32(high)
    if not high - low > FAINTEST:
        return np.zeros_like(plane)
    # clipped before it is divided: next to a small range the rest of the plane may be beyond float32
    values = np.clip(plane, low, high)
    values -= low
    values /= high - low
    knee = min(stretch.softening * noise / float(high - low), 1.0)
    if stretch.name in ("asinh", "auto"):
        return AsinhStretch(knee)(values, clip=False)
    if stretch.name == "log":
        return LogStretch(1 / knee)(values, clip=False)
    return values
