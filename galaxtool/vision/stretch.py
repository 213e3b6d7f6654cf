"""Stretches: the conversion of measured brightness to display values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.types import Cutout
from galaxtool.utils.optional_imports import import_attribute
from galaxtool.vision.arcsinh import compute_arcsinh
from galaxtool.vision.colors import choose_colors
from galaxtool.vision.lupton import SURVEY_SCALES, apply_lupton, clip_range, find_scaling
from galaxtool.vision.sky import FAINTEST, compute_percentile, measure_sky

NAMES = ("auto", "linear", "asinh", "log", "zscale", "lupton", "radio")
Window = tuple[slice, slice]
"""Rows and columns of a picture, whose first row is at the top."""

WHOLE: Window = (slice(None), slice(None))

_DETECTED = 3.0
"""Least brightness that the stretch `radio` shows, in standard deviations of the noise."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch and its parameters.

    Parameters
    ----------
    name : {"auto", "linear", "asinh", "log", "zscale", "lupton", "radio"}
        ``auto`` shows pictures unchanged, one band with ``asinh`` and several bands with ``lupton``. The next four
        stretch each colour separately; ``lupton`` keeps the ratio of the colours at every brightness. ``radio`` shows
        pictures unchanged too, and has no parameters: what is below three standard deviations of the noise is black,
        and the rest is linear up to the brightest pixel, as in most published sets of radio cutouts.
    black : float
        Black point in standard deviations of the sky noise above the sky level. Not for zscale and lupton.
    white : float
        White point as a percentile of the pixels, in (0, 100]. Not for zscale and lupton.
    reach : float
        Smallest distance of white from black in standard deviations, so that an empty field stays dark.
    softening : float
        For asinh and log: the scale is linear below about this many standard deviations and logarithmic above.
    contrast : float
        For zscale: contrast as in IRAF.
    q, minimum, scales
        For lupton: the brightness I, the mean of ``scale * value + minimum`` over the bands, is shown as
        ``arcsinh(q I) / sqrt(q)``. `scales` are pairs of band and factor, for values in nanomaggies.
    noise : float
        For lupton, if values are not in nanomaggies: the noise that each band is scaled to, after its sky is
        subtracted.

    Raises
    ------
    UnknownName
        If the stretch does not exist.
    ConfigError
        If a parameter is out of range.
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
            raise ConfigError(f"The white of a stretch must be a percentile above 0 and up to 100, not {self.white}.")
        for field in ("reach", "softening", "contrast", "q", "noise"):
            value = getattr(self, field)
            if not _is_positive(value):
                raise ConfigError(f"The {field} of a stretch must be a positive number, not {str(value)[:40]}.")

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values for JSON, for the record of a model and its digest."""
        return asdict(self) | {"scales": [list(pair) for pair in self.scales]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Stretch:
        """Rebuild a stretch from the values of `as_dict`; missing parameters have their defaults.

        Raises
        ------
        ConfigError
            If a parameter does not exist.
        """
        known = [field.name for field in fields(cls)]
        if unknown := [key for key in values if key not in known]:
            raise ConfigError(f"A stretch has no parameter '{unknown[0]}'.", hint=f"Parameters: {', '.join(known)}.")
        try:
            scales = tuple((str(band), float(factor)) for band, factor in values.get("scales", SURVEY_SCALES))
        except (TypeError, ValueError, OverflowError) as error:
            raise ConfigError(
                "The scales of a stretch are not pairs of a band and a number.", hint="Leave them out for the defaults."
            ) from error
        return cls(**{**values, "scales": scales})


def _is_positive(value: Any) -> bool:
    try:
        return math.isfinite(value) and value > 0
    except (TypeError, OverflowError):  # values of a record may be anything
        return False


def to_display(cutout: Cutout, stretch: Stretch | None = None) -> np.ndarray:
    """Convert a cutout to display values.

    Parameters
    ----------
    cutout : Cutout
        Cutout with data of shape (bands, ny, nx), row 0 at the bottom.
    stretch : Stretch, optional
        Stretch to apply. By default ``Stretch()``: pictures do not change, one measured band is stretched with
        ``asinh``, several with ``lupton``.

    Returns
    -------
    ndarray of uint8, shape (ny, nx, 3)
        R, G, B; row 0 at the top. One band is gray; of several, the longest wavelength is red
        (`galaxtool.vision.colors`). A pixel without a value looks like empty sky, or gray if other bands have a value.

    Notes
    -----
    ``lupton`` follows Lupton et al. 2004, PASP 116, 133, as implemented in the viewer of the Legacy Surveys: negative
    values do not lower the brightness, and each channel is clipped at 1, so that bright centres become white.

    Values are assumed to be in nanomaggies if the unit says so, or if there is no unit and the level and noise of the
    sky are plausible. Otherwise the sky of each band is subtracted and its noise is scaled to ``stretch.noise``, which
    is typical of the Legacy Surveys. The bands of the viewer share one factor, which keeps the colours of images with
    a common zero point, unless their scaled noises differ by more than a factor of four. Other bands have a factor
    each. All bands are then dimmed together until at most 0.5 % of the pixels are white.
    """
    planes = to_planes(cutout, stretch or Stretch())
    shown = np.empty((*planes.shape[1:], 3), dtype=np.uint8)
    for channel in range(3):
        shown[..., channel] = planes[channel % len(planes)]
    return shown


def to_planes(cutout: Cutout, stretch: Stretch, window: Window = WHOLE) -> np.ndarray:
    """Convert a cutout to display values as `to_display` does, but in planes.

    Parameters
    ----------
    cutout : Cutout
        The whole image, which decides about black and white.
    stretch : Stretch
        Stretch to apply.
    window : (slice, slice)
        Rows, the first at the top, and columns that are wanted.

    Returns
    -------
    ndarray of uint8, shape (3 or 1, ny, nx)
        R, G, B, or one plane if they are equal; row 0 at the top. A picture that does not change is a view of the data
        of the cutout.
    """
    used, channels = _order_bands(tuple(cutout.bands))
    planes = cutout.data if len(used) == len(cutout.data) else cutout.data[list(used)]
    part = planes[:, ::-1][:, window[0], window[1]]
    if stretch.name in ("auto", "radio") and cutout.unit == "display":
        return _mix_channels(part, channels)
    if stretch.name == "lupton" or (stretch.name == "auto" and len(cutout.bands) > 1):
        scaling = find_scaling(planes, [cutout.bands[i] for i in used], cutout.unit, stretch)
        scaled = scaling.apply(clip_range(np.ascontiguousarray(part)))
        return _to_bytes(apply_lupton(_mix_channels(scaled, channels), stretch.q))
    shown = np.empty(part.shape, dtype=np.uint8)
    for plane, wanted, target in zip(planes, part, shown, strict=True):
        clipped = clip_range(plane)
        visible = wanted if clipped is plane else clip_range(wanted)
        target[...] = _to_bytes(_stretch_plane(clipped, visible, stretch))
    return _mix_channels(shown, channels)


@lru_cache(maxsize=64)
def _order_bands(bands: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Return the indices of the bands that are shown, and for red, green and blue the positions among them."""
    order = choose_colors(bands)
    used = sorted({index for channel in order for index in channel})
    return tuple(used), tuple(tuple(used.index(index) for index in channel) for channel in order)


