"""Boxes in pixels around sources whose sizes on the sky are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from galaxtool import Beam

_STEP = 1.0  # arcsec, to find the directions of north and east in pixels
_SHARE, _SIGMAS, _MOST = 0.03, 2.0, 0.5  # as in galaxtool_detect.simulation.outline


class PlacedMap(Protocol):
    """An image with a WCS, such as a `galaxtool.SkyMap`."""

    @property
    def beam(self) -> Beam | None:
        """Restoring beam."""

    @property
    def pixel_scale(self) -> float | None:
        """arcsec per pixel."""

    def to_pixels(self, ra: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert degrees, ICRS, to pixels."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EllipseSizes:
    """Sizes of N sources.

    Parameters
    ----------
    major, minor : ndarray, shape (N,)
        Full widths at half maximum, or sides of boxes, in arcsec.
    angle : ndarray, shape (N,)
        Position angle of the major axis in degrees, from north to east.
    is_box : bool
        Whether these are the sides of boxes along the axes of the image.
    contrast : ndarray, shape (N,), optional
        Ratio of noise to peak, which says how much of a Gaussian is seen. Without it, boxes reach to half of the peak.
    """

    major: np.ndarray
    minor: np.ndarray
    angle: np.ndarray
    is_box: bool = False
    contrast: np.ndarray | None = None

    def select(self, rows: Sequence[int] | np.ndarray) -> EllipseSizes:
        """Return the sizes of some sources."""
        return EllipseSizes(
            major=self.major[rows],
            minor=self.minor[rows],
            angle=self.angle[rows],
            is_box=self.is_box,
            contrast=None if self.contrast is None else self.contrast[rows],
        )


def outline_ellipses(opened: PlacedMap, ra: np.ndarray, dec: np.ndarray, sizes: EllipseSizes) -> np.ndarray:
    """Return boxes around sources.

    Parameters
    ----------
    opened : PlacedMap
        Image with a WCS.
    ra, dec : ndarray, shape (N,)
        Degrees, ICRS.
    sizes : EllipseSizes
        Sizes. Those that are missing, or smaller than the beam of the image, are those of the beam.

    Returns
    -------
    ndarray of float64, shape (N, 4)
        x0, y0, x1, y1 in pixels; NaN where a source has no place in the image.
    """
    x, y = opened.to_pixels(ra, dec)
    if sizes.is_box:
        scale = opened.pixel_scale or math.nan
        half = np.column_stack([sizes.major, sizes.minor]) / (2 * scale)
    else:
        half = _measure_extents(opened, ra, dec, (x, y), sizes)
    centers = np.column_stack([x, y])
    return np.concatenate([centers - half, centers + half], axis=1)


def _measure_extents(
    opened: PlacedMap, ra: np.ndarray, dec: np.ndarray, center: tuple[np.ndarray, np.ndarray], sizes: EllipseSizes
) -> np.ndarray:
    """Return half the extents along x and y of ellipses on the sky, shape (N, 2)."""
    step = _STEP / 3600
    north = np.column_stack(opened.to_pixels(ra, dec + step)) - np.column_stack(center)
    east = np.column_stack(opened.to_pixels(ra + step / np.cos(np.radians(dec)), dec)) - np.column_stack(center)
    major, minor, angle = _widen_to_beam(opened, sizes)
    turn = np.radians(angle)[:, None]
    along = (np.cos(turn) * north + np.sin(turn) * east) / _STEP * major[:, None]
    across = (-np.sin(turn) * north + np.cos(turn) * east) / _STEP * minor[:, None]
    widths: np.ndarray = np.sqrt(along**2 + across**2)
    if sizes.contrast is None:
        return widths / 2
    level = np.clip(np.maximum(_SIGMAS * np.nan_to_num(sizes.contrast, nan=1.0), _SHARE), _SHARE, _MOST)
    reach = np.sqrt(np.log(1 / level) / math.log(2))
    half: np.ndarray = widths / 2 * reach[:, None]
    return half


def _widen_to_beam(opened: PlacedMap, sizes: EllipseSizes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return axes and angle, with those of the beam for sources that are smaller or have no size."""
    if opened.beam is None:
        return sizes.major, sizes.minor, sizes.angle
    with np.errstate(invalid="ignore"):
        small = ~(sizes.major >= opened.beam.major)
    return (
        np.where(small, opened.beam.major, sizes.major),
        np.where(small, opened.beam.minor, np.fmax(sizes.minor, opened.beam.minor)),
        np.where(small, opened.beam.angle, sizes.angle),
    )
