"""Perturbations of images that a good classifier should not mind, for curves of robustness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from scipy import ndimage

from galaxtool.errors import UnknownName
from galaxtool.types import Cutout
from galaxtool.vision.perturb_values import FWHM, perturb_values
from galaxtool.vision.preprocess import Preprocess

LEVELS = {
    "noise": (0.005, 0.01, 0.02, 0.05, 0.1),
    "psf": (0.01, 0.02, 0.04, 0.08),
    "rotation": (15.0, 45.0, 90.0, 135.0),
    "crop": (0.9, 0.8, 0.65, 0.5),
    "brightness": (0.5, 0.75, 1.5, 2.0),
}
"""Kind of perturbation -> its levels for pictures, see `describe_level`."""

VALUE_LEVELS = LEVELS | {"noise": (0.5, 1.0, 2.0, 4.0, 8.0), "psf": (1.0, 2.0, 4.0, 8.0)}
"""Kind of perturbation -> as many levels for measured values."""

AXES = {
    "noise": ("noise (white level)", "noise (own noise)"),
    "psf": ("blur, FWHM (field)", "blur, FWHM (pixels)"),
    "rotation": ("rotation (deg)",) * 2,
    "crop": ("crop, side (field)",) * 2,
    "brightness": ("brightness, factor",) * 2,
}
"""Kind of perturbation -> the text of the axis of its levels, with the unit: of pictures, and of measured values."""


@dataclass(frozen=True)
class Perturbation:
    """A perturbation of images: of measured values before the stretch, and of pictures as the model sees them.

    Parameters
    ----------
    kind : str
        One of `LEVELS`.
    step : int
        Which of the levels of `LEVELS`, or of `VALUE_LEVELS`.
    """

    kind: str
    step: int

    def make_picture(self, preprocess: Preprocess, cutout: Cutout, identifier: str) -> np.ndarray:
        """Return the picture of the perturbed image that a model receives, uint8 (size, size, C).

        The same image and identifier always give the same.
        """
        rng = make_generator(self.kind, identifier)
        level = self.get_level(measured=is_measured(cutout))
        if is_measured(cutout):
            if self.kind == "crop" and preprocess.size_arcsec is not None:
                preprocess = replace(preprocess, size_arcsec=preprocess.size_arcsec * level)
            return preprocess.picture(perturb_values(cutout, self.kind, level, rng))
        return perturb_picture(preprocess.picture(cutout), self.kind, level, rng)

    def get_level(self, *, measured: bool) -> float:
        """Return the level, of measured values or of pictures."""
        return (VALUE_LEVELS if measured else LEVELS)[self.kind][self.step]

    @property
    def name(self) -> str:
        """Name for files and records, such as ``noise-0.05-4``."""
        levels = dict.fromkeys((self.get_level(measured=False), self.get_level(measured=True)))
        return "-".join([self.kind, *(f"{level:g}" for level in levels)])


def make_generator(kind: str, identifier: str) -> np.random.Generator:
    """Return the random numbers for an image: noise and the sense of a rotation differ from image to image."""
    return np.random.default_rng([crc32(identifier.encode("utf-8", "surrogatepass")), crc32(kind.encode())])


def perturb_picture(picture: np.ndarray, kind: str, level: float, rng: np.random.Generator) -> np.ndarray:
    """Perturb a picture.

    Parameters
    ----------
    picture : ndarray of uint8, shape (size, size, C)
        Picture as the model sees it.
    kind : str
        One of `LEVELS`.
    level : float
        As `describe_level` describes it.
    rng : Generator
        Random numbers for the noise and for the sense of a rotation.
    """
    changed = _CHANGES[kind](picture.astype(np.float32), level, rng)
    rounded: np.ndarray = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
    return rounded


def is_measured(cutout: Cutout) -> bool:
    """Return whether an image has measured values, which are stretched, rather than those of a picture."""
    return cutout.unit != "display"


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
    return [Perturbation(kind, step) for kind in dict.fromkeys(kinds) for step in range(len(LEVELS[kind]))]


def describe_level(kind: str, level: float, *, measured: bool = False) -> str:
    """Return what a level of a perturbation means, for pictures or for measured values.

    Examples
    --------
    >>> describe_level("noise", 0.05)
    'Gaussian noise of 5 % of the white level'
    >>> describe_level("noise", 2, measured=True)
    'Gaussian noise of 2 times the noise of the image'
    >>> describe_level("rotation", 15)
    'turned by 15 degrees'
    """
    values: dict[str, Callable[[float], str]] = {
        "noise": lambda x: f"Gaussian noise of {x:g} times the noise of the image",
        "psf": lambda x: f"blurred by a Gaussian with a FWHM of {x:g} {'pixel' if x == 1 else 'pixels'}",
        "brightness": lambda x: f"values times {x:g}",
    }
    texts: dict[str, Callable[[float], str]] = {
        "noise": lambda x: f"Gaussian noise of {100 * x:g} % of the white level",
        "psf": lambda x: f"blurred by a Gaussian with a FWHM of {100 * x:g} % of the field",
        "rotation": lambda x: f"turned by {x:g} degrees",
        "crop": lambda x: f"the central {100 * x:g} % of the field, enlarged",
        "brightness": lambda x: f"display values times {x:g}",
    }
    return (texts | values if measured else texts)[kind](level)


def _add_noise(picture: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    return picture + rng.normal(0, 255 * level, picture.shape)


def _blur(picture: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    sigma = level * picture.shape[0] / FWHM
    blurred: np.ndarray = ndimage.gaussian_filter(picture, (sigma, sigma, 0), mode="nearest")
    return blurred


def _rotate(picture: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    angle = level if rng.random() < 0.5 else -level
    turned: np.ndarray = ndimage.rotate(picture, angle, axes=(0, 1), reshape=False, order=1, mode="reflect")
    return turned


def _crop(picture: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    middle = (np.array(picture.shape[:2]) - 1) / 2
    # each pixel shows what is `level` times as far from the middle
    matrix = np.diag([level, level, 1.0])
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
