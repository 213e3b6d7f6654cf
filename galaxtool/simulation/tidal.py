"""Tidal features: tails, bridges and bent bodies."""

from __future__ import annotations

import numpy as np

from galaxtool.simulation.grid import Profile
from galaxtool.simulation.scene import Blobs


def make_tail(
    rng: np.random.Generator,
    start: tuple[float, float],
    heading: float,
    *,
    length: float,
    curl: float,
    width: float,
    fade: float = 2.0,
    clumpy: float = 0.3,
) -> Blobs:
    """Return a tail as Gaussians along a curve that widens and fades outwards.

    Parameters
    ----------
    rng : numpy.random.Generator
        Random number generator.
    start : pair of float
        Position where the tail leaves the galaxy, in arcsec from the image centre.
    heading : float
        Direction at the start in radians, from x towards y.
    length : float
        Length along the curve in arcsec.
    curl : float
        Change of direction from start to end in radians.
    width : float
        Gaussian width at the start in arcsec; it is three times as large at the end.
    fade : float
        Logarithm of the decrease in flux from start to end.
    clumpy : float
        Rms of the logarithm of the flux along the tail.
    """
    n = max(12, int(2.5 * length / width))
    t = (np.arange(n) + 0.5) / n
    bend = curl * t**0.8 + rng.normal(0, 0.25) * np.sin(np.pi * t)
    x = start[0] + np.cumsum(np.cos(heading + bend)) * length / n
    y = start[1] + np.cumsum(np.sin(heading + bend)) * length / n
    uneven = np.convolve(rng.normal(0, clumpy, n + 4), np.full(5, 0.45), "valid")
    return Blobs(x=x, y=y, sigma=width * (1 + 2 * t), flux=np.exp(uneven - fade * t))


def make_bridge(rng: np.random.Generator, a: tuple[float, float], b: tuple[float, float], *, width: float) -> Blobs:
    """Return a slightly curved band of light between two points in arcsec, as Gaussians of the given width."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    distance = float(np.hypot(dx, dy))
    n = max(8, int(2.5 * distance / width))
    t = (np.arange(n) + 0.5) / n
    sag = rng.normal(0, 0.18) * np.sin(np.pi * t)
    uneven = np.convolve(rng.normal(0, 0.2, n + 4), np.full(5, 0.45), "valid")
    flux = np.exp(uneven) * (0.6 + np.abs(t - 0.5))
    return Blobs(x=a[0] + dx * t - dy * sag, y=a[1] + dy * t + dx * sag, sigma=np.full(n, width), flux=flux)


def bend_profile(
    profile: Profile, radius: float, *, bend: float = 0.0, lopsided: float = 0.0, angle: float = 0.0
) -> Profile:
    """Return a profile with isophotes that are bent like a banana and stretched to one side.

    Parameters
    ----------
    profile : Profile
        Profile of the undisturbed body.
    radius : float
        Scale of the disturbance in arcsec.
    bend : float
        Displacement across the direction `angle` at `radius`, in units of `radius`.
    lopsided : float
        Relative stretch towards `angle` and compression away from it; below 1.
    angle : float
        Direction in radians, from x towards y.
    """
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))

    def distort(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along, across = (x * cosine + y * sine) / np.float32(radius), (y * cosine - x * sine) / np.float32(radius)
        bounded = along / np.sqrt(1 + 0.15 * along**2)
        across = across - np.float32(bend) * bounded**2
        along = along / (1 + np.float32(lopsided) * np.tanh(along))
        return profile(
            (along * cosine - across * sine) * np.float32(radius), (along * sine + across * cosine) * np.float32(radius)
        )

    return distort
