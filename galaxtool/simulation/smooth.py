"""Smooth galaxies: ellipticals and lenticulars, from round to cigar-shaped."""

from __future__ import annotations

import numpy as np

from galaxtool.simulation.profiles import sersic
from galaxtool.simulation.scene import HostGalaxy, Scene, draw_host


def draw_smooth(scene: Scene, *, axis_ratio: tuple[float, float], size: float = 1.0) -> None:
    """Draw a galaxy without features at the centre of a scene.

    Most are old spheroids; some are bluer discs without resolved structure, as in the survey.

    Parameters
    ----------
    scene : Scene
        Scene to draw in.
    axis_ratio : pair of float
        Range of the ratio of minor to major axis, before the PSF.
    size : float
        Factor on the radius.
    """
    rng = scene.rng
    host = draw_host(scene, size=size)
    q = rng.uniform(*axis_ratio)
    # An elongated galaxy keeps its area, not its major axis.
    major = host.radius / np.sqrt(q)
    age = float(np.clip(rng.normal(0.95, 0.1), 0.6, 1.1)) if rng.random() < 0.6 else rng.uniform(0.2, 0.85)
    bulge = rng.uniform(0.3, 1.0) if age > 0.6 else rng.uniform(0.05, 0.5)
    scene.parameters.update(axis_ratio=q, bulge_fraction=bulge)
    scene.properties |= {"smooth", "round" if q >= 0.86 else "oval" if q >= 0.5 else "cigar"}
    draw_spheroid(
        scene, host, fraction=bulge, radius=major * rng.uniform(0.5, 0.95), axis_ratio=min(q * 1.1, 1.0), age=age
    )
    scene.add_profile(
        sersic(major * rng.uniform(1.0, 1.5), 1.0, axis_ratio=q, angle=host.angle + rng.normal(0, 0.04)),
        host.light(1 - bulge, age - rng.uniform(0.0, 0.2)),
    )


def draw_spheroid(
    scene: Scene,
    host: HostGalaxy,
    *,
    fraction: float,
    radius: float,
    axis_ratio: float,
    age: float,
    n: float | None = None,
) -> None:
    """Draw an old component at the centre, along the major axis of its host.

    Parameters
    ----------
    scene : Scene
        Scene to draw in.
    host : HostGalaxy
        Galaxy that the component belongs to.
    fraction : float
        Fraction of the r flux of the host.
    radius : float
        Effective radius along the major axis in arcsec.
    axis_ratio : float
        Ratio of the minor to the major axis.
    age : float
        Age of the population, from 0 (young) to 1 (old).
    n : float, optional
        Sérsic index; by default drawn between 1.5 and 4.
    """
    index = scene.rng.uniform(1.5, 4.0) if n is None else n
    # Half of all spheroids are visibly boxy or discy.
    boxiness = float(scene.rng.choice([0, 0, -0.2, 0.25]))
    profile = sersic(radius, index, axis_ratio=axis_ratio, angle=host.angle, boxiness=boxiness)
    scene.add_profile(profile, host.light(fraction, age))


def draw_round_smooth(scene: Scene) -> None:
    """Draw an object of class ``round_smooth``."""
    draw_smooth(scene, axis_ratio=(0.86, 1.0))


def draw_in_between_round_smooth(scene: Scene) -> None:
    """Draw an object of class ``in_between_round_smooth``."""
    draw_smooth(scene, axis_ratio=(0.5, 0.8))


def draw_cigar_shaped_smooth(scene: Scene) -> None:
    """Draw an object of class ``cigar_shaped_smooth``."""
    draw_smooth(scene, axis_ratio=(0.26, 0.45), size=0.9)