def _mix_channels(planes: np.ndarray, channels: Sequence[Sequence[int]]) -> np.ndarray:
    """Return red, green and blue, or one gray plane, as means of planes; a view if no mean is needed."""
    if len(planes) == 1:
        return planes
    if all(len(channel) == 1 for channel in channels):
        order = [channel[0] for channel in channels]
        return planes[:3] if order == [0, 1, 2] else planes[2::-1] if order == [2, 1, 0] else planes[order]
    means = [planes[c[0]] if len(c) == 1 else planes[list(c)].mean(axis=0, dtype=np.float32) for c in channels]
    return np.stack([mean.astype(planes.dtype, copy=False) for mean in means])


def _to_bytes(values: np.ndarray) -> np.ndarray:
    """Round values in [0, 1] to bytes; the values are overwritten."""
    values *= np.float32(255)
    values += np.float32(0.5)
    return values.astype(np.uint8)


def _stretch_plane(plane: np.ndarray, part: np.ndarray, stretch: Stretch) -> np.ndarray:
    """Return a part of a plane stretched to [0, 1] by the range of the whole plane."""
    level, noise = measure_sky(plane)
    filled = _fill(plane, level)
    if filled is not plane:
        plane, part = filled, _fill(part, level)
    if stretch.name == "zscale":
        low, high = _astropy("ZScaleInterval")(contrast=stretch.contrast).get_limits(plane)
    elif stretch.name == "radio":
        low, high = level + _DETECTED * noise, float(plane.max())
    else:
        low = level + stretch.black * noise
        high = max(compute_percentile(plane, stretch.white), low + stretch.reach * noise)
    low, high = np.float32(low), np.float32(high)
    if not high - low > FAINTEST:
        return np.zeros_like(part)
    # clipped before the division: relative to a small range, other values can overflow float32
    values: np.ndarray = np.clip(part, low, high)
    values -= low
    values /= high - low
    knee = min(stretch.softening * noise / float(high - low), 1.0)
    if stretch.name in ("asinh", "auto"):
        values = stretch_asinh(values, knee)
    elif stretch.name == "log":
        values = _astropy("LogStretch")(1 / knee)(values, clip=False)
    return values


def _fill(plane: np.ndarray, level: float) -> np.ndarray:
    """Return a plane with the level of the sky where no value is known."""
    known = np.isfinite(plane)
    return plane if known.all() else np.where(known, plane, np.float32(level))


def stretch_asinh(values: np.ndarray, knee: float) -> np.ndarray:
    """Return values in [0, 1], float32, stretched as astropy's `AsinhStretch` does; they are overwritten."""
    values /= np.float32(knee)
    stretched = compute_arcsinh(values)
    stretched /= np.float32(math.asinh(1 / knee))
    return stretched


def _astropy(name: str) -> Any:
    """Import a class of `astropy.visualization` when it is needed, because that package imports Matplotlib."""
    return import_attribute(f"astropy.visualization:{name}")
