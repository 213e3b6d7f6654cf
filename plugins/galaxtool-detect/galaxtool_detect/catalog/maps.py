"""What the catalogue needs of an image: boxes of pixels, positions, unit and beam."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs.utils import proj_plane_pixel_scales

from galaxtool import Beam
from galaxtool_detect.boxes import FieldImage


class PixelMap(Protocol):
    """An image whose pixels are read box by box; a `galaxtool.SkyMap` is one."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of bands, height and width."""

    @property
    def unit(self) -> str:
        """Unit of the pixels."""

    @property
    def beam(self) -> Beam | None:
        """Restoring beam."""

    @property
    def pixel_scale(self) -> float | None:
        """arcsec per pixel; None without a WCS."""

    def read(self, y0: int = 0, y1: int | None = None, x0: int = 0, x1: int | None = None) -> np.ndarray:
        """Return pixels, float32 of shape (bands, y1 - y0, x1 - x0)."""

    def to_sky(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return right ascension and declination in degrees, ICRS; NaN without a WCS."""


@dataclass(frozen=True)
class FieldMap:
    """A `FieldImage` as a `PixelMap`."""

    field: FieldImage

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of bands, height and width."""
        return (len(self.field.pixels), *self.field.shape)

    @property
    def unit(self) -> str:
        """Unit of the pixels."""
        return self.field.unit

    @property
    def beam(self) -> Beam | None:
        """Restoring beam."""
        return self.field.beam

    @property
    def pixel_scale(self) -> float | None:
        """arcsec per pixel; None without a WCS."""
        if self.field.wcs is None:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about keywords of headers, which do not change the scale
            x, y = proj_plane_pixel_scales(self.field.wcs)
        return 3600 * math.sqrt(float(x) * float(y))

    def read(self, y0: int = 0, y1: int | None = None, x0: int = 0, x1: int | None = None) -> np.ndarray:
        """Return pixels, NaN where they are masked."""
        box: np.ndarray = self.field.pixels[:, y0:y1, x0:x1]
        if self.field.mask is None:
            return box
        return np.where(self.field.mask[y0:y1, x0:x1], np.nan, box.astype(np.float32))

    def to_sky(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return positions in degrees, ICRS."""
        if self.field.wcs is None or not len(x):
            return np.full(len(x), np.nan), np.full(len(x), np.nan)
        position = self.field.wcs.pixel_to_world(x, y).icrs
        return np.asarray(position.ra.deg), np.asarray(position.dec.deg)

    def to_pixels(self, ra: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels of positions in degrees, ICRS."""
        if self.field.wcs is None or not len(ra):
            return np.full(len(ra), np.nan), np.full(len(ra), np.nan)
        x, y = self.field.wcs.world_to_pixel(SkyCoord(ra, dec, unit="deg"))
        return np.asarray(x), np.asarray(y)


def beam_pixels(image: PixelMap) -> tuple[float, float, float] | None:
    """Return the axes of the beam in pixels and its position angle in degrees; None if beam or scale are unknown."""
    if image.beam is None or not image.pixel_scale:
        return None
    return image.beam.major / image.pixel_scale, image.beam.minor / image.pixel_scale, image.beam.angle
