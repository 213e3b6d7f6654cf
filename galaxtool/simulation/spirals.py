"""Spiral galaxies: bulge, old and young disc, arms, dust, and in some a bar."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from galaxtool.simulation.arms import Arms, DiscPlane, draw_arms
from galaxtool.simulation.grid import NATIVE_AREA
from galaxtool.simulation.profiles import sersic
from galaxtool.simulation.properties import note_arms
from galaxtool.simulation.scene import HostGalaxy, Scene, draw_host
from galaxtool.simulation.smooth import draw_spheroid


@dataclass(frozen=True, slots=True, kw_only=True)
class SpiralRecipe:
    """Ranges from which the components of a spiral are drawn.

    Parameters
    ----------
    bulge : pair of float
        Fraction of the r flux in the bulge.
    young : pair of float
        Fraction of the r flux of the disc in the young disc, which contains the arms.
    contrast : pair of float
        Brightness of the crest of an arm relative to the young disc between the arms.
    pitch : pair of float
        Pitch angle in degrees.
    sharpness : pair of float
        κ across an arm, as in `galaxtool.simulation.arms.Arms`.
    patchy : pair of float
        Rms of the logarithm of the flocculence.
    age : pair of float
        Age of the old disc, from 0 (young) to 1 (old).
    outer : pair of float
        Radius where the arms end, in units of the scale length.
    """

    bulge: tuple[float, float]
    young: tuple[float, float]
    contrast: tuple[float, float]
    pitch: tuple[float, float]
    sharpness: tuple[float, float]
    patchy: tuple[float, float]
    age: tuple[float, float]
    outer: tuple[float, float]


TIGHT = SpiralRecipe(
    bulge=(0.1, 0.4),
    young=(0.4, 0.7),
    contrast=(2.5, 7.0),
    pitch=(7, 14),
    sharpness=(1.0, 2.5),
    patchy=(0.1, 0.35),
    age=(0.55, 0.9),
    outer=(2.4, 4.0),
)
LOOSE = SpiralRecipe(
    bulge=(0.02, 0.22),
    young=(0.45, 0.8),
    contrast=(5.0, 14.0),
    pitch=(18, 38),
    sharpness=(1.2, 4.0),
    patchy=(0.2, 0.55),
    age=(0.4, 0.8),
    outer=(2.5, 4.5),
)
BARRED = SpiralRecipe(
    bulge=(0.02, 0.12),
    young=(0.35, 0.7),
    contrast=(3.0, 9.0),
    pitch=(9, 30),
    sharpness=(1.2, 3.5),
    patchy=(0.15, 0.45),
    age=(0.5, 0.9),
    outer=(2.6, 4.2),
)


def draw_unbarred_tight_spiral(scene: Scene) -> None:
    """Draw an object of class ``unbarred_tight_spiral``."""
    host, plane = _draw_disc_plane(scene, size=1.4)
    number = int(scene.rng.choice([2, 2, 2, 3, 4]))
    draw_spiral(scene, host, plane, TIGHT, number=number, inner=scene.rng.uniform(0.2, 0.6))
    if scene.rng.random() < 0.15:
        draw_ring(scene, host, plane, radius=scene.rng.uniform(1.2, 2.4), fraction=scene.rng.uniform(0.1, 0.22))


def draw_unbarred_loose_spiral(scene: Scene) -> None:
    """Draw an object of class ``unbarred_loose_spiral``."""
    host, plane = _draw_disc_plane(scene, size=1.4)
    number = int(scene.rng.choice([1, 2, 2, 2, 2, 3]))
    draw_spiral(scene, host, plane, LOOSE, number=number, inner=scene.rng.uniform(0.15, 0.45))


def draw_barred_spiral(scene: Scene) -> None:
    """Draw an object of class ``barred_spiral``."""
    host, plane = _draw_disc_plane(scene, size=1.3, cosine=(0.5, 1.0))
    rng = scene.rng
    length, azimuth = rng.uniform(0.8, 1.7), rng.uniform(0, 2 * np.pi)
    number = int(rng.choice([2, 2, 2, 3]))
    draw_spiral(
        scene, host, plane, BARRED, number=number, inner=length * rng.uniform(0.8, 1.0), start=(length, azimuth)
    )
    draw_bar(scene, host, plane, length=length, azimuth=azimuth, fraction=rng.uniform(0.14, 0.32))


def _draw_disc_plane(
    scene: Scene, *, size: float, cosine: tuple[float, float] = (0.38, 1.0)
) -> tuple[HostGalaxy, DiscPlane]:
    host = draw_host(scene, size=size, brighter=scene.rng.uniform(0.3, 1.4))
    cosine_drawn = scene.rng.uniform(*cosine)
    scene.parameters.update(
        inclination=float(np.degrees(np.arccos(cosine_drawn))),
        axis_ratio=cosine_drawn,
    )
    return host, DiscPlane(angle=host.angle, cosine=cosine_drawn, length=host.radius / 1.678)


def draw_spiral(
    scene: Scene,
    host: HostGalaxy,
    plane: DiscPlane,
    recipe: SpiralRecipe,
    *,
    number: int,
    inner: float,
    start: tuple[float, float] | None = None,
) -> Arms:
    """Draw bulge, disc, arms, knots and dust at the centre of a scene.

    Parameters
    ----------
    scene : Scene
        Scene to draw in.
    host : HostGalaxy
        The galaxy.
    plane : DiscPlane
        Plane of its disc.
    recipe : SpiralRecipe
        Ranges of the properties drawn here.
    number : int
        Number of arms.
    inner : float
        Radius where the arms begin, in units of the scale length.
    start : pair of float, optional
        Radius (in scale lengths) and azimuth in the plane of a point on an arm, such as the end of a bar.

    Returns
    -------
    Arms
        The arms that were drawn.
    """
    rng = scene.rng
    arms = draw_arms(
        rng,
        number=number,
        pitch=recipe.pitch,
        sharpness=recipe.sharpness,
        inner=inner,
        outer=rng.uniform(*recipe.outer),
        patchy=rng.uniform(*recipe.patchy),
    )
    if start is not None:
        phase = arms.hand * start[1] - np.log(start[0]) / np.tan(arms.pitch)
        arms = replace(arms, phase=float(phase), wobble=arms.wobble * 0.5)
    bulge, young, age = rng.uniform(*recipe.bulge), rng.uniform(*recipe.young), rng.uniform(*recipe.age)
    contrast, knots = rng.uniform(*recipe.contrast), rng.uniform(0.0, 0.12)
    radius, azimuth = plane.polar(scene.grid.x, scene.grid.y)
    ridge = arms.strength(radius, azimuth)
    patches = arms.flocculence(radius, azimuth)

    old_disc = scene.grid.sample(sersic(host.radius, axis_ratio=plane.cosine, angle=plane.angle))
    scene.add(old_disc * (1 + 0.25 * contrast / 6 * ridge), host.light((1 - bulge) * (1 - young), age))
    # Young stars are further out than old ones, with few near the centre.
    broad = scene.grid.sample(sersic(host.radius * 1.2, axis_ratio=plane.cosine, angle=plane.angle))
    pattern = (1 + contrast * ridge) * patches * (0.25 + 0.75 * (1 - np.exp(-((radius / 0.8) ** 2))))
    pattern *= broad.sum() / max(float((broad * pattern).sum()), 1e-9)
    young_age = max(age - rng.uniform(0.35, 0.6), 0.05)
    scene.add(broad * pattern, host.light((1 - bulge) * young * (1 - knots), young_age))
    blobs = arms.knots(rng, plane, int(rng.integers(15, 60)))
    scene.add_blobs(blobs, host.light((1 - bulge) * young * knots, young_age - 0.2))
    lane = arms.strength(radius, azimuth, lag=-0.7 * arms.hand) + 0.25
    scene.absorb(rng.uniform(0.0, 0.6) * lane * patches * np.exp(-0.5 * radius))
    flat = float(np.clip(plane.cosine + rng.uniform(0.1, 0.35), 0.5, 1.0))
    draw_spheroid(scene, host, fraction=bulge, radius=plane.length * rng.uniform(0.2, 0.55), axis_ratio=flat, age=1.0)
    pitch = float(np.degrees(arms.pitch))
    scene.parameters.update(bulge_fraction=bulge, arms=number, pitch_angle=pitch)
    note_arms(scene, number, pitch)
    return arms


def draw_bar(
    scene: Scene, host: HostGalaxy, plane: DiscPlane, *, length: float, azimuth: float, fraction: float
) -> None:
    """Draw a bar through the centre, and in some galaxies a ring around it.

    Parameters
    ----------
    scene : Scene
        Scene to draw in.
    host : HostGalaxy
        Galaxy that the bar belongs to.
    plane : DiscPlane
        Plane of its disc.
    length : float
        Half-length in units of the scale length.
    azimuth : float
        Direction in the plane in radians.
    fraction : float
        Fraction of the r flux of the host.
    """
    rng = scene.rng
    thick, age, box = rng.uniform(0.2, 0.38), rng.uniform(0.75, 1.0), rng.uniform(0.3, 1.2)
    n = rng.uniform(0.45, 0.75)
    half = length * plane.length

    def in_plane(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        radius, phi = plane.polar(x, y)
        u, v = radius * np.cos(phi - azimuth), radius * np.sin(phi - azimuth)
        return flat(u * np.float32(plane.length), v * np.float32(plane.length)) / np.float32(plane.cosine)

    flat = sersic(0.55 * half, n, axis_ratio=thick, boxiness=box)
    scene.add_profile(in_plane, host.light(fraction, age))
    if rng.random() < 0.4:
        draw_ring(scene, host, plane, radius=length, fraction=rng.uniform(0.06, 0.16))
    scene.parameters.update(bar_length=half)
    scene.properties.add("barred")


def draw_ring(scene: Scene, host: HostGalaxy, plane: DiscPlane, *, radius: float, fraction: float) -> None:
    """Draw a ring of young stars in the plane of a disc.

    Parameters
    ----------
    scene : Scene
        Scene to draw in.
    host : HostGalaxy
        Galaxy that the ring belongs to.
    plane : DiscPlane
        Plane of its disc.
    radius : float
        Radius of the ring in units of the scale length.
    fraction : float
        Fraction of the r flux of the host.
    """
    rng = scene.rng
    distance, _ = plane.polar(scene.grid.x, scene.grid.y)
    width = np.float32(rng.uniform(0.1, 0.2) * radius)
    ring = np.exp(-np.minimum(0.5 * ((distance - np.float32(radius)) / width) ** 2, 30))
    share = np.float32(NATIVE_AREA / (scene.grid.scale**2 * ring.sum()))
    scene.add(ring * share, host.light(fraction, rng.uniform(0.1, 0.6)))
    scene.properties.add("ring")
