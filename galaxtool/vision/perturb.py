"""Perturbations of pictures that a good classifier should not mind, for curves of robustness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from scipy import ndimage

from galaxtool.errors import UnknownName

LEVELS = {
    "noise": (0.005, 0.01, 0.02, 0.05, 0.1),
    "psf": (0.01, 0.02, 0.04, 0.08),
    "rotation": (15.0, 45.0, 90.0, 135.0),
    "crop": (0.9, 0.8, 0.65, 0.5),
    "brightness": (0.5, 0.75, 1.5, 2.0),
}
"""Kind of perturbation -> its levels, see `describe_level`."""

_FWHM = 2.3548200450309493  # of a Gaussian, in units of its standard deviation


@dataclass(frozen=True)
class Perturbation:
    """A perturbation of pictures; a call with a picture, uint8 (size, size, C), and its identifier changes the picture.

    Parameters
    ----------
    kind : str
        One of `LEVELS`.
    level : float
        How much, see `describe_level`.
    """

    kind: str
    level: float

    def __call__(self, picture: np.ndarray, identifier: str) -> np.ndarray:
        """Return the perturbed picture. The same picture and identifier always give the same."""
        # noise and the sense of a rotation differ from picture to picture
        rng = np.random.default_rng([crc32(identifier.encode("utf-8", "surrogatepass")), crc32(self.kind.encode())])
        changed = _CHANGES[self.kind](picture.astype(np.float32), self.level, rng)
        rounded: np.ndarray = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
        return rounded

    @property
    def name(self) -> str:
        """Name for files and records, such as ``noise-0.05``."""
        return f"{self.kind}-{self.level:g}"


def list_perturbations(kinds: tuple[str, ...]) -> list[Perturbation]:
    """Return all levels of some kinds of perturbation.

    Raises
    ------
    UnknownName
        If there is no such kind.
    """
    for kind in kinds:
        if kind not in LEVELS:
            raise UnknownName("perturbation", kind, LEVELS)
    return [Perturbation(kind, level) for kind in dict.fromkeys(kinds) for level in LEVELS[kind]]


def describe_level(kind: str, level: float) -> str:
    """Return what a level of a perturbation means.

    Examples
    --------
    >>> describe_level("noise", 0.05)
    'Gaussian noise of 5 % of the white level'
    >>> describe_level("rotation", 15)
    'turned by 15 degrees'
    """
    texts: dict[str, Callable[[float], str]] = {
        "noise": lambda x: f"Gaussian noise of {100 * x:g} % of the white level",
        "psf": lambda x: f"blurred by a Gaussian with a FWHM of {100 * x:g} % of the field",
        "rotation": lambda x: f"turned by {x:g} degrees",
        "crop": lambda x: f"the central {100 * x:g} % of the field, enlarged",
        "brightness": lambda x: f"display values times {x:g}",
    }
    return texts[kind](level)


def _add_noise(picture: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    return picture + rng.normal(0, 255 * level, picture.shape)


def _blur(picture: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    sigma = level * picture.shape[0] / _FWHM
    blurred: np.ndarray = ndimage.gaussian_filter(picture, (sigma, sigma, 0), mode="nearest")
    return blurred


def _rotate(picture: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    angle = level if rng.random() < 0.5 else -level
    turned: np.ndarray = ndimage.rotate(picture, angle, axes=(0, 1), reshape=False, order=1, mode="reflect")
    return turned


def _crop(picture: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    middle = (np.array(picture.shape[:2]) - 1) / 2
    # each pixel shows what is `level` times as far from the middle
    matrix = np.array([level, level, 1.0])
    offset = np.append(middle * (1 - level), 0.0)
    enlarged: np.ndarray = ndimage.affine_transform(picture, matrix, offset=offset, order=1, mode="nearest")
    return enlarged


def _brighten(picture: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    return picture * level


_CHANGES: dict[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    "noise": _add_noise,
    "psf": _blur,
    "rotation": _rotate,
    "crop": _crop,
    "brightness": _brighten,
}
