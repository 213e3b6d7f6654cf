"""The pixel grid on which galaxies are drawn, and the units of pixel values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy.fft import fftfreq, next_fast_len, rfftfreq

NATIVE_SCALE = 0.262
"""arcsec per pixel of the DECaLS coadds."""

NATIVE_AREA = NATIVE_SCALE**2
"""Area in arcsec² that pixel values refer to at any pixel scale, as in cutouts from the Legacy Surveys viewer."""

MARGIN = 4.0
"""Width in arcsec of the margin beyond each edge; it avoids wrap-around in the convolution with the PSF."""

# Galaxies are cuspy only at their centres: pixels within _CORE of it are the mean of _FINE x _FINE points.
_CORE, _FINE = 3.5, 4

Profile = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Surface brightness as a function of the offsets (x, y) from its centre in arcsec."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Pixel centres of a square image with its margin.

    Parameters
    ----------
    size : int
        Side of the image without the margin, in pixels.
    scale : float
        Pixel scale in arcsec per pixel.

    Attributes
    ----------
    margin : int
        Number of pixels beyond each edge.
    axis : ndarray of float32, shape (n,)
        Offsets of the pixel centres from the image centre in arcsec; n includes both margins.
    x, y : ndarray of float32, shape (n, n)
        The same for each pixel; x grows with the column, y with the row (upwards, as FITS is displayed).
    frequency : ndarray of float32, shape (n, n // 2 + 1)
        Frequency of each term of the real Fourier transform in cycles per arcsec.
    """

    size: int
    scale: float
    margin: int = field(init=False)
    axis: np.ndarray = field(init=False)
    x: np.ndarray = field(init=False)
    y: np.ndarray = field(init=False)
    frequency: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        wanted = self.size + 2 * int(np.ceil(MARGIN / self.scale))
        margin = (next_fast_len(wanted, real=True) - self.size + 1) // 2
        axis = (np.arange(self.size + 2 * margin) - margin - (self.size - 1) / 2) * self.scale
        x, y = np.meshgrid(axis, axis)
        frequency = np.hypot(rfftfreq(len(axis), self.scale), fftfreq(len(axis), self.scale)[:, None])
        for name, value in {"axis": axis, "x": x, "y": y, "frequency": frequency}.items():
            array = value.astype(np.float32)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "margin", margin)

    @property
    def side(self) -> float:
        """Side of the image without the margin, in arcsec."""
        return self.size * self.scale

    def crop(self, image: np.ndarray) -> np.ndarray:
        """Return `image`, shape (..., n, n), without its margin."""
        inner = slice(self.margin, self.margin + self.size)
        return image[..., inner, inner]

    def sample(self, profile: Profile, x0: float = 0.0, y0: float = 0.0) -> np.ndarray:
        """Return the pixel values of a profile, averaged over the pixel area near its centre.

        Parameters
        ----------
        profile : callable
            Surface brightness per arcsec² as a function of arrays of offsets (x, y) from the centre in arcsec.
        x0, y0 : float
            Centre of the profile in arcsec from the image centre.

        Returns
        -------
        ndarray of float32, shape (n, n)
            Flux per `NATIVE_AREA`.
        """
        return self.sample_window(profile, x0, y0, np.inf)[0]

    def sample_window(self, profile: Profile, x0: float, y0: float, reach: float) -> tuple[np.ndarray, slice, slice]:
        """Sample a profile as `sample` does, within `reach` arcsec of its centre in x and y.

        Returns
        -------
        image : ndarray of float32, shape (..., rows, columns)
            Pixel values with the leading axes of the profile; empty if the window is outside the grid.
        rows, columns : slice
            Position of the window in an image of shape (n, n).
        """
        reach = max(reach, _CORE * self.scale)
        rows, columns = self._around(y0, reach), self._around(x0, reach)
        x, y = self.x[rows, columns] - np.float32(x0), self.y[rows, columns] - np.float32(y0)
        image = profile(x, y).astype(np.float32, copy=False)
        core_rows, core_columns = (self._around(c, _CORE * self.scale) for c in (y0, x0))
        if core_rows.stop > core_rows.start and core_columns.stop > core_columns.start:
            steps = ((np.arange(_FINE) + 0.5) / _FINE - 0.5) * self.scale
            fine_x = (self.axis[core_columns, None] + steps).ravel() - x0
            fine_y = (self.axis[core_rows, None] + steps).ravel() - y0
            dense = profile(*np.meshgrid(np.float32(fine_x), np.float32(fine_y)))
            inner = np.s_[
                core_rows.start - rows.start : core_rows.stop - rows.start,
                core_columns.start - columns.start : core_columns.stop - columns.start,
            ]
            image[..., *inner] = dense.reshape(*dense.shape[:-2], -1, _FINE, len(fine_x) // _FINE, _FINE).mean((-3, -1))
        return image * np.float32(NATIVE_AREA), rows, columns

    def _around(self, center: float, reach: float) -> slice:
        n = len(self.axis)
        low, high = ((center + side * reach - float(self.axis[0])) / self.scale for side in (-1, 1))
        start = int(np.ceil(np.clip(low, 0, n)))
        return slice(start, max(start, int(np.floor(np.clip(high, -1, n - 1))) + 1))


@lru_cache(maxsize=8)
def make_grid(size: int, scale: float) -> Grid:
    """Return the grid for a size and a pixel scale, from a cache."""
    return Grid(size, scale)


def rotate(x: np.ndarray, y: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Convert offsets to those along and across a direction.

    Parameters
    ----------
    x, y : ndarray
        Offsets along the columns and the rows.
    angle : float
        Direction in radians, from the x axis towards the y axis.

    Returns
    -------
    along, across : ndarray
        Rotated offsets, of the same shape as `x`.
    """
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cosine + y * sine, y * cosine - x * sine
