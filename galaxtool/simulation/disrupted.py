"""Disturbed and merging galaxies, each with one of several histories."""

from __future__ import annotations

import numpy as np

from galaxtool.simulation.arms import DiscPlane
from galaxtool.simulation.grid import rotate
from galaxtool.simulation.profiles import sersic, shell
from galaxtool.simulation.scene import Blobs, HostGalaxy, Scene, draw_host
from galaxtool.simulation.smooth import draw_spheroid
from galaxtool.simulation.spirals import LOOSE, draw_ring, draw_spiral
from galaxtool.simulation.tidal import bend_profile, make_bridge, make_tail


def draw_disturbed(scene: Scene) -> None:
    """Draw an object of class ``disturbed``: one galaxy with a distorted shape."""
    host = draw_host(scene, size=1.15, brighter=scene.rng.uniform(0.0, 0.9))
    scene.properties.add("disturbed")
    histories = (_draw_with_tails, _draw_irregular, _draw_with_shells, _draw_lopsided, _draw_with_ring)
    histories[int(scene.rng.choice(len(histories), p=[0.3, 0.25, 0.17, 0.18, 0.1]))](scene, host)


def draw_merging(scene: Scene) -> None:
    """Draw an object of class ``merging``: two or more galaxies connected by their light."""
    host = draw_host(scene, size=1.15, brighter=scene.rng.uniform(0.0, 1.0))
    scene.properties.add("merging")
    histories = (_draw_early_pair, _draw_interacting_discs, _draw_double_nucleus)
    histories[int(scene.rng.choice(len(histories), p=[0.35, 0.35, 0.3]))](scene, host)


def _polar_to_xy(radius: float, angle: float) -> tuple[float, float]:
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))


def _draw_body(scene: Scene, host: HostGalaxy, *, fraction: float, age: float, scale: float = 1.0) -> float:
    """Draw a bent, lopsided disc with a bulge at the centre, and return its axis ratio."""
    rng = scene.rng
    q, radius = rng.uniform(0.4, 0.9), host.radius * scale
    bulge = rng.uniform(0.05, 0.4)
    disc = sersic(radius, rng.uniform(0.7, 1.2), axis_ratio=q, angle=host.angle)
    shape = bend_profile(
        disc,
        1.5 * radius,
        bend=rng.normal(0, 0.3),
        lopsided=rng.uniform(-0.5, 0.5),
        angle=host.angle + rng.normal(0, 0.5),
    )
    scene.add_profile(shape, host.light(fraction * (1 - bulge), age))
    inner = radius * rng.uniform(0.15, 0.35)
    draw_spheroid(scene, host, fraction=fraction * bulge, radius=inner, axis_ratio=rng.uniform(0.6, 1), age=age + 0.15)
    scene.parameters.update(axis_ratio=q, bulge_fraction=bulge)
    return q


def _draw_with_tails(scene: Scene, host: HostGalaxy) -> None:
    rng = scene.rng
    age = rng.uniform(0.15, 1.0)
    share = rng.uniform(0.15, 0.4)
    _draw_body(scene, host, fraction=1 - share, age=age)
    heading = host.angle + rng.normal(0, 0.5)
    number = int(rng.choice([1, 1, 2]))
    scene.properties |= {"tail"} if number == 1 else {"tail", "two_tails"}
    for k in range(number):
        direction = heading + k * (np.pi + rng.normal(0, 0.5))
        blobs = make_tail(
            rng,
            _polar_to_xy(rng.uniform(0.6, 1.3) * host.radius, direction),
            direction + rng.normal(0, 0.5),
            length=rng.uniform(2.0, 6.0) * host.radius,
            curl=rng.normal(0, 1.4),
            width=rng.uniform(0.15, 0.4) * host.radius,
            fade=rng.uniform(0.8, 2.5),
        )
        scene.add_blobs(blobs, host.light(share / (1 + k), age - rng.uniform(0, 0.3)))


def _draw_irregular(scene: Scene, host: HostGalaxy) -> None:
    rng = scene.rng
    age, share = rng.uniform(0.0, 0.5), rng.uniform(0.2, 0.5)
    q, angle = rng.uniform(0.2, 0.8), host.angle
    stretch = host.radius / np.sqrt(q)
    disc = bend_profile(
        sersic(stretch, rng.uniform(0.5, 1.0), axis_ratio=q, angle=angle),
        1.5 * stretch,
        bend=rng.normal(0, 0.4),
        lopsided=rng.uniform(-0.6, 0.6),
        angle=angle,
    )
    scene.add_profile(disc, host.light(1 - share, age))
    n = int(rng.integers(8, 35))
    along, across = rng.normal(rng.normal(0, 0.3), 0.7, n) * stretch, rng.normal(0, 0.5 * q, n) * stretch
    x, y = rotate(along, across + rng.normal(0, 0.25) * along**2 / stretch, -angle)
    sigma = rng.uniform(0.06, 0.3, n) * host.radius
    blobs = Blobs(x=x, y=y, sigma=sigma, flux=np.exp(rng.normal(0, 0.7, n)))
    scene.add_blobs(blobs, host.light(share, age - rng.uniform(0.0, 0.3)))
    scene.parameters.update(axis_ratio=q, bulge_fraction=0.0)
    scene.properties.add("irregular")


