"""The kinds of sources: compact, double, bent and extended, each with an integrated flux of one.

Sizes are in widths (FWHM) of the beam, so that a kind looks the same at any resolution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from galaxtool_detect.simulation.components import Components, make_covariance

CLASSES = ("compact", "double", "bent", "extended")
SHARES = (0.6, 0.2, 0.1, 0.1)
"""Share of each class among the sources."""

_JET_STEPS = 9


def draw_source(kind: str, rng: np.random.Generator) -> Components:
    """Draw a source of a class around the origin, at a random angle.

    Parameters
    ----------
    kind : str
        One of `CLASSES`.
    rng : Generator
        Source of random numbers.
    """
    draw = {"compact": _draw_compact, "double": _draw_double, "bent": _draw_bent, "extended": _draw_extended}[kind]
    source = draw(rng)
    return source.scale(flux=1 / source.fluxes.sum()).rotate(rng.uniform(0, 2 * math.pi))


def _draw_compact(rng: np.random.Generator) -> Components:
    """Draw a point, or a Gaussian up to half as wide as the beam."""
    size = rng.choice([0.0, rng.uniform(0.1, 0.5)])
    return _stack([(0.0, 0.0)], [1.0], [make_covariance(size, size * rng.uniform(0.4, 1), 0)])


def _draw_double(rng: np.random.Generator) -> Components:
    """Draw two lobes on opposite sides, some with a core and jets between them: an FR II."""
    reach = rng.uniform(0.9, 4.0)
    ratio = math.exp(rng.normal(0, 0.35))
    arms = [(reach * rng.uniform(0.8, 1.2), 0.0), (-reach * rng.uniform(0.8, 1.2), 0.0)]
    sizes = [make_covariance(rng.uniform(0.3, 0.9) * reach**0.5, rng.uniform(0.2, 0.6), 90) for _ in arms]
    fluxes = [ratio, 1.0]
    if rng.random() < 0.5:
        arms.append((0.0, 0.0))
        sizes.append(np.zeros((2, 2)))
        fluxes.append(rng.uniform(0.1, 0.5))
    if rng.random() < 0.6:
        bridge = rng.uniform(0.2, 0.7)
        for x in np.linspace(-0.7, 0.7, _JET_STEPS) * reach:
            arms.append((x, 0.0))
            sizes.append(make_covariance(0.5, 0.25, 90))
            fluxes.append(bridge / _JET_STEPS)
    return _stack(arms, fluxes, sizes)


def _draw_bent(rng: np.random.Generator) -> Components:
    """Draw a core with two tails that curve to the same side: a wide-angle or narrow-angle tail."""
    length, opening = rng.uniform(2.0, 4.5), math.radians(rng.uniform(25, 70))
    curve = rng.uniform(0.0, 0.5)
    positions, fluxes, sizes = [(0.0, 0.0)], [rng.uniform(0.15, 0.5)], [np.zeros((2, 2))]
    for side in (-1, 1):
        strength = rng.uniform(0.7, 1.3)
        for step in np.linspace(0.12, 1, _JET_STEPS):
            angle = side * opening * (1 - curve * step)
            positions.append((length * step * math.sin(angle), length * step * math.cos(angle)))
            sizes.append(make_covariance(0.3 + 0.7 * step, 0.3 + 0.5 * step, 0))
            fluxes.append(strength * math.exp(-step) / _JET_STEPS)
    return _stack(positions, fluxes, sizes).move(0, -0.4 * length)


def _draw_extended(rng: np.random.Generator) -> Components:
    """Draw a diffuse source of a few wide Gaussians: a relic, a halo, or an FR I seen along its axis."""
    size = rng.uniform(1.8, 4.5)
    n = int(rng.integers(2, 6))
    positions = [tuple(rng.normal(0, 0.28 * size, 2)) for _ in range(n)]
    sizes = [
        make_covariance(major, major * rng.uniform(0.5, 1), rng.uniform(0, 180))
        for major in size * rng.uniform(0.4, 0.9, n)
    ]
    fluxes = list(rng.uniform(0.5, 1.5, n))
    if rng.random() < 0.3:
        positions.append((0.0, 0.0))
        sizes.append(np.zeros((2, 2)))
        fluxes.append(0.1)
    return _stack(positions, fluxes, sizes)


def _stack(
    positions: Sequence[Sequence[float]], fluxes: Sequence[float], covariances: Sequence[np.ndarray]
) -> Components:
    return Components(
        positions=np.array(positions, dtype=float),
        fluxes=np.array(fluxes, dtype=float),
        covariances=np.array(covariances, dtype=float),
    )
