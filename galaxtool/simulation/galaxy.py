"""Simulate one galaxy of a class, as a cutout of a DECaLS-like survey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.simulation import disrupted, edge_on, smooth, spirals
from galaxtool.simulation.blemishes import add_blemishes
from galaxtool.simulation.colours import BANDS
from galaxtool.simulation.grid import NATIVE_SCALE, grid_for
from galaxtool.simulation.scene import Scene
from galaxtool.simulation.surroundings import add_surroundings
from galaxtool.simulation.telescope import add_noise, draw_conditions, expose
from galaxtool.types import Cutout

NATIVE_SIZE = 256
"""Pixels a side of the Galaxy10 DECaLS images, at 0.262 arcsec per pixel."""

UNIT = "nanomaggy"

CLASSES: dict[str, Callable[[Scene], None]] = {
    "disturbed": disrupted.disturbed,
    "merging": disrupted.merging,
    "round_smooth": smooth.round_smooth,
    "in_between_round_smooth": smooth.in_between_round_smooth,
    "cigar_shaped_smooth": smooth.cigar_shaped_smooth,
    "barred_spiral": spirals.barred_spiral,
    "unbarred_tight_spiral": spirals.unbarred_tight_spiral,
    "unbarred_loose_spiral": spirals.unbarred_loose_spiral,
    "edge_on_without_bulge": edge_on.edge_on_without_bulge,
    "edge_on_with_bulge": edge_on.edge_on_with_bulge,
}
"""What draws each class of the ``galaxy10`` taxonomy, by slug, in its order."""

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
class Simulated:
    """A simulated galaxy and what it was made of.

    Parameters
    ----------
    cutout : Cutout
        The image.
    parameters : dict of str to float
        Keys of `PARAMETERS`; those that do not apply are absent.
    """

    cutout: Cutout
    parameters: dict[str, float]


def simulate_galaxy(
    slug: str, rng: np.random.Generator, *, size: int = NATIVE_SIZE, pixel_scale: float | None = None
) -> Cutout:
    """Simulate one galaxy.

    Parameters
    ----------
    slug : str
        A class of the ``galaxy10`` taxonomy, a key of `CLASSES`.
    rng : numpy.random.Generator
        The same state gives the same galaxy and surroundings at any size; only the noise differs then.
    size : int
        Side of the image in pixels, at least 16.
    pixel_scale : float, optional
        arcsec per pixel. When not given it is 0.262 x 256 / `size`, so that the field of view is that of Galaxy10
        DECaLS, 67 arcsec, at any size.

    Returns
    -------
    Cutout
        float32 (3, size, size) in g, r, z, row 0 at the bottom, without NaN. Values are nanomaggies per native
        pixel (0.262 arcsec square) at any pixel scale, as the cutout service of the Legacy Surveys gives them, so
        that a stretch looks the same at any size; `ra` and `dec` are drawn uniformly over the footprint of DECaLS.

    Raises
    ------
    UnknownName
        If there is no such class.
    ConfigError
        If the size or the pixel scale cannot be used.
    """
    return simulate(slug, rng, size=size, pixel_scale=pixel_scale).cutout


def simulate(
    slug: str, rng: np.random.Generator, *, size: int = NATIVE_SIZE, pixel_scale: float | None = None
) -> Simulated:
    """Simulate one galaxy and tell its parameters; the arguments are those of `simulate_galaxy`."""
    if slug not in CLASSES:
        raise UnknownName("simulated class", slug, CLASSES)
    if size < 16:
        raise ConfigError(f"A simulated image of {size} pixels a side is too small.", hint="Use a size of 16 or more.")
    scale = NATIVE_SCALE * NATIVE_SIZE / size if pixel_scale is None else float(pixel_scale)
    if not 0.02 <= scale * size / NATIVE_SIZE <= 4:
        raise ConfigError(
            f"A field of {scale * size:g} arcsec is outside what can be simulated.", hint="Use 5 to 1000 arcsec."
        )
    ra, dec = draw_position(rng)
    scene = Scene(grid_for(size, scale), rng)
    conditions = draw_conditions(rng)
    CLASSES[slug](scene)
    add_surroundings(scene)
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
    return Simulated(cutout=cutout, parameters=parameters)


def draw_position(rng: np.random.Generator) -> tuple[float, float]:
    """Draw a position uniformly over the DECaLS footprint: declination -18 to 34, 18 degrees off the Galactic plane.

    Returns
    -------
    ra, dec : float
        Degrees, ICRS.
    """
    low, high = np.sin(np.radians(_DEC_RANGE))
    pole_ra, pole_dec = np.radians(_POLE)
    while True:
        ra, sine = rng.uniform(0, 2 * np.pi), rng.uniform(low, high)
        height = sine * np.sin(pole_dec) + np.sqrt(1 - sine**2) * np.cos(pole_dec) * np.cos(ra - pole_ra)
        if abs(np.degrees(np.arcsin(height))) >= _MIN_LATITUDE:
            return float(np.degrees(ra)), float(np.degrees(np.arcsin(sine)))
