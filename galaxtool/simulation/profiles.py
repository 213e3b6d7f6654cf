"""Surface brightness profiles of the smooth components of galaxies, with a total flux of one.

Every function returns a `galaxtool.simulation.grid.Profile`: flux per arcsec² at offsets in arcsec from the centre.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import gamma, k1

from galaxtool.simulation.grid import Profile, rotate


def sersic_b(n: float) -> float:
    """Return the coefficient b of a Sérsic profile, which puts half of the flux within the effective radius.

    Asymptotic expansion of Ciotti & Bertin (1999, A&A 352, 447), eq. 18; accurate to 1e-4 for n > 0.5.
    """
    return 2 * n - 1 / 3 + 4 / (405 * n) + 46 / (25515 * n**2) + 131 / (1148175 * n**3)


def sersic(
    radius: float, n: float = 1.0, *, axis_ratio: float = 1.0, angle: float = 0.0, boxiness: float = 0.0
) -> Profile:
    """Return a Sérsic profile; n = 1 is an exponential disc, n = 4 de Vaucouleurs' law.

    Parameters
    ----------
    radius : float
        Effective (half-light) radius along the major axis in arcsec.
    n : float
        Sérsic index.
    axis_ratio : float
        Ratio of the minor to the major axis.
    angle : float
        Direction of the major axis in radians, from x towards y.
    boxiness : float
        Exponent c of the generalized ellipse |x|^(2+c) + |y/q|^(2+c) of Athanassoula et al. (1990, MNRAS 245, 130);
        positive is boxy, negative discy. The flux is exactly one only for zero.
    """
    b = sersic_b(n)
    total = 2 * np.pi * n * np.exp(b) * b ** (-2 * n) * gamma(2 * n) * radius**2 * axis_ratio
    power = 2 + boxiness

    def profile(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along, across = rotate(x, y, angle)
        across = across / np.float32(axis_ratio)
        if boxiness:
            r = (np.abs(along) ** power + np.abs(across) ** power) ** (1 / power)
        else:
            r = np.sqrt(along * along + across * across)
        r = r / np.float32(radius)
        fall = np.float32(b) * ((r if n == 1 else r ** np.float32(1 / n)) - 1)
        # the exponent is capped, because denormal numbers are slow
        light: np.ndarray = np.exp(-np.minimum(fall, 60)) / np.float32(total)
        return light

    return profile


_REACH = 12.0


@lru_cache(maxsize=1)
def _edge_on_table() -> np.ndarray:
    """Return x K1(x) at 8192 steps up to `_REACH`; the nearest step is accurate to 1e-3, and fast to look up."""
    x = np.linspace(0, _REACH, 8192)
    values = np.ones_like(x)
    values[1:] = x[1:] * k1(x[1:])
    return values.astype(np.float32)


def edge_on_disc(
    length: float, height: float, *, angle: float = 0.0, cut: float = np.inf, warp: float = 0.0, flare: float = 0.0
) -> Profile:
    """Return the profile of an exactly edge-on exponential disc that is isothermal in height.

    I(R, z) = I0 (R/h) K1(R/h) sech²(z/z0), van der Kruit & Searle (1981, A&A 95, 105), eq. 5.

    Parameters
    ----------
    length, height : float
        Scale length h and height z0 in arcsec.
    angle : float
        Direction of the disc in radians, from x towards y.
    cut : float
        Radius in units of h beyond which the disc fades within a tenth of this radius. The flux is one without it.
    warp : float
        Displacement of the mid-plane, up at one end and down at the other, in units of z0 at 3 h.
    flare : float
        Relative increase of the height at 3 h.
    """
    total = np.pi * length * 2 * height  # ∫ x K1(x) dx over the line = π, ∫ sech² = 2

    def profile(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along, z = rotate(x, y, angle)
        s = along / np.float32(length)
        distance = np.abs(s)
        if warp:
            z = z - np.float32(warp * height / 27) * s * s * s / (1 + distance / 6)
        table = _edge_on_table()
        step = np.float32((len(table) - 1) / _REACH)
        radial = table[np.minimum(distance * step + np.float32(0.5), len(table) - 1).astype(np.int32)]
        if np.isfinite(cut):
            radial = radial / (1 + np.exp(np.minimum((distance - cut) / (0.1 * cut), 30)))
        thick = np.float32(height) * (1 + np.float32(flare / 3) * np.minimum(distance, 4))
        fall = np.exp(-np.minimum(2 * np.abs(z / thick), 60))
        light: np.ndarray = radial * fall / (1 + fall) ** 2 * np.float32(4 / total)  # sech² without overflow
        return light

    return profile


def shell(
    radius: float, angle: float, *, width: float = 0.25, opening: float = 0.7, axis_ratio: float = 1.0
) -> Profile:
    """Return an arc with a sharp outer edge: a shell around an elliptical (Malin & Carter 1983, ApJ 274, 534).

    Parameters
    ----------
    radius : float
        Radius of the edge in arcsec, along the major axis.
    angle : float
        Direction of the middle of the arc in radians; also the direction of the major axis.
    width : float
        Inward thickness as a fraction of the radius.
    opening : float
        Half-angle in radians at which the arc has faded to exp(-1/2).
    axis_ratio : float
        Ratio of the minor to the major axis.
    """
    flux = np.sqrt(2 * np.pi) * opening * radius**2 * axis_ratio * width  # to first order in width

    def profile(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along, across = rotate(x, y, angle)
        across = across / np.float32(axis_ratio)
        r = np.sqrt(along * along + across * across) / np.float32(radius)
        phi = np.arctan2(across, along)
        inside = np.exp(np.minimum(r - 1, 0) / np.float32(width))
        edge = 1 / (1 + np.exp(np.clip((r - 1) / 0.03, -30, 30)))
        light: np.ndarray = inside * edge * np.exp(-0.5 * (phi / np.float32(opening)) ** 2) / np.float32(flux)
        return light

    return profile
