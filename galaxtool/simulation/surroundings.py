"""Other objects in the frame: faint galaxies, neighbouring galaxies and stars of the Milky Way."""

from __future__ import annotations

import numpy as np

from galaxtool.simulation.colors import colors_to_flux, compute_spectrum, magnitude_to_flux
from galaxtool.simulation.profiles import sersic
from galaxtool.simulation.scene import Blobs, Scene

ARCMIN2 = 3600.0


def add_surroundings(scene: Scene) -> None:
    """Draw faint galaxies, a few neighbours and stars at random positions, in the same way for every class."""
    half = scene.grid.side / 2 + 4
    area = (2 * half) ** 2 / ARCMIN2
    _draw_faint_galaxies(scene, half, area)
    _draw_neighbors(scene, half, area)
    _draw_stars(scene, half, area)


def _draw_faint_galaxies(scene: Scene, half: float, area: float) -> None:
    rng = scene.rng
    # Counts rise as 10^(0.4 m); the density varies with large-scale structure.
    n = rng.poisson(16 * np.exp(rng.normal(0, 0.4)) * area)
    magnitude = 24.0 - np.minimum(rng.exponential(1.0, n), 4.0)
    x, y = rng.uniform(-half, half, (2, n))
    radius = 0.38 * 10 ** (0.08 * (24 - magnitude)) * rng.uniform(0.6, 1.5, n)
    angle, stretch = rng.uniform(0, np.pi, n), radius * rng.uniform(0.0, 1.2, n)
    # Beyond redshift 0.3 the break of an old population is in r, so faint old galaxies are red in r-z too.
    colors = colors_to_flux(rng.uniform(0.3, 1.3, n), rng.uniform(0.2, 1.3, n))
    steps = np.array([-1.0, 0.0, 1.0])[:, None]
    share = np.array([0.27, 0.46, 0.27])[:, None] * magnitude_to_flux(magnitude)
    blobs = Blobs(
        x=(x + np.cos(angle) * stretch * steps).ravel(),
        y=(y + np.sin(angle) * stretch * steps).ravel(),
        sigma=np.tile(0.75 * radius, 3),
        flux=share.ravel(),
    )
    scene.add_blobs(blobs, share.sum() * np.tile(colors.T, (3, 1)))


def _draw_neighbors(scene: Scene, half: float, area: float) -> None:
    rng = scene.rng
    for _ in range(rng.poisson(0.8 * area)):
        magnitude = 20.5 - min(rng.exponential(0.8), 2.5)
        x, y = rng.uniform(-half, half, 2)
        radius = 1.1 * 10 ** (0.15 * (20.0 - magnitude)) * rng.uniform(0.6, 1.5)
        profile = sersic(radius, rng.uniform(0.8, 2.5), axis_ratio=rng.uniform(0.3, 1), angle=rng.uniform(0, np.pi))
        redder = rng.uniform(0.0, 0.35)
        colors = compute_spectrum(rng.uniform(0.2, 1.05), (redder, 0.5 * redder))
        scene.add_profile(profile, magnitude_to_flux(magnitude) * colors, x, y, reach=9 * radius)


def _draw_stars(scene: Scene, half: float, area: float) -> None:
    rng = scene.rng
    n = rng.poisson(3.0 * np.exp(rng.normal(0, 0.5)) * area)  # the density falls with galactic latitude
    magnitude = 23.0 - np.minimum(rng.exponential(2.2, n), 10.0)
    x, y = rng.uniform(-half, half, (2, n))
    # Faint stars are mostly M dwarfs, bright ones F to K dwarfs of disc and halo.
    dwarf = rng.random(n) < np.clip(0.12 * (magnitude - 16.5), 0.03, 0.75)
    g_r = np.where(dwarf, rng.normal(1.45, 0.1, n), rng.uniform(0.25, 1.0, n))
    r_z = np.where(dwarf, rng.uniform(0.9, 2.1, n), 0.55 * g_r + rng.normal(0, 0.05, n))
    scene.points.append((x, y, (magnitude_to_flux(magnitude) * colors_to_flux(g_r, r_z)).T))
