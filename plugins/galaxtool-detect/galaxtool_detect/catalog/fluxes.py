"""Peak and integrated fluxes of detected sources."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from galaxtool_detect.catalog.maps import PixelMap, beam_pixels
from galaxtool_detect.catalog.noise_grid import NoiseGrid
from galaxtool_detect.catalog.units import is_per_beam
from galaxtool_detect.simulation.components import FWHM, make_covariance

_MARGIN = 0.5  # widths of the beam by which a box is enlarged, for the wings
_RESOLVED = 3.0  # standard deviations by which the integrated flux of a resolved source exceeds its peak
_LONG = 2.6  # widths of the beam: no point source, however bright, has so long a box
_LEAST_SHARE = 0.3  # of a point source within its box
_EXTENDED = frozenset(("double", "bent", "extended", "fri", "frii", "fr i", "fr ii", "relic", "halo", "tail"))

BLANK, EDGE, RESOLVED, NO_BEAM, NO_WCS = "BLANK_PIXELS", "EDGE", "RESOLVED", "NO_BEAM", "NO_WCS"

MEANINGS = {
    BLANK: "some pixels in the box are blank",
    EDGE: "the box touches the edge of the image",
    RESOLVED: "the source is larger than the beam: its integrated flux is the sum over its box",
    NO_BEAM: "the beam is unknown, so there is no integrated flux",
    NO_WCS: "the image has no WCS, so there is no position",
}
"""Flags of a source, and the meaning of each."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What was measured of one source.

    Parameters
    ----------
    x, y : float
        Position of the peak in pixels.
    peak, peak_error : float
        Brightness at the peak above the background, in the unit of the image.
    flux, flux_error : float
        Integrated flux: in the unit of the image times beams, such as Jy for Jy/beam; or in its unit, if that is not
        per beam. NaN without a beam.
    rms, background : float
        Noise and background around the source, in the unit of the image.
    flags : tuple of str
        Keys of `MEANINGS`.
    """

    x: float
    y: float
    peak: float
    peak_error: float
    flux: float
    flux_error: float
    rms: float
    background: float
    flags: tuple[str, ...]

    @property
    def snr(self) -> float:
        """Ratio of peak to noise."""
        return self.peak / self.rms if self.rms > 0 else math.nan


def is_extended_class(label: str) -> bool:
    """Tell whether the name of a class says that its sources are larger than the beam."""
    return label.lower() in _EXTENDED


def measure_box(
    image: PixelMap,
    noise: NoiseGrid,
    box: np.ndarray,
    others: np.ndarray | None = None,
    *,
    is_extended: bool = False,
) -> Measurement:
    """Measure the source in a box.

    Parameters
    ----------
    image : PixelMap
        Its first band is measured.
    noise : NoiseGrid
        Background and noise of the image.
    box : ndarray, shape (4,)
        x0, y0, x1, y1 in pixels.
    is_extended : bool
        Whether the source is known to be larger than the beam, by its class.
    others : ndarray, shape (M, 4), optional
        Boxes of other sources that overlap this one: pixels that are nearer to their middle than to that of the box, in
        units of their sides, are not measured.

    Returns
    -------
    Measurement
        The peak is that of a Gaussian through the highest pixel and its neighbours, less what noise adds to a maximum
        (half of the squared noise over the peak). The integrated flux is the peak if the source is a point within the
        errors, its box is no longer than that of one and its class allows it. Else it is the sum over the box and half
        a beam around it, divided by the share of a point source in there.
    """
    _, ny, nx = image.shape
    beam = beam_pixels(image)
    margin = _MARGIN * (beam[0] if beam is not None else 0)
    x0, y0 = (max(0, math.ceil(value - margin)) for value in box[:2])
    x1, y1 = min(nx, math.floor(box[2] + margin) + 1), min(ny, math.floor(box[3] + margin) + 1)
    background, rms = (float(value[0]) for value in noise.at(*(np.array([box[i] + box[i + 2]]) / 2 for i in (0, 1))))
    pixels = image.read(y0, y1, x0, x1)[0].astype(np.float64) - background
    flags = _find_flags(pixels, box, (ny, nx))
    if others is not None and len(others):
        pixels[find_nearer(pixels.shape, (x0, y0), box, others)] = np.nan
    if not np.isfinite(pixels).any():
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        return Measurement(
            x=x, y=y, peak=math.nan, peak_error=rms, flux=math.nan, flux_error=math.nan, rms=rms,
            background=background, flags=flags,
        )  # fmt: skip
    x, y, peak = _find_peak(pixels, box, (x0, y0))
    if rms > 0 and peak > rms:
        peak -= rms**2 / (2 * peak)
    is_long = is_extended or (beam is not None and max(box[2] - box[0], box[3] - box[1]) > _LONG * beam[0])
    flux, error, more = _integrate(image, pixels, (x - x0, y - y0), (peak, rms), is_long=is_long)
    return Measurement(
        x=x, y=y, peak=peak, peak_error=rms, flux=flux, flux_error=error, rms=rms, background=background,
        flags=(*flags, *more),
    )  # fmt: skip


def find_nearer(shape: tuple[int, ...], corner: tuple[int, int], box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which pixels are nearer to the middle of another box, in units of its sides, than to that of a box.

    Parameters
    ----------
    shape : (ny, nx)
        Size of the part of the image.
    corner : (x, y)
        Position of its first pixel.
    box : ndarray, shape (4,)
        The box.
    others : ndarray, shape (M, 4)
        The other boxes.
    """
    y, x = np.mgrid[: shape[0], : shape[1]]
    own = _find_distance(x + corner[0], y + corner[1], box)
    nearer = np.zeros(shape, bool)
    for other in others:
        nearer |= _find_distance(x + corner[0], y + corner[1], other) < own
    return nearer


