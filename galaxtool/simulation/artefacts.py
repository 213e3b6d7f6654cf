"""Simulated images that show no galaxy in the middle: stars, artefacts, empty sky.

They are drawn through the same telescope as simulated galaxies and with the same surroundings, so that a model that
tells them from galaxies does so by what they show. They serve to measure how many of such images are recognized.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from galaxtool.errors import UnknownName
from galaxtool.simulation.colors import BANDS, colors_to_flux, magnitude_to_flux
from galaxtool.simulation.galaxy import NATIVE_SIZE, UNIT
from galaxtool.simulation.grid import NATIVE_SCALE, Grid, make_grid, rotate
from galaxtool.simulation.scene import Scene
from galaxtool.simulation.surroundings import add_surroundings
from galaxtool.simulation.telescope import add_noise, draw_conditions, expose
from galaxtool.types import Cutout

Artefact = Callable[[Scene], None]
Damage = Callable[[np.ndarray, Grid, np.random.Generator], np.ndarray]


def simulate_artefact(kind: str, rng: np.random.Generator, *, size: int = NATIVE_SIZE) -> Cutout:
    """Simulate one image without a galaxy in the middle.

    Parameters
    ----------
    kind : str
        Key of `ARTEFACTS`.
    rng : numpy.random.Generator
        Random number generator.
    size : int
        Side of the image in pixels; the field of view is 67 arcsec, as that of simulated galaxies.

    Returns
    -------
    Cutout
        float32 (3, size, size) in g, r, z, row 0 at the bottom, in nanomaggies per native pixel; NaN where a chip has
        ended.

    Raises
    ------
    UnknownName
        If the kind does not exist.
    """
    if kind not in ARTEFACTS:
        raise UnknownName("kind of artefact", kind, ARTEFACTS)
    draw, damage = ARTEFACTS[kind]
    scale = NATIVE_SCALE * NATIVE_SIZE / size
    scene, conditions = Scene(make_grid(size, scale), rng), draw_conditions(rng)
    if draw is not None:
        draw(scene)
    if kind != "noise":
        add_surroundings(scene)
    image = expose(scene, conditions)
    before, after = (damage, None) if damage in _LIGHT else (None, damage)
    if before is not None:
        image = before(image, scene.grid, rng)
    noisy = add_noise(scene.grid.crop(image), conditions, rng, scale)
    if after is not None:
        noisy = after(noisy, scene.grid, rng)
    data = np.ascontiguousarray(noisy, np.float32)
    return Cutout(data=data, bands=BANDS, unit=UNIT, pixel_scale=scale, source=f"simulated {kind}")


def _draw_star(scene: Scene) -> None:
    """Draw a star of 15 to 19.5 mag in the middle."""
    _add_star(scene, scene.rng.uniform(15, 19.5))


def _draw_pair(scene: Scene) -> None:
    """Draw two stars of similar brightness, 1.5 to 8 arcsec apart."""
    rng = scene.rng
    angle, half = rng.uniform(0, 2 * np.pi), rng.uniform(0.75, 4)
    magnitude = rng.uniform(15, 19)
    for side, fainter in ((1, 0.0), (-1, rng.uniform(0, 1.5))):
        _add_star(scene, magnitude + fainter, side * half * np.cos(angle), side * half * np.sin(angle))


def _draw_bright_star(scene: Scene) -> None:
    """Draw a star of 8 to 12.5 mag, which saturates."""
    _add_star(scene, scene.rng.uniform(8, 12.5))


def _add_star(scene: Scene, magnitude: float, x: float = 0.0, y: float = 0.0) -> None:
    rng = scene.rng
    g_r = rng.uniform(0.25, 1.4)
    color = colors_to_flux(np.array([g_r]), np.array([0.6 * g_r + rng.normal(0, 0.05)]))
    scene.points.append((np.array([x]), np.array([y]), (magnitude_to_flux(magnitude) * color).T))


def _saturate(image: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Add the halo and the four spikes of a bright star, cap its core, and let its charge bleed along a column."""
    peak = image.max(axis=(1, 2))
    r = np.hypot(grid.x, grid.y)
    turn = rng.normal(0, 0.05) + (np.pi / 4 if rng.random() < 0.5 else 0)
    along, across = rotate(grid.x, grid.y, turn)
    reach = np.float32(rng.uniform(5, 14))
    spikes = sum(
        np.exp(-np.abs(a) / reach) * np.exp(-0.5 * (b / np.float32(0.45)) ** 2)
        for a, b in ((along, across), (across, along))
    )
    glow = 3e-4 / (1 + (r / 6) ** 2) + 4e-3 * spikes
    lit = image + peak[:, None, None].astype(np.float32) * glow
    level = np.array([8.0, 10.0, 14.0]) * np.exp(rng.normal(0, 0.4, 3))
    bled = (np.abs(grid.x) < 0.6) & (np.abs(grid.y) < rng.uniform(3, 20))
    lit = np.where(bled & (rng.random(3)[:, None, None] < 0.6), np.float32(20), lit)
    capped: np.ndarray = np.minimum(lit, level[:, None, None].astype(np.float32))
    return capped


def _add_trail(image: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Add the trail of a satellite through the middle, in one band or two."""
    _, across = rotate(grid.x, grid.y, rng.uniform(0, np.pi))
    distance = across - np.float32(rng.uniform(-6, 6))
    line = rng.uniform(0.05, 1.0) * np.exp(-0.5 * (distance / np.float32(rng.uniform(0.5, 1.2))) ** 2)
    image = image.copy()
    for band in rng.choice(3, int(rng.integers(1, 3)), replace=False):
        image[band] += line.astype(np.float32)
    return image


def _add_cosmic_rays(image: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Add tracks of cosmic rays, sharper than the seeing and each in one band, the longest in the middle."""
    image, n = image.copy(), image.shape[-1]
    for number in range(int(rng.integers(2, 12))):
        x, y = rng.normal(n / 2, 4, 2) if number == 0 else rng.uniform(0, n, 2)
        length, angle = rng.uniform(2, 20 if number == 0 else 10), rng.uniform(0, 2 * np.pi)
        steps = np.arange(0, length, 0.5)
        columns = np.clip(np.round(x + steps * np.cos(angle)), 0, n - 1).astype(int)
        rows = np.clip(np.round(y + steps * np.sin(angle)), 0, n - 1).astype(int)
        image[int(rng.integers(3)), rows, columns] += np.float32(rng.uniform(0.3, 5))
    return image


def _end_chip(image: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Remove the data beyond the edge of a chip near the middle, and shift the level of the sky along it."""
    half = image.shape[-1] / 2
    edge = int(half * rng.uniform(0.7, 1.3))
    image = image.copy()
    image[:, :, :edge] = np.nan
    image[:, :, edge : edge + 2] += np.float32(rng.uniform(0, 0.2))
    return np.rot90(image, int(rng.integers(4)), axes=(1, 2))


_LIGHT: tuple[Damage, ...] = (_saturate, _add_trail)  # the others happen in the detector

ARTEFACTS: dict[str, tuple[Artefact | None, Damage | None]] = {
    "star": (_draw_star, None),
    "double star": (_draw_pair, None),
    "saturated star": (_draw_bright_star, _saturate),
    "satellite trail": (None, _add_trail),
    "cosmic rays": (None, _add_cosmic_rays),
    "empty sky": (None, None),
    "noise": (None, None),
    "chip edge": (None, _end_chip),
}
"""Kind of image -> what is drawn before the telescope, and what is added to its image."""
