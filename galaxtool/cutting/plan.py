"""What is cut from where: for every object its image and pixels, known before any is read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.cutting.bands import BandGroups
from galaxtool.cutting.footprints import ImageMatches, PositionTree, match_images
from galaxtool.cutting.images import SkyImage, share_grid
from galaxtool.cutting.objects import LARGEST, CatalogueObjects
from galaxtool.types import OFF_EDGE

OUTSIDE = "OUTSIDE"
MISSING_BAND = "MISSING_BAND"
MISALIGNED = "MISALIGNED"

FLAGS = {
    OUTSIDE: "the object lies in none of the images",
    OFF_EDGE: "the cutout reaches beyond the image; what is beyond is NaN",
    MISSING_BAND: "the object lies in no image of one of the bands; its plane is NaN",
    MISALIGNED: "pixels of the bands are more than a pixel apart on the sky; nothing is resampled",
}
"""Flags of a row of the manifest, beside those that pixel values earn (`galaxtool.types.FLAGS`)."""

_APART = 1.0  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPlan:
    """Where N objects are cut, from C bands (1 where nothing is stacked).

    Parameters
    ----------
    objects : Objects
    images : list of SkyImage
    bands : tuple of str
        What is stacked; empty for nothing.
    image : ndarray of int, shape (N, C)
        Number of the image; -1 for none.
    x, y : ndarray, shape (N, C)
        Where the object lies in it, from 0; NaN for none.
    x0, y0 : ndarray of int, shape (N, C)
        First pixel of the cutout, from 0; negative beyond the edge.
    nx, ny : ndarray of int, shape (N,)
        Size of the cutout; 0 where there is none.
    errors : list of str
        Why a row has no cutout; empty where it has.
    flags : list of tuple of str
    """

    objects: CatalogueObjects
    images: list[SkyImage]
    bands: tuple[str, ...]
    image: np.ndarray
    x: np.ndarray
    y: np.ndarray
    x0: np.ndarray
    y0: np.ndarray
    nx: np.ndarray
    ny: np.ndarray
    errors: list[str]
    flags: list[tuple[str, ...]]

    @property
    def wanted(self) -> np.ndarray:
        """Rows that have a cutout, in the catalogue's order."""
        return np.flatnonzero(self.nx > 0)

    @property
    def reference(self) -> np.ndarray:
        """The first band that has an image, shape (N,)."""
        return (self.image >= 0).argmax(axis=1)

    def at_reference(self, values: np.ndarray) -> np.ndarray:
        """Return one of the (N, C) arrays at the reference band, shape (N,)."""
        return values[np.arange(len(values)), self.reference]

    def digests(self) -> dict[str, str]:
        """Return what decides the result, in short."""
        images = [[str(i.place), list(i.shape), list(i.bands), list(i.stamp)] for i in self.images]
        boxes = hashlib.sha256("\0".join(self.objects.ids).encode("utf-8", "surrogateescape"))
        for array in (self.objects.ra, self.objects.dec, self.image, self.x0, self.y0, self.nx, self.ny):
            boxes.update(np.ascontiguousarray(array).tobytes())
        return {
            "set of images": hashlib.sha256(repr((images, self.bands)).encode()).hexdigest(),
            "catalogue or size": boxes.hexdigest(),
        }


def make_plan(objects: CatalogueObjects, images: Sequence[SkyImage], channels: BandGroups, *, lost: int = 0) -> CutPlan:
    """Find out what to cut from where.

    Parameters
    ----------
    objects : Objects
    images : sequence of SkyImage
    channels : Channels
    lost : int
        How many further images could not be read, to be named beside objects that lie in none.

    Returns
    -------
    Plan
        As astropy's `Cutout2D` would have it: the first pixel is ``ceil(x - nx / 2)``, and arcsec become pixels by the
        scale at the reference position, rounded to the nearest.
    """
    images, n = list(images), len(objects.ids)
    sky = PositionTree(objects.ra, objects.dec)
    held = [_among(match_images([images[i] for i in members], sky), members) for members in channels.members]
    image = np.stack([h.image for h in held], axis=1)
    x, y = np.stack([h.x for h in held], axis=1), np.stack([h.y for h in held], axis=1)
    nx, ny, clash = _sizes(objects, images, image)
    covered = np.asarray((image >= 0).any(axis=1))
    x0, y0 = _first(x, nx), _first(y, ny)
    plan = CutPlan(
        objects=objects, images=images, bands=channels.bands, image=image, x=x, y=y, x0=x0, y0=y0,
        nx=nx, ny=ny, errors=[""] * n, flags=[()] * n,
    )  # fmt: skip
    _complain(plan, covered, clash, lost)
    _flag(plan, covered)
    return plan