def _find_distance(x: np.ndarray, y: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the distance from the middle of a box: 1 at its edges."""
    distance: np.ndarray = np.maximum(
        np.abs(2 * x - box[0] - box[2]) / (box[2] - box[0]), np.abs(2 * y - box[1] - box[3]) / (box[3] - box[1])
    )
    return distance


def _find_flags(pixels: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> tuple[str, ...]:
    ny, nx = size
    at_edge = box[0] <= 0 or box[1] <= 0 or box[2] >= nx - 1 or box[3] >= ny - 1
    return tuple(flag for flag, applies in ((BLANK, np.isnan(pixels).any()), (EDGE, at_edge)) if applies)


def _find_peak(pixels: np.ndarray, box: np.ndarray, corner: tuple[int, int]) -> tuple[float, float, float]:
    """Return the position and the height of the peak within the box itself."""
    x0, y0 = corner
    inside = np.full(pixels.shape, -np.inf)
    left, bottom = max(0, math.ceil(box[0]) - x0), max(0, math.ceil(box[1]) - y0)
    right, top = math.floor(box[2]) - x0 + 1, math.floor(box[3]) - y0 + 1
    right, top = max(right, left + 1), max(top, bottom + 1)
    part = pixels[bottom:top, left:right]
    inside[bottom:top, left:right] = np.where(np.isfinite(part), part, -np.inf)
    if not np.isfinite(inside).any():
        inside = np.where(np.isfinite(pixels), pixels, -np.inf)
    row, column = np.unravel_index(int(np.argmax(inside)), inside.shape)
    peak = float(pixels[row, column])
    height, shifts = 1.0, []
    for line, at in ((pixels[row, :], column), (pixels[:, column], row)):
        shift, factor = _refine(line[at - 1 : at + 2]) if 0 < at < len(line) - 1 else (0.0, 1.0)
        height *= factor
        shifts.append(shift)
    return float(x0 + column + shifts[0]), float(y0 + row + shifts[1]), peak * height


def _refine(values: np.ndarray) -> tuple[float, float]:
    """Return how far the peak of a Gaussian through three pixels is from the middle one, and how much higher it is."""
    if not (np.isfinite(values) & (values > 0)).all():
        return 0.0, 1.0
    low, middle, high = np.log(values)
    curve = low - 2 * middle + high
    if not curve < 0:
        return 0.0, 1.0
    shift = float(np.clip(0.5 * (low - high) / curve, -0.5, 0.5))
    return shift, math.exp(-0.25 * (low - high) * shift)


def _integrate(
    image: PixelMap, pixels: np.ndarray, center: tuple[float, float], top: tuple[float, float], *, is_long: bool
) -> tuple[float, float, tuple[str, ...]]:
    """Return integrated flux, its error, and flags, given the peak and the noise."""
    peak, rms = top
    beam = beam_pixels(image)
    total = float(np.nansum(pixels))
    count = int(np.isfinite(pixels).sum())
    if not is_per_beam(image.unit):
        area = 1.0 if beam is None else math.pi * beam[0] * beam[1] / (4 * math.log(2))
        return total, rms * math.sqrt(count * max(1.0, area)), ()
    if beam is None:
        return math.nan, math.nan, (NO_BEAM,)
    area = math.pi * beam[0] * beam[1] / (4 * math.log(2))
    share = _share_of_point(pixels.shape, center, beam)
    flux, error = total / area / share, rms * math.sqrt(count / area) / share
    if is_long or flux - peak > _RESOLVED * math.hypot(error, rms):
        return flux, error, (RESOLVED,)
    return peak, rms, ()


def _share_of_point(shape: tuple[int, ...], center: tuple[float, float], beam: tuple[float, float, float]) -> float:
    """Return the share of the flux of a point source that lies within a box, as if its axes were independent."""
    covariance = make_covariance(*beam)
    share = 1.0
    for length, middle, variance in ((shape[1], center[0], covariance[0, 0]), (shape[0], center[1], covariance[1, 1])):
        width = math.sqrt(2 * variance)
        share *= float(erf((length - 0.5 - middle) / width) + erf((middle + 0.5) / width)) / 2
    return max(share, _LEAST_SHARE)


def estimate_beam_width(image: PixelMap) -> float:
    """Return the width of the beam in pixels, or a usual one."""
    beam = beam_pixels(image)
    return beam[0] if beam is not None else FWHM * 1.7
