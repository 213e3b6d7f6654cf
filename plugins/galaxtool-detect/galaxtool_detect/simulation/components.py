"""Sources as sums of elliptical Gaussians, which a Gaussian beam turns into other elliptical Gaussians.

So convolved sources are exact, on any grid, and need no Fourier transforms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

FWHM = math.sqrt(8 * math.log(2))
"""Full width at half maximum of a Gaussian, in standard deviations."""

_REACH = 6.0  # standard deviations; a Gaussian is drawn up to 1.5e-8 of its peak


@dataclass(frozen=True, kw_only=True, eq=False)
class Components:
    """Elliptical Gaussians.

    Parameters
    ----------
    positions : ndarray, shape (N, 2)
        x and y of the centres.
    fluxes : ndarray, shape (N,)
        Integrated fluxes.
    covariances : ndarray, shape (N, 2, 2)
        Covariance of each Gaussian in x and y; all zero for a point.
    """

    positions: np.ndarray
    fluxes: np.ndarray
    covariances: np.ndarray

    @property
    def centroid(self) -> tuple[float, float]:
        """x and y of the centre of the flux."""
        x, y = np.average(self.positions, axis=0, weights=self.fluxes)
        return float(x), float(y)

    def scale(self, *, size: float = 1.0, flux: float = 1.0) -> Components:
        """Return the same source, larger and brighter by these factors."""
        return Components(
            positions=self.positions * size, fluxes=self.fluxes * flux, covariances=self.covariances * size**2
        )

    def move(self, x: float, y: float) -> Components:
        """Return the same source elsewhere."""
        return Components(positions=self.positions + np.array([x, y]), fluxes=self.fluxes, covariances=self.covariances)

    def rotate(self, angle: float) -> Components:
        """Return the same source, turned by an angle in radians."""
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return Components(
            positions=self.positions @ turn.T, fluxes=self.fluxes, covariances=turn @ self.covariances @ turn.T
        )


def make_covariance(major: float, minor: float, angle: float) -> np.ndarray:
    """Return the covariance of an elliptical Gaussian, shape (2, 2).

    Parameters
    ----------
    major, minor : float
        Full widths at half maximum.
    angle : float
        Position angle of the major axis in degrees, from the y axis (north) to negative x (east).
    """
    turn = math.radians(angle)
    axis, across = np.array([-math.sin(turn), math.cos(turn)]), np.array([math.cos(turn), math.sin(turn)])
    return (major / FWHM) ** 2 * np.outer(axis, axis) + (minor / FWHM) ** 2 * np.outer(across, across)


def render(components: Components, beam: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the image of a source as a radio map shows it, per beam.

    Parameters
    ----------
    components : Components
        Positions in pixels, the centre of the first pixel being (0, 0).
    beam : ndarray, shape (2, 2)
        Covariance of the beam in pixels.
    shape : (ny, nx)
        Size of the image.

    Returns
    -------
    ndarray of float64, shape (ny, nx)
        A point with a flux of 1 Jy has a peak of 1 Jy per beam.
    """
    image = np.zeros(shape)
    ny, nx = shape
    for (x, y), flux, covariance in zip(
        components.positions, components.fluxes, components.covariances + beam, strict=True
    ):
        rx, ry = _REACH * np.sqrt(np.diagonal(covariance))
        x0, x1 = max(0, math.ceil(x - rx)), min(nx, math.floor(x + rx) + 1)
        y0, y1 = max(0, math.ceil(y - ry)), min(ny, math.floor(y + ry) + 1)
        if x0 >= x1 or y0 >= y1:
            continue
        dx, dy = np.arange(x0, x1) - x, np.arange(y0, y1)[:, None] - y
        inverse = np.linalg.inv(covariance)
        power = inverse[0, 0] * dx**2 + 2 * inverse[0, 1] * dx * dy + inverse[1, 1] * dy**2
        peak = flux * math.sqrt(np.linalg.det(beam) / np.linalg.det(covariance))
        image[y0:y1, x0:x1] += peak * np.exp(-0.5 * power)
    return image