def _draw_with_shells(scene: Scene, host: HostGalaxy) -> None:
    rng = scene.rng
    q, age, share = rng.uniform(0.6, 0.95), rng.uniform(0.75, 1.05), rng.uniform(0.2, 0.45)
    draw_spheroid(scene, host, fraction=1 - share, radius=host.radius * rng.uniform(0.6, 1.0), axis_ratio=q, age=age)
    n = int(rng.integers(2, 5))
    for k in range(n):
        edge = host.radius * rng.uniform(1.4, 3.6)
        side = host.angle + np.pi * k + rng.normal(0, 0.4)
        arc = shell(
            edge, side, width=rng.uniform(0.1, 0.3), opening=rng.uniform(0.3, 0.9), axis_ratio=rng.uniform(0.7, 1)
        )
        scene.add_profile(arc, host.light(share / n, age - rng.uniform(0.0, 0.25)))
    scene.parameters.update(axis_ratio=q, bulge_fraction=1 - share)
    scene.properties.add("shells")


def _draw_lopsided(scene: Scene, host: HostGalaxy) -> None:
    rng = scene.rng
    plane = DiscPlane(angle=host.angle, cosine=rng.uniform(0.4, 1.0), length=host.radius / 1.678)
    draw_spiral(scene, host, plane, LOOSE, number=1, inner=rng.uniform(0.2, 0.6))
    direction = rng.uniform(0, 2 * np.pi)
    x, y = _polar_to_xy(host.radius * rng.uniform(0.5, 1.2), direction)
    side = sersic(
        host.radius * rng.uniform(0.5, 1.0), 0.7, axis_ratio=rng.uniform(0.4, 0.9), angle=direction + rng.normal(0, 1)
    )
    scene.add_profile(side, host.light(rng.uniform(0.15, 0.4), rng.uniform(0.1, 0.6)), x, y)
    scene.parameters.update(axis_ratio=plane.cosine)
    scene.properties.add("lopsided")


def _draw_with_ring(scene: Scene, host: HostGalaxy) -> None:
    """Draw what a head-on collision leaves: a ring of young stars around a nucleus that is not in its middle."""
    rng = scene.rng
    plane = DiscPlane(angle=host.angle, cosine=rng.uniform(0.45, 1.0), length=host.radius / 1.678)
    share = rng.uniform(0.4, 0.7)
    radius, age = rng.uniform(1.8, 3.2), rng.uniform(0.6, 1.0)
    draw_ring(scene, host, plane, radius=radius, fraction=share)
    x, y = plane.sky(np.array(radius * rng.uniform(0.0, 0.5)), np.array(rng.uniform(0, 2 * np.pi)))
    core = sersic(0.35 * host.radius, rng.uniform(1.0, 2.5), axis_ratio=rng.uniform(0.6, 1.0), angle=host.angle)
    scene.add_profile(core, host.light((1 - share) * 0.6, age), float(x), float(y))
    disc = sersic(1.2 * host.radius, 0.6, axis_ratio=plane.cosine, angle=host.angle)
    scene.add_profile(disc, host.light((1 - share) * 0.4, age - 0.2))
    scene.parameters.update(axis_ratio=plane.cosine)


def _draw_early_pair(scene: Scene, host: HostGalaxy) -> None:
    """Draw two or three old spheroids in a common envelope."""
    rng = scene.rng
    age = rng.uniform(0.8, 1.05)
    halo = rng.uniform(0.15, 0.4)
    ratio = rng.uniform(0.25, 0.9)
    direction = rng.uniform(0, 2 * np.pi)
    away = _polar_to_xy(host.radius * rng.uniform(0.7, 2.2), direction)
    envelope = sersic(host.radius * rng.uniform(1.6, 2.4), 1.0, axis_ratio=rng.uniform(0.5, 0.9), angle=direction)
    shape = bend_profile(
        envelope, 2 * host.radius, bend=rng.normal(0, 0.25), lopsided=rng.uniform(-0.4, 0.4), angle=direction
    )
    scene.add_profile(shape, host.light(halo, age - 0.05), away[0] / 2, away[1] / 2)
    first = (1 - halo) / (1 + ratio)
    draw_spheroid(scene, host, fraction=first, radius=0.6 * host.radius, axis_ratio=rng.uniform(0.6, 1), age=age)
    _draw_companion(scene, host, away, fraction=first * ratio, age=age, scale=0.6 * np.sqrt(ratio))
    if rng.random() < 0.3:
        third = _polar_to_xy(host.radius * rng.uniform(0.9, 2.5), direction + rng.uniform(1.0, 5.0))
        _draw_companion(scene, host, third, fraction=0.15, age=age, scale=0.25)
    scene.parameters.update(flux_ratio=ratio, separation=float(np.hypot(*away)))
    scene.properties.add("companion")


