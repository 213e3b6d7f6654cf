"""Seeing, noise and blemishes of the DECaLS coadds in g, r and z."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.fft import irfft2, rfft2

from galaxtool.simulation.grid import NATIVE_AREA, NATIVE_SCALE, Grid
from galaxtool.simulation.scene import Scene

SEEING = np.array([1.29, 1.18, 1.11])
"""Median FWHM of the PSF in g, r, z in arcsec (Dey et al. 2019, AJ 157, 168, table 4)."""

NOISE = np.array([0.0028, 0.0044, 0.0087])
"""Median rms of the sky in g, r, z in nanomaggies per native pixel, from corners of DECaLS and Galaxy10 images."""

SHIFT = 0.29
"""Shift in pixels by which coadding and cutting interpolate; the noise of neighbours has a correlation of 0.35."""

SKY = np.array([0.108, 0.27, 0.97])
"""Brightness of the sky in nanomaggies per native pixel: 22.0, 21.0 and 19.6 mag per square arcsec.

Together with `NOISE` it gives the electrons per nanomaggy, and so the shot noise of bright objects.
"""

MOFFAT_BETA = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Seeing, depth and sky offset of an exposure.

    Parameters
    ----------
    fwhm : ndarray, shape (3,)
        FWHM of the PSF in arcsec.
    noise : ndarray, shape (3,)
        Rms of the sky in nanomaggies per native pixel.
    offset : ndarray, shape (3,)
        Error of the sky subtraction in nanomaggies per native pixel.
    """

    fwhm: np.ndarray
    noise: np.ndarray
    offset: np.ndarray


def draw_conditions(rng: np.random.Generator) -> Conditions:
    """Draw seeing and depth from their distribution over the survey."""
    together = rng.normal(0, 0.08)
    fwhm = SEEING * np.exp(together + rng.normal(0, 0.08, 3))
    noise = NOISE * np.exp(rng.normal(0, 0.1) + rng.normal(0, 0.12, 3))
    return Conditions(fwhm=fwhm, noise=noise, offset=rng.normal(0, 0.04, 3) * noise)


def moffat_transfer(frequency: np.ndarray, fwhm: float) -> np.ndarray:
    """Return the Fourier transform of a Moffat profile of β = 2.5 at spatial frequencies.

    For this β, which is about that of DECam, the Bessel function of the transform is elementary:
    (1 + k α) exp(-k α) with k = 2 π f and α = FWHM / (2 sqrt(2^(1/β) - 1)) (Moffat 1969, A&A 3, 455).

    Parameters
    ----------
    frequency : ndarray
        Frequencies in cycles per arcsec.
    fwhm : float
        FWHM of the profile in arcsec.

    Returns
    -------
    ndarray
        Transfer function, of the same shape; 1 at frequency 0.
    """
    k = float(2 * np.pi * _alpha(fwhm)) * frequency
    return (1 + k) * np.exp(-k)


def expose(scene: Scene, conditions: Conditions) -> np.ndarray:
    """Return the image of a scene through the telescope, without noise.

    Parameters
    ----------
    scene : Scene
        Scene with light and point sources.
    conditions : Conditions
        Seeing and sky offset.

    Returns
    -------
    ndarray of float32, shape (3, n, n)
        nanomaggies per native pixel area, margin included.
    """
    transfer = np.stack([moffat_transfer(scene.grid.frequency, float(fwhm)) for fwhm in conditions.fwhm])
    image = irfft2(rfft2(scene.light) * transfer, s=scene.light.shape[1:])
    for x, y, flux in scene.points:
        for star in zip(x, y, flux, strict=True):
            _add_star(image, scene.grid, conditions.fwhm, *star)
    exposed: np.ndarray = image + np.asarray(conditions.offset, np.float32)[:, None, None]
    return exposed


def _alpha(fwhm: Any) -> Any:
    """Return the scale α of a Moffat profile, for a number or an array."""
    return fwhm / (2 * np.sqrt(2 ** (1 / MOFFAT_BETA) - 1))


def _add_star(image: np.ndarray, grid: Grid, fwhm: np.ndarray, x: float, y: float, flux: np.ndarray) -> None:
    """Add an unresolved source to `image` in place, out to the radius where it is far fainter than the noise.

    It is sampled as a profile, because a Fourier transform rings around an undersampled star.
    """
    alpha = np.asarray(_alpha(fwhm), np.float32)[:, None, None]
    peak = np.asarray(flux, np.float32)[:, None, None] * np.float32((MOFFAT_BETA - 1) / np.pi) / alpha**2
    reach = float((alpha * (peak * NATIVE_AREA / (0.05 * NOISE[:, None, None])) ** (0.5 / MOFFAT_BETA)).max())

    def moffat(dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
        u = 1 + (dx * dx + dy * dy) / alpha**2
        light: np.ndarray = peak / (u * u * np.sqrt(u))  # β = 2.5
        return light

    star, rows, columns = grid.sample_window(moffat, x, y, reach)
    image[:, rows, columns] += star


def compute_noise_rms(noise: np.ndarray, scale: float) -> np.ndarray:
    """Return the rms of the sky at a pixel scale.

    Parameters
    ----------
    noise : ndarray, shape (3,)
        Rms in native pixels.
    scale : float
        Pixel scale in arcsec per pixel.

    Returns
    -------
    ndarray, shape (3,)
        Rms at the pixel scale. The mean of k x k native pixels has slightly more than 1/k of their rms, because
        neighbouring pixels are correlated.
    """
    return _uncorrelated_rms(noise, scale) * _damping_factor(scale)


def _uncorrelated_rms(noise: np.ndarray, scale: float) -> np.ndarray:
    """Return the rms of the uncorrelated noise that interpolation turns into `noise`, averaged to the pixel scale."""
    return noise / _damping_factor(NATIVE_SCALE) * (NATIVE_SCALE / scale)


def _shift_pixels(scale: float) -> float:
    return min(SHIFT * NATIVE_SCALE / scale, 0.5)


def _damping_factor(scale: float) -> float:
    """Return the factor by which linear interpolation in both directions reduces the rms of white noise."""
    return (1 - _shift_pixels(scale)) ** 2 + _shift_pixels(scale) ** 2


def add_noise(image: np.ndarray, conditions: Conditions, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Return an image with sky and source noise, correlated between neighbouring pixels as in interpolated images.

    Parameters
    ----------
    image : ndarray, shape (3, ny, nx)
        Image in nanomaggies per native pixel area.
    conditions : Conditions
        Rms of the sky.
    rng : numpy.random.Generator
        Random number generator.
    scale : float
        Pixel scale in arcsec per pixel.

    Returns
    -------
    ndarray of float32, shape (3, ny, nx)
    """
    bands, ny, nx = image.shape
    f = np.float32(_shift_pixels(scale))
    white = rng.standard_normal((bands, ny + 1, nx + 1), dtype=np.float32)
    white = (1 - f) * white[:, :-1] + f * white[:, 1:]
    unit = (1 - f) * white[:, :, :-1] + f * white[:, :, 1:]
    sky = _uncorrelated_rms(conditions.noise, scale).astype(np.float32)[:, None, None]
    rms = sky * np.sqrt(1 + np.maximum(image, 0) / SKY.astype(np.float32)[:, None, None])
    noisy: np.ndarray = image + rms * unit
    return noisy
