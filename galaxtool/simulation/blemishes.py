"""Rare blemishes of survey images, equally likely in every class."""

from __future__ import annotations

import numpy as np

from galaxtool.simulation.grid import Grid, rotate


def add_blemishes(image: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return an image with blemishes: about one in ten has a satellite trail, scattered light or saturated cores.

    Parameters
    ----------
    image : ndarray of float32, shape (3, n, n)
        g, r, z in nanomaggies per native pixel area, margin included.
    grid : Grid
        Pixel grid of the image.
    rng : numpy.random.Generator
        Random number generator.

    Returns
    -------
    ndarray of float32, shape (3, n, n)
    """
    if rng.random() < 0.008:
        image = _add_trail(image, grid, rng)
    if rng.random() < 0.05:
        image = _add_scattered_light(image, grid, rng)
    return _saturate(image, rng)


def _add_trail(image: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Add the trail of a satellite to one band."""
    _, across = rotate(grid.x, grid.y, rng.uniform(0, np.pi))
    distance = across - np.float32(rng.uniform(-0.5, 0.5) * grid.side)
    line = rng.uniform(0.005, 0.03) * np.exp(-0.5 * (distance / np.float32(rng.uniform(0.5, 0.9))) ** 2)
    image = image.copy()
    image[int(rng.integers(3))] += line.astype(np.float32)
    return image


def _add_scattered_light(image: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Add the halo of a bright star outside the frame, different in each band."""
    angle, distance = rng.uniform(0, 2 * np.pi), grid.side * rng.uniform(0.45, 0.9)
    r = np.hypot(grid.x - np.float32(distance * np.cos(angle)), grid.y - np.float32(distance * np.sin(angle)))
    glow = np.exp(-r / np.float32(grid.side * rng.uniform(0.15, 0.3)))
    level = np.array([0.008, 0.012, 0.02]) * rng.uniform(0.3, 1.5, 3)
    return image + level[:, None, None].astype(np.float32) * glow


def _saturate(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cap the cores of bright stars, at a different level in each band."""
    level = np.array([8.0, 10.0, 14.0]) * np.exp(rng.normal(0, 0.4, 3))
    capped: np.ndarray = np.minimum(image, level[:, None, None].astype(np.float32))
    return capped