def _draw_interacting_discs(scene: Scene, host: HostGalaxy) -> None:
    """Draw a disc with a companion, a bridge between them and tails on the far sides."""
    rng = scene.rng
    age, ratio, direction = rng.uniform(0.25, 0.85), rng.uniform(0.2, 1.0), rng.uniform(0, 2 * np.pi)
    away = _polar_to_xy(host.radius * rng.uniform(1.8, 4.0), direction)
    main = 1 / (1 + ratio)
    if rng.random() < 0.5:
        cosine = rng.uniform(0.4, 1.0)
        plane = DiscPlane(angle=host.angle, cosine=cosine, length=host.radius / 1.678)
        part = HostGalaxy(flux=host.flux * main, radius=host.radius, angle=host.angle, tint=host.tint)
        draw_spiral(scene, part, plane, LOOSE, number=2, inner=0.3)
        scene.parameters.update(axis_ratio=cosine)
    else:
        _draw_body(scene, host, fraction=main, age=age)
    _draw_companion(scene, host, away, fraction=main * ratio, age=rng.uniform(0.3, 1.0), scale=0.5 + 0.4 * ratio)
    width = rng.uniform(0.18, 0.4) * host.radius
    scene.add_blobs(make_bridge(rng, (0.0, 0.0), away, width=width), host.light(rng.uniform(0.05, 0.15), age - 0.2))
    scene.properties |= {"companion", "bridge"}
    tails = 0
    for origin, heading in (((0.0, 0.0), direction + np.pi), (away, direction)):
        if rng.random() < 0.7:
            turned = heading + rng.normal(0, 0.6)
            step = _polar_to_xy(0.8 * host.radius, turned)
            blobs = make_tail(
                rng,
                (origin[0] + step[0], origin[1] + step[1]),
                turned,
                length=rng.uniform(1.5, 5.0) * host.radius,
                curl=rng.normal(0, 1.2),
                width=rng.uniform(0.15, 0.35) * host.radius,
            )
            scene.add_blobs(blobs, host.light(rng.uniform(0.05, 0.18), age - 0.2))
            tails += 1
    scene.properties |= ({"tail"} if tails else set()) | ({"two_tails"} if tails == 2 else set())
    scene.parameters.update(flux_ratio=ratio, separation=float(np.hypot(*away)))


def _draw_double_nucleus(scene: Scene, host: HostGalaxy) -> None:
    """Draw two nuclei in one disrupted body, with a loop or tail around it."""
    rng = scene.rng
    age, share = rng.uniform(0.3, 1.0), rng.uniform(0.1, 0.3)
    _draw_body(scene, host, fraction=(1 - share) * 0.7, age=age)
    direction = rng.uniform(0, 2 * np.pi)
    away = _polar_to_xy(host.radius * rng.uniform(0.5, 1.3), direction)
    ratio = rng.uniform(0.15, 0.45)
    _draw_companion(scene, host, away, fraction=ratio, age=age + rng.uniform(-0.2, 0.1), scale=0.3)
    blobs = make_tail(
        rng,
        _polar_to_xy(host.radius * rng.uniform(0.8, 1.6), direction + rng.normal(0, 1.2)),
        direction + rng.choice([-1.3, 1.3]),
        length=rng.uniform(2.5, 6.0) * host.radius,
        curl=rng.choice([-1, 1]) * rng.uniform(1.0, 3.5),
        width=rng.uniform(0.18, 0.4) * host.radius,
        fade=rng.uniform(0.3, 1.5),
    )
    scene.add_blobs(blobs, host.light(share, age - rng.uniform(0.0, 0.3)))
    scene.properties |= {"double_nucleus", "tail"}
    scene.parameters.update(flux_ratio=ratio, separation=float(np.hypot(*away)))


def _draw_companion(
    scene: Scene, host: HostGalaxy, at: tuple[float, float], *, fraction: float, age: float, scale: float
) -> None:
    rng = scene.rng
    profile = sersic(
        host.radius * scale, rng.uniform(1.0, 3.0), axis_ratio=rng.uniform(0.4, 1.0), angle=rng.uniform(0, np.pi)
    )
    scene.add_profile(profile, host.light(fraction, age), *at)
