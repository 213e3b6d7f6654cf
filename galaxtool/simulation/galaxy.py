"""Simulation of one galaxy of a class, as a cutout of a survey like DECaLS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.simulation import disrupted, edge_on, smooth, spirals
from galaxtool.simulation.blemishes import add_blemishes
from galaxtool.simulation.colors import BANDS
from galaxtool.simulation.grid import NATIVE_SCALE, make_grid
from galaxtool.simulation.properties import find_galaxy_properties, has_bright_star
from galaxtool.simulation.scene import Scene
from galaxtool.simulation.surroundings import add_surroundings
from galaxtool.simulation.telescope import add_noise, draw_conditions, expose
from galaxtool.types import Cutout

NATIVE_SIZE = 256
"""Side of the Galaxy10 DECaLS images in pixels, at 0.262 arcsec per pixel."""

UNIT = "nanomaggy"

CLASSES: dict[str, Callable[[Scene], None]] = {
    "disturbed": disrupted.draw_disturbed,
    "merging": disrupted.draw_merging,
    "round_smooth": smooth.draw_round_smooth,
    "in_between_round_smooth": smooth.draw_in_between_round_smooth,
    "cigar_shaped_smooth": smooth.draw_cigar_shaped_smooth,
    "barred_spiral": spirals.draw_barred_spiral,
    "unbarred_tight_spiral": spirals.draw_unbarred_tight_spiral,
    "unbarred_loose_spiral": spirals.draw_unbarred_loose_spiral,
    "edge_on_without_bulge": edge_on.draw_edge_on_without_bulge,
    "edge_on_with_bulge": edge_on.draw_edge_on_with_bulge,
}
"""Slug of each class of the ``galaxy10`` taxonomy, in its order -> the function that draws it."""

PARAMETERS = (
    "mag_r",
    "radius",
    "axis_ratio",
    "position_angle",
    "bulge_fraction",
    "inclination",
    "arms",
    "pitch_angle",
    "bar_length",
    "disc_length",
    "flux_ratio",
    "separation",
    "seeing_g",
    "seeing_r",
    "seeing_z",
)
"""Physical parameters of a simulated galaxy: angles in degrees, lengths in arcsec, magnitudes AB; see the guide."""

# Galactic north pole, ICRS degrees, and the least |b| of the survey.
_POLE, _MIN_LATITUDE = (192.85948, 27.12825), 18.0
_DEC_RANGE = (-18.0, 34.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedGalaxy:
    """A simulated galaxy and its physical parameters.

    Parameters
    ----------
    cutout : Cutout
        Image of the galaxy.
    parameters : dict of str to float
        Values for the keys in `PARAMETERS`; those that do not apply are omitted.
    properties : frozenset of str
        What can be seen of the galaxy: names of `galaxtool.simulation.properties.PROPERTIES`.
    """

    cutout: Cutout
    parameters: dict[str, float]
    properties: frozenset[str]


def simulate_galaxy(
    slug: str, rng: np.random.Generator, *, size: int = NATIVE_SIZE, pixel_scale: float | None = None
) -> Cutout:
    """Simulate one galaxy.

    Parameters
    ----------
    slug : str
        Class of the ``galaxy10`` taxonomy, a key of `CLASSES`.
    rng : numpy.random.Generator
        Random number generator. The same state gives the same galaxy and surroundings at any size; only the noise
        differs between sizes.
    size : int
        Side of the image in pixels, at least 16.
    pixel_scale : float, optional
        Pixel scale in arcsec per pixel. By default 0.262 x 256 / `size`, so that the field of view is that of Galaxy10
        DECaLS (67 arcsec) at any size.

    Returns
    -------
    Cutout
        float32 (3, size, size) in g, r, z, row 0 at the bottom, without NaN. Values are in nanomaggies per native
        pixel (0.262 arcsec square) at any pixel scale, as from the cutout service of the Legacy Surveys, so that a
        stretch looks the same at any size. `ra` and `dec` are drawn uniformly over the footprint of DECaLS.

    Raises
    ------
    UnknownName
        If the class does not exist.
    ConfigError
        If the size or the pixel scale cannot be used.
    """
    return simulate(slug, rng, size=size, pixel_scale=pixel_scale).cutout


def simulate(
    slug: str, rng: np.random.Generator, *, size: int = NATIVE_SIZE, pixel_scale: float | None = None
) -> SimulatedGalaxy:
    """Simulate one galaxy and return it with its parameters; the arguments are those of `simulate_galaxy`."""
    if slug not in CLASSES:
        raise UnknownName("simulated class", slug, CLASSES)
    if size < 16:
        raise ConfigError(
            f"A simulated image with a side of {size} pixels is too small.", hint="Use a size of 16 or more."
        )
    scale = NATIVE_SCALE * NATIVE_SIZE / size if pixel_scale is None else float(pixel_scale)
    if not 0.02 <= scale * size / NATIVE_SIZE <= 4:
        raise ConfigError(
            f"A field of {scale * size:g} arcsec cannot be simulated.", hint="Use a field of 5 to 1000 arcsec."
        )
    ra, dec = draw_position(rng)
    scene = Scene(make_grid(size, scale), rng)
    conditions = draw_conditions(rng)
    CLASSES[slug](scene)
    properties = find_galaxy_properties(scene)
    add_surroundings(scene)
    properties |= {"near_star"} if has_bright_star(scene) else set()
    image = add_blemishes(expose(scene, conditions), scene.grid, rng)
    data = add_noise(scene.grid.crop(image), conditions, rng, scale)
    parameters = scene.parameters | {
        f"seeing_{band}": float(fwhm) for band, fwhm in zip(BANDS, conditions.fwhm, strict=True)
    }
    cutout = Cutout(
        data=np.ascontiguousarray(data, np.float32),
        bands=BANDS,
        unit=UNIT,
        ra=ra,
        dec=dec,
        pixel_scale=scale,
        source=f"simulated {slug}",
    )
    return SimulatedGalaxy(cutout=cutout, parameters=parameters, properties=frozenset(properties))


def draw_position(rng: np.random.Generator) -> tuple[float, float]:
    """Draw a position uniformly over the footprint of DECaLS.

    The footprint has declinations from -18 to 34 degrees, at least 18 degrees from the Galactic plane.

    Returns
    -------
    ra, dec : float
        Position in degrees, ICRS.
    """
    low, high = np.sin(np.radians(_DEC_RANGE))
    pole_ra, pole_dec = np.radians(_POLE)
    while True:
        ra, sine = rng.uniform(0, 2 * np.pi), rng.uniform(low, high)
        height = sine * np.sin(pole_dec) + np.sqrt(1 - sine**2) * np.cos(pole_dec) * np.cos(ra - pole_ra)
        if abs(np.degrees(np.arcsin(height))) >= _MIN_LATITUDE:
            return float(np.degrees(ra)), float(np.degrees(np.arcsin(sine)))