def _among(held: ImageMatches, members: Sequence[int]) -> ImageMatches:
    """Number images as in the list of all."""
    numbers = np.array([*members, -1])
    return ImageMatches(numbers[held.image], held.x, held.y)


def _sizes(objects: CatalogueObjects, images: list[SkyImage], image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the sides in pixels, 0 where they cannot be, and where bands need different ones."""
    # the last one stands for no image
    scales = np.array([*(i.scale for i in images), (np.nan, np.nan)])
    sides = np.broadcast_to(objects.sizes[:, None, None], (*image.shape, 2))
    with np.errstate(invalid="ignore"):
        pixels = np.round(sides / scales[image]) if objects.in_arcsec else np.round(sides)
        pixels = np.where((pixels >= 1) & (pixels <= LARGEST), pixels, 0)
    pixels[image < 0] = 0
    largest = pixels.max(axis=1)
    clash = ((pixels != largest[:, None]) & (image >= 0)[..., None]).any(axis=(1, 2))
    largest[clash | (largest == 0).any(axis=1)] = 0
    return largest[:, 0].astype(int), largest[:, 1].astype(int), clash


def _first(position: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Return the first pixel, as `astropy.nddata.overlap_slices` does."""
    return np.ceil(np.nan_to_num(position) - side[:, None] / 2.0).astype(int)


def _complain(plan: CutPlan, covered: np.ndarray, clash: np.ndarray, lost: int) -> None:
    known = np.isfinite(plan.objects.ra)
    readable = f" that could be read ({lost} could not)" if lost else ""
    for row in np.flatnonzero(~known | ~covered | (plan.nx == 0)):
        if not known[row]:
            plan.errors[row] = "It has no position."
        elif not covered[row]:
            plan.errors[row] = f"It lies in none of the images{readable}."
        elif clash[row]:
            plan.errors[row] = "Its bands have pixels of different sizes, so they cannot be stacked."
        else:
            unit = "arcsec" if plan.objects.in_arcsec else "pixels"
            plan.errors[row] = f"Its size is {plan.objects.sizes[row]:g} {unit}, not from 1 to {LARGEST} pixels."


def _flag(plan: CutPlan, covered: np.ndarray) -> None:
    width = np.array([*(i.nx for i in plan.images), np.iinfo(np.int32).max])[plan.image]
    height = np.array([*(i.ny for i in plan.images), np.iinfo(np.int32).max])[plan.image]
    off = (plan.x0 < 0) | (plan.y0 < 0) | (plan.x0 + plan.nx[:, None] > width) | (plan.y0 + plan.ny[:, None] > height)
    there, cut = plan.image >= 0, plan.nx > 0
    found = {
        OUTSIDE: ~covered & np.isfinite(plan.objects.ra),
        OFF_EDGE: (off & there).any(axis=1) & cut,
        MISSING_BAND: ~there.all(axis=1) & cut,
        MISALIGNED: _misaligned(plan) & cut,
    }
    for flag, rows in found.items():
        for row in np.flatnonzero(rows):
            plan.flags[row] = (*plan.flags[row], flag)


def _misaligned(plan: CutPlan) -> np.ndarray:
    """Tell whether the corners of a cutout lie elsewhere in another band than in the first."""
    apart = np.zeros(len(plan.nx), dtype=bool)
    first, cut = plan.at_reference(plan.image), plan.nx > 0
    x0, y0 = plan.at_reference(plan.x0), plan.at_reference(plan.y0)
    for band in range(1, plan.image.shape[1]):
        other = plan.image[:, band]
        for a, b in {
            (a, b) for a, b in zip(first[cut].tolist(), other[cut].tolist(), strict=True) if b >= 0 and a != b
        }:
            if share_grid([plan.images[a], plan.images[b]]):
                continue
            rows = np.flatnonzero(cut & (first == a) & (other == b))
            for x, y in ((0, 0), (plan.nx[rows] - 1, plan.ny[rows] - 1)):
                there = plan.images[b].to_pixels(*plan.images[a].to_sky(x0[rows] + x, y0[rows] + y))
                off = np.hypot(there[0] - plan.x0[rows, band] - x, there[1] - plan.y0[rows, band] - y)
                apart[rows] |= ~(off <= _APART)
    return apart
