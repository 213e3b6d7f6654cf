"""The scene that is simulated: components add light to it, and dust absorbs some."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from galaxtool.simulation.colors import EXTINCTION, compute_spectrum, magnitude_to_flux
from galaxtool.simulation.grid import NATIVE_AREA, Grid, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Blobs:
    """Round Gaussians, for structures that are lumpy or follow a curve.

    Parameters
    ----------
    x, y : ndarray, shape (N,)
        Centres in arcsec from the image centre.
    sigma : ndarray, shape (N,)
        Widths in arcsec.
    flux : ndarray, shape (N,)
        Total flux of each, relative to the others.
    """

    x: np.ndarray
    y: np.ndarray
    sigma: np.ndarray
    flux: np.ndarray


@dataclass(eq=False)
class Scene:
    """The light in g, r, z before it reaches the telescope.

    Parameters
    ----------
    grid : Grid
        Pixel grid.
    rng : numpy.random.Generator
        Generator of all random numbers. The draws must not depend on the grid, so that a galaxy is the same at any
        image size.

    Attributes
    ----------
    points : list of (x, y, flux)
        Unresolved sources: arrays (N,) in arcsec, and (N, 3) in nanomaggies.
    parameters : dict of str to float
        Parameters drawn for the main galaxy.
    properties : set of str
        Names of `galaxtool.simulation.properties.PROPERTIES` that are true of the main galaxy.
    """

    grid: Grid
    rng: np.random.Generator
    points: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    parameters: dict[str, float] = field(default_factory=dict)
    properties: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._light = np.zeros((3, *self.grid.x.shape), np.float32)
        self._pending: list[tuple[Blobs, np.ndarray]] = []

    @property
    def light(self) -> np.ndarray:
        """The light so far, float32 (3, n, n), in nanomaggies per `NATIVE_AREA`."""
        if self._pending:
            self._light += _draw_blobs(self.grid, self._pending)
            self._pending = []
        return self._light

    def add(self, image: np.ndarray, flux: np.ndarray) -> None:
        """Add `image`, shape (n, n), times `flux`, shape (3,)."""
        self._light += np.asarray(flux, np.float32)[:, None, None] * image

    def add_profile(
        self, profile: Profile, flux: np.ndarray, x: float = 0.0, y: float = 0.0, *, reach: float = np.inf
    ) -> None:
        """Add a profile of flux one, centred at (x, y), times `flux`, shape (3,), out to `reach`; all in arcsec."""
        image, rows, columns = self.grid.sample_window(profile, x, y, reach)
        self._light[:, rows, columns] += np.asarray(flux, np.float32)[:, None, None] * image

    def add_blobs(self, blobs: Blobs, flux: np.ndarray) -> None:
        """Add Gaussians whose fluxes sum to one, times `flux`, shape (3,), or (N, 3) for one flux each."""
        # All are drawn together when the light is read: one product of matrices instead of many.
        share = np.asarray(blobs.flux, np.float32) / np.float32(max(np.sum(blobs.flux), 1e-12))
        self._pending.append((blobs, share[:, None] * np.asarray(flux, np.float32)))

    def absorb(self, depth: np.ndarray) -> None:
        """Absorb the light so far in a screen with optical depth `depth` in V, shape (n, n)."""
        self._light = self.light * np.exp(-EXTINCTION[:, None, None] * depth)


def _draw_blobs(grid: Grid, pending: list[tuple[Blobs, np.ndarray]]) -> np.ndarray:
    """Return an image, shape (3, n, n), of Gaussians with fluxes of shape (N, 3).

    Each Gaussian is the product of a row and a column, so their sum is a product of matrices.
    """
    x, y, sigma = (
        np.concatenate([getattr(blobs, name) for blobs, _ in pending]).astype(np.float32)[:, None]
        for name in ("x", "y", "sigma")
    )
    flux = np.concatenate([each for _, each in pending]) * np.float32(NATIVE_AREA / (2 * np.pi))
    # A sampled Gaussian narrower than half a pixel does not keep its flux.
    sigma = np.maximum(sigma, np.float32(0.5 * grid.scale))
    # Exponents are capped, because products of denormal numbers are very slow.
    along_x = np.exp(np.maximum(-0.5 * ((grid.axis - x) / sigma) ** 2, -35))
    along_y = np.exp(np.maximum(-0.5 * ((grid.axis - y) / sigma) ** 2, -35)) / sigma**2
    return np.stack([(along_y * flux[:, band, None]).T @ along_x for band in range(flux.shape[1])])


@dataclass(frozen=True, slots=True, kw_only=True)
class HostGalaxy:
    """The properties that the main galaxies of all classes have in common.

    Parameters
    ----------
    flux : float
        Total flux in r in nanomaggies.
    radius : float
        Half-light radius in arcsec, typical of the flux, with scatter.
    angle : float
        Direction of the major axis in radians, from x towards y.
    tint : pair of float
        Change of g-r and r-z of each component.
    """

    flux: float
    radius: float
    angle: float
    tint: tuple[float, float]

    def light(self, fraction: float, age: float) -> np.ndarray:
        """Return the flux in g, r, z of a component with a `fraction` of the r flux and a population of `age`."""
        return np.float32(self.flux * fraction) * compute_spectrum(age, self.tint)


def draw_host(scene: Scene, *, size: float = 1.0, brighter: float = 0.0) -> HostGalaxy:
    """Draw flux, size, direction and tint as in a sample limited to r < 17.8 (SDSS spectroscopic galaxies).

    Parameters
    ----------
    scene : Scene
        Scene that also stores the parameters.
    size : float
        Factor on the radius: discs are larger than ellipticals of the same flux.
    brighter : float
        Magnitudes by which the limit is brighter, for classes that are recognized only in well-resolved galaxies.
    """
    rng = scene.rng
    # Euclidean counts, 10^(0.6 m), give an exponential of 0.72 mag below the limit.
    magnitude = max(17.8 - brighter - rng.exponential(0.72), 13.8)
    radius = 2.5 * size * 10 ** (0.18 * (17.3 - magnitude)) * 10 ** rng.normal(0, 0.11)
    redder = rng.normal(0.05, 0.06)  # mostly redshift
    host = HostGalaxy(
        flux=float(magnitude_to_flux(magnitude)),
        radius=float(np.clip(radius, 1.2, 16)),
        angle=rng.uniform(0, 2 * np.pi),
        tint=(redder, 0.75 * redder + rng.normal(0, 0.03)),
    )
    scene.parameters.update(mag_r=magnitude, radius=host.radius, position_angle=position_angle(host.angle))
    return host


def position_angle(angle: float) -> float:
    """Return the position angle of a direction (from x towards y; x is west): degrees east of north, in [0, 180)."""
    return float((np.degrees(angle) - 90) % 180)


def tapered_step(x: np.ndarray, width: float) -> np.ndarray:
    """Return a smooth step from 0 (x well below 0) to 1 with the given width; same shape as `x`."""
    return 1 / (1 + np.exp(np.clip(-x / np.float32(width), -30, 30)))
