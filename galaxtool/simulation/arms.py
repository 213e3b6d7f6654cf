"""Spiral structure in the plane of a disc."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from galaxtool.simulation.grid import rotate
from galaxtool.simulation.scene import Blobs, tapered_step


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscPlane:
    """The plane of a thin disc in projection.

    Parameters
    ----------
    angle : float
        Direction of the line of nodes in radians, from x towards y.
    cosine : float
        Cosine of the inclination: the axis ratio of a circle in the plane.
    length : float
        Scale length h of the disc in arcsec, which is the unit of radii.
    """

    angle: float
    cosine: float
    length: float

    def polar(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert sky offsets in arcsec to radius in units of h and azimuth in radians."""
        along, across = rotate(x, y, self.angle)
        across = across / np.float32(self.cosine)
        return np.sqrt(along**2 + across**2) / np.float32(self.length), np.arctan2(across, along)

    def sky(self, radius: np.ndarray, azimuth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert radii in units of h and azimuths in radians to sky offsets in arcsec."""
        along = self.length * radius * np.cos(azimuth)
        across = self.length * self.cosine * radius * np.sin(azimuth)
        return rotate(along, across, -self.angle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """Logarithmic spiral arms with a wobble and flocculence.

    The crests are at hand · φ = ln(R/h) / tan(pitch) + phase + 2 π k / m, plus a wobble that is smooth in φ and ln R.

    Parameters
    ----------
    number : int
        Number of arms, m.
    pitch : float
        Pitch angle in radians.
    hand : {1, -1}
        Sense of winding.
    phase : float
        Azimuth of a crest at R = h, in radians.
    sharpness : float
        κ of the profile exp(κ (cos - 1)) across an arm.
    inner, outer : float
        Radii in units of h where the arms begin and end.
    lopsided : float
        Relative difference of strength between opposite arms.
    wobble : ndarray, shape (K, 4)
        Amplitude in radians, azimuthal order, order in ln R and phase of each term.
    floccules : ndarray, shape (L, 4)
        The same for the waves whose exponentiated sum breaks the arms into pieces.
    """

    number: int
    pitch: float
    hand: int
    phase: float
    sharpness: float
    inner: float
    outer: float
    lopsided: float
    wobble: np.ndarray
    floccules: np.ndarray

    def strength(self, radius: np.ndarray, azimuth: np.ndarray, *, lag: float = 0.0) -> np.ndarray:
        """Return the strength of the arms, about 0 between arms and 1 on a crest; same shape as `radius`.

        Parameters
        ----------
        radius, azimuth : ndarray
            Position in the plane, in units of h and radians.
        lag : float
            Phase shift of the pattern in radians: dust is found at the inner edges of arms.
        """
        log_r = np.log(np.maximum(radius, np.float32(0.05)))
        turned = np.float32(self.hand) * azimuth
        phase = turned - log_r / np.float32(np.tan(self.pitch)) - np.float32(self.phase)
        phase = phase + _sum_waves(self.wobble, turned, log_r)
        crest = np.exp(np.float32(self.sharpness) * (np.cos(np.float32(self.number) * phase - np.float32(lag)) - 1))
        within = tapered_step(radius - self.inner, 0.12) * tapered_step(self.outer - radius, 0.35)
        uneven = 1 + np.float32(self.lopsided) * np.cos(azimuth - np.float32(self.phase))
        strength: np.ndarray = crest * within * uneven
        return strength

    def flocculence(self, radius: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        """Return a patchy factor around 1 that varies along trailing spirals; same shape as `radius`."""
        log_r = np.log(np.maximum(radius, np.float32(0.05)))
        factor: np.ndarray = np.exp(_sum_waves(self.floccules, np.float32(self.hand) * azimuth, log_r))
        return factor

    def knots(self, rng: np.random.Generator, plane: DiscPlane, n: int) -> Blobs:
        """Draw `n` star-forming regions along the crests."""
        radius = np.exp(rng.uniform(np.log(max(self.inner, 0.4)), np.log(self.outer), n))
        crest = (
            np.log(radius) / np.tan(self.pitch)
            + self.phase
            + 2 * np.pi / self.number * rng.integers(self.number, size=n)
        )
        turned = crest + rng.normal(0, 0.35 / np.sqrt(self.sharpness), n)
        turned -= _sum_waves(self.wobble, turned, np.log(radius))
        x, y = plane.sky(radius, self.hand * turned)
        flux = np.exp(rng.normal(0, 0.8, n) - 0.5 * radius)
        return Blobs(x=x, y=y, sigma=rng.uniform(0.12, 0.45, n), flux=flux)


def draw_arms(
    rng: np.random.Generator,
    *,
    number: int,
    pitch: tuple[float, float],
    sharpness: tuple[float, float],
    inner: float,
    outer: float,
    patchy: float,
) -> Arms:
    """Draw arms at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        Random number generator.
    number : int
        Number of arms.
    pitch : pair of float
        Range of the pitch angle in degrees.
    sharpness : pair of float
        Range of κ.
    inner, outer : float
        Radii in units of the scale length of the disc where the arms begin and end.
    patchy : float
        Rms of the logarithm of the flocculence.
    """
    angle = np.radians(rng.uniform(*pitch))
    waves = 7
    orders = rng.integers(2, 9, waves).astype(float)
    # A wave of order k with the pitch of the arms runs along them; a spread in pitch makes spurs.
    winding = -orders / np.tan(angle * rng.uniform(0.7, 1.8, waves))
    amplitude = patchy * np.sqrt(2 / waves) * rng.uniform(0.5, 1.4, waves)
    floccules = np.stack([amplitude, orders, winding, rng.uniform(0, 2 * np.pi, waves)], axis=1)
    wobble = np.array(
        [
            [rng.normal(0, 0.22), 1, 0, rng.uniform(0, 2 * np.pi)],
            [rng.normal(0, 0.15), 0, rng.uniform(2, 4), rng.uniform(0, 2 * np.pi)],
            [rng.normal(0, 0.08), 2, rng.uniform(-3, 3), rng.uniform(0, 2 * np.pi)],
        ]
    )
    return Arms(
        number=number,
        pitch=angle,
        hand=int(rng.choice([-1, 1])),
        phase=rng.uniform(0, 2 * np.pi),
        sharpness=rng.uniform(*sharpness),
        inner=inner,
        outer=outer,
        lopsided=abs(rng.normal(0, 0.25)),
        wobble=wobble,
        floccules=floccules,
    )


def _sum_waves(terms: np.ndarray, azimuth: np.ndarray, log_r: np.ndarray) -> np.ndarray:
    total = np.zeros_like(azimuth)
    for amplitude, order, winding, phase in np.asarray(terms, azimuth.dtype):
        total += amplitude * np.cos(order * azimuth + winding * log_r + phase)
    return total
