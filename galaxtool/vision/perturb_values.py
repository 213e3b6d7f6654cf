"""Perturbations of measured values, before the stretch: what another telescope or night would have measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import ndimage

from galaxtool.types import Cutout
from galaxtool.vision.sky import measure_sky

FWHM = 2.3548200450309493
"""Full width at half maximum of a Gaussian, in units of its standard deviation."""

_LEAST_WEIGHT = 0.5  # of the known pixels in an interpolated one, which is missing below that


def perturb_values(cutout: Cutout, kind: str, level: float, rng: np.random.Generator) -> Cutout:
    """Perturb the values of a measured image.

    Parameters
    ----------
    cutout : Cutout
        Image with float32 data of shape (bands, ny, nx), NaN where there are none.
    kind : str
        ``noise``, ``psf``, ``rotation``, ``crop`` or ``brightness``.
    level : float
        In units of the noise of each band, in pixels (FWHM), in degrees, as a fraction of the sides, or as a factor.
    rng : Generator
        Random numbers for the noise and for the sense of a rotation.

    Returns
    -------
    Cutout
        An image of the same bands; of a crop, with fewer pixels. Missing values stay missing.
    """
    return replace(cutout, data=_CHANGES[kind](cutout.data, level, rng), mask=None)


def _add_noise(data: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    noises = np.array([measure_sky(plane)[1] for plane in data], dtype=np.float32)
    added: np.ndarray = data + level * noises[:, None, None] * rng.standard_normal(data.shape, dtype=np.float32)
    return added


def _blur(data: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    sigma = level / FWHM
    return _without_missing(
        data, lambda planes: ndimage.gaussian_filter(planes, (0, sigma, sigma), mode="nearest"), fills=False
    )


def _rotate(data: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    angle = level if rng.random() < 0.5 else -level
    return _without_missing(
        data, lambda planes: ndimage.rotate(planes, angle, axes=(2, 1), reshape=False, order=1, mode="reflect")
    )


def _crop(data: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    ny, nx = data.shape[-2:]
    kept_y, kept_x = (max(1, round(level * side)) for side in (ny, nx))
    top, left = (ny - kept_y) // 2, (nx - kept_x) // 2
    return np.ascontiguousarray(data[:, top : top + kept_y, left : left + kept_x])


def _brighten(data: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    return data * np.float32(level)


def _without_missing(data: np.ndarray, change: Callable[[np.ndarray], np.ndarray], *, fills: bool = True) -> np.ndarray:
    """Return planes after a linear change in which missing pixels have no weight.

    Where `fills` is false, all missing pixels stay missing; else they move with the image.
    """
    known = np.isfinite(data)
    if known.all():
        return change(data)
    weights = change(known.astype(np.float32))
    changed = change(np.where(known, data, np.float32(0)))
    is_kept = weights >= _LEAST_WEIGHT if fills else known
    return np.where(is_kept, changed / np.maximum(weights, np.float32(1e-6)), np.float32(np.nan))


_CHANGES: dict[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    "noise": _add_noise,
    "psf": _blur,
    "rotation": _rotate,
    "crop": _crop,
    "brightness": _brighten,
}
