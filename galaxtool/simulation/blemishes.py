"""Rare blemishes of survey images, in any class alike."""

from __future__ import annotations

import numpy as np

from galaxtool.simulation.grid import Grid, rotate


def add_blemishes(image: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return an image with, in about one of ten, a satellite trail, scattered light or saturated cores.

    Parameters
    ----------
    image : ndarray of float32, shape (3, n, n)
        g, r, z in nanomaggies per native pixel area, margin included.
    grid : Grid
        Its pixels.
    rng : numpy.random.Generator
        Decides whether and what.

    Returns
    -------
    ndarray of float32, shape (3, n, n)
    """
    if rng.random() < 0.008:
        image = _trail(image, grid, rng)
    if rng.random() < 0.05:
        image = _scattered_light(image, grid, rng)
    return _saturate(image, rng)


def _trail(image: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """A satellite crossed one exposure of one band."""
    _, across = rotate(grid.x, grid.y, rng.uniform(0, np.pi))
    distance = across - np.float32(rng.uniform(-0.5, 0.5) * grid.side)
    line = rng.uniform(0.005, 0.03) * np.exp(-0.5 * (distance / np.float32(rng.uniform(0.5, 0.9))) ** 2)
    image = image.copy()
    image[int(rng.integers(3))] += line.astype(np.float32)
    return image


def _scattered_light(image: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """The halo of a bright star outside the frame, different in each band."""
    angle, distance = rng.uniform(0, 2 * np.pi), grid.side * rng.uniform(0.45, 0.9)
    r = np.hypot(grid.x - np.float32(distance * np.cos(angle)), grid.y - np.float32(distance * np.sin(angle)))
    glow = np.exp(-r / np.float32(grid.side * rng.uniform(0.15, 0.3)))
    level = np.array([0.008, 0.012, 0.02]) * rng.uniform(0.3, 1.5, 3)
    return image + level[:, None, None].astype(np.float32) * glow


def _saturate(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cores of bright stars are masked in a band, mostly the deepest, and shown as empty or capped."""
    level = np.array([8.0, 10.0, 14.0]) * np.exp(rng.normal(0, 0.4, 3))
    return np.minimum(image, level[:, None, None].astype(np.float32))
