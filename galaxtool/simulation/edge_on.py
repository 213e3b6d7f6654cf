"""Edge-on discs, with and without a bulge."""

from __future__ import annotations

import numpy as np

from galaxtool.simulation.grid import rotate
from galaxtool.simulation.profiles import edge_on_disc, sersic
from galaxtool.simulation.scene import Blobs, HostGalaxy, Scene, draw_host
from galaxtool.simulation.smooth import draw_spheroid


def draw_edge_on_without_bulge(scene: Scene) -> None:
    """Draw an object of class ``edge_on_without_bulge``."""
    rng = scene.rng
    host = draw_host(scene, size=2.2, brighter=rng.uniform(0.3, 1.9))
    height = rng.uniform(0.16, 0.3)
    draw_edge_on(scene, host, height=height, bulge=0.0, age=rng.uniform(0.5, 1.0), dusty=rng.random() < 0.5)


def draw_edge_on_with_bulge(scene: Scene) -> None:
    """Draw an object of class ``edge_on_with_bulge``."""
    rng = scene.rng
    host = draw_host(scene, size=1.8, brighter=rng.uniform(0.2, 1.1))
    bulge = rng.uniform(0.25, 0.55)
    draw_edge_on(
        scene, host, height=rng.uniform(0.12, 0.24), bulge=bulge, age=rng.uniform(0.7, 1.05), dusty=rng.random() < 0.6
    )
    # The bulge must extend above the plane, or the class would be that without a bulge.
    radius = (host.radius / 1.678) * rng.uniform(0.35, 0.7)
    draw_spheroid(scene, host, fraction=bulge, radius=radius, axis_ratio=rng.uniform(0.6, 0.95), age=1.0)


def draw_edge_on(scene: Scene, host: HostGalaxy, *, height: float, bulge: float, age: float, dusty: bool) -> None:
    """Draw an edge-on disc: an old thick disc, a bluer and longer thin disc, knots, and a dust lane.

    Parameters
    ----------
    scene : Scene
        Scene to draw in.
    host : HostGalaxy
        The galaxy.
    height : float
        Ratio of the sech² height of the old disc to its scale length.
    bulge : float
        Fraction of the r flux reserved for a bulge, which is not drawn here.
    age : float
        Age of the old disc, from 0 (young) to 1 (old).
    dusty : bool
        Whether there is a dust lane.
    """
    rng = scene.rng
    length = host.radius / 1.678
    thick = height * length
    shape = {
        "angle": host.angle,
        "cut": rng.uniform(2.4, 4.2),
        "warp": rng.normal(0, 0.7),
        "flare": abs(rng.normal(0, 0.3)),
    }
    thin_share = rng.uniform(0.25, 0.6)
    scene.add_profile(edge_on_disc(length, thick, **shape), host.light((1 - bulge) * (1 - thin_share), age))
    thin = edge_on_disc(length * rng.uniform(1.15, 1.5), thick * rng.uniform(0.55, 0.9), **shape)
    young = age - rng.uniform(0.15, 0.45)
    scene.add_profile(thin, host.light((1 - bulge) * thin_share, young))
    # A few degrees from exactly edge-on, a disc appears as a very thin ellipse.
    tilt = rng.uniform(0.04, 0.16)
    scene.add_profile(sersic(host.radius, axis_ratio=tilt, angle=host.angle), host.light(0.15 * (1 - bulge), age))
    _draw_knots(scene, host, length, thick, share=rng.uniform(0.0, 0.06) * (1 - bulge), age=young - 0.2)
    scene.properties.add("edge_on")
    if dusty:
        along, z = rotate(scene.grid.x, scene.grid.y, host.angle)
        z = z - np.float32(rng.normal(0, 0.3) * thick)
        lane = np.exp(-0.5 * (z / np.float32(thick * rng.uniform(0.25, 0.5))) ** 2)
        patchy = 1 + 0.3 * np.sin(along * np.float32(rng.uniform(0.5, 2.0)) + np.float32(rng.uniform(0, 6.3)))
        depth = rng.uniform(0.6, 1.8)
        scene.absorb(depth * lane * patchy * np.exp(-np.abs(along) / np.float32(1.8 * length)))
        scene.properties.add("dust_lane")
    scene.parameters.update(
        axis_ratio=height, bulge_fraction=bulge, inclination=float(np.degrees(np.arccos(tilt))), disc_length=length
    )


def _draw_knots(scene: Scene, host: HostGalaxy, length: float, thick: float, *, share: float, age: float) -> None:
    rng = scene.rng
    n = int(rng.integers(8, 30))
    along = rng.laplace(0, 1.3 * length, n)
    x, y = rotate(along, rng.normal(0, 0.35 * thick, n), -host.angle)
    flux = np.exp(rng.normal(0, 0.8, n) - np.abs(along) / (2 * length))
    scene.add_blobs(Blobs(x=x, y=y, sigma=rng.uniform(0.15, 0.5, n), flux=flux), host.light(share, age))
