"""The plan of a run: the image and the pixels of every object, computed before any pixel is read."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.cutting.bands import BandGroups, describe_unused, group_by_band
from galaxtool.cutting.footprints import ImageMatches, PositionTree, match_images
from galaxtool.cutting.image_set import ImageSet
from galaxtool.cutting.images import SkyImage, have_same_grid
from galaxtool.cutting.objects import MAX_SIDE, CatalogueObjects
from galaxtool.errors import InputError
from galaxtool.inputs.columns import hash_columns
from galaxtool.types import MISALIGNED, MISSING_BAND, OFF_EDGE, Progress

OUTSIDE = "OUTSIDE"

FLAGS = {
    OUTSIDE: "the object lies in none of the images",
    OFF_EDGE: "the cutout reaches beyond the image; what is beyond is NaN",
    MISSING_BAND: "the object lies in no image of one of the bands; its plane is NaN",
    MISALIGNED: "pixels of the bands are more than a pixel apart on the sky; nothing is resampled",
}
"""Flags of a row of the manifest, beside those from pixel values (`galaxtool.types.FLAGS`)."""

_MAX_OFFSET = 1.0  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPlan:
    """The image and the pixels of N objects in C bands (1 where nothing is stacked).

    Parameters
    ----------
    objects : CatalogueObjects
        The objects.
    images : list of SkyImage
        All images, in the order of their numbers.
    bands : tuple of str
        Bands that are stacked; empty where each object is cut from one image.
    image : ndarray of int, shape (N, C)
        Number of the image; -1 for none.
    x, y : ndarray, shape (N, C)
        Position of the object in the image, from 0; NaN for none.
    x0, y0 : ndarray of int, shape (N, C)
        First pixel of the cutout, from 0; negative beyond the edge.
    nx, ny : ndarray of int, shape (N,)
        Sides of the cutout; 0 where there is none.
    errors : list of str
        Why a row has no cutout; empty where it has one.
    flags : list of tuple of str
        Keys of `FLAGS`.
    seen : ndarray of bool, shape (images,)
        Whether an object lies in each image, cut from it or not.
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
    seen: np.ndarray

    @property
    def wanted(self) -> np.ndarray:
        """Rows that have a cutout, in the order of the catalogue."""
        return np.flatnonzero(self.nx > 0)

    @property
    def reference(self) -> np.ndarray:
        """The first band that has an image, shape (N,)."""
        return np.asarray((self.image >= 0).argmax(axis=1))

    def at_reference(self, values: np.ndarray) -> np.ndarray:
        """Return one of the (N, C) arrays at the reference band, shape (N,)."""
        return np.asarray(values[np.arange(len(values)), self.reference])

    def digest_images(self) -> str:
        """Return a digest of the images and their bands."""
        images = [[str(i.ref), list(i.shape), list(i.bands), list(i.stamp)] for i in self.images]
        return hashlib.sha256(repr((images, self.bands)).encode()).hexdigest()

    def digest_objects(self) -> str:
        """Return a digest of the objects, with all columns of the catalogue, and the pixels to cut."""
        digest = hashlib.sha256("\0".join(self.objects.ids).encode("utf-8", "surrogateescape"))
        digest.update(hash_columns(self.objects.table).encode())
        for array in (self.objects.ra, self.objects.dec, self.image, self.x0, self.y0, self.nx, self.ny):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def plan_cuts(objects: CatalogueObjects, image_set: ImageSet, bands: Sequence[str], progress: Progress) -> CutPlan:
    """Group the images by band and plan the cuts.

    Parameters
    ----------
    objects : CatalogueObjects
        The objects.
    image_set : ImageSet
        The images.
    bands : sequence of str
        Bands to stack, in this order; empty to use those of the headers.
    progress : Progress
        Where notes on the bands are shown.

    Raises
    ------
    InputError
        If nothing can be cut.
    """
    groups = group_by_band(image_set.images, bands, image_set.bands_given)
    if groups.note:
        progress.say(groups.note)
    plan = make_plan(objects, image_set.images, groups, unreadable=len(image_set.unreadable))
    for note in describe_unused(plan.images, plan.image, plan.seen, groups):
        progress.say(note)
    if plan.wanted.size:
        return plan
    n = len(plan.errors)
    (reason, number), *others = Counter(plan.errors).most_common()
    subject = f"None of the {n} objects can be cut out" if n > 1 else "The only object cannot be cut out"
    share = f"{number} of them" if others else "each of them"
    explanation = f". For {share} the reason is: {reason}" if n > 1 else f": {reason}"
    raise InputError(f"{subject}{explanation}", hint="" if plan.image.max() >= 0 else _compare_positions(plan))


def _compare_positions(plan: CutPlan) -> str:
    """Return the positions of the first image and of the first object, as a hint."""
    image = plan.images[0]
    ra, dec = image.to_sky(np.array([(image.nx - 1) / 2]), np.array([(image.ny - 1) / 2]))
    row = int(np.flatnonzero(np.isfinite(plan.objects.ra))[0])
    return (
        f"'{image.ref}' is centred on RA {ra[0] % 360:.5f}, Dec {dec[0]:.5f}; the object '{plan.objects.ids[row]}' "
        f"is at {plan.objects.ra[row]:.5f}, {plan.objects.dec[row]:.5f} (degrees, ICRS)."
    )


def make_plan(
    objects: CatalogueObjects, images: Sequence[SkyImage], groups: BandGroups, *, unreadable: int = 0
) -> CutPlan:
    """Compute the image and the pixels of every object.

    Parameters
    ----------
    objects : CatalogueObjects
        The objects.
    images : sequence of SkyImage
        All images.
    groups : BandGroups
        The images of each band.
    unreadable : int
        Number of further images that could not be read, for the error of objects that lie in none.

    Returns
    -------
    CutPlan
        As for astropy's `Cutout2D`, the first pixel is ``ceil(x - nx / 2)``. Arcsec become pixels by the scale at the
        reference position, rounded to the nearest.
    """
    images, n = list(images), len(objects.ids)
    tree = PositionTree(objects.ra, objects.dec)
    matches = [_renumber(match_images([images[i] for i in members], tree), members) for members in groups.members]
    image = np.stack([match.image for match in matches], axis=1)
    x, y = np.stack([match.x for match in matches], axis=1), np.stack([match.y for match in matches], axis=1)
    nx, ny, clash = _compute_sides(objects, images, image)
    covered = np.asarray((image >= 0).any(axis=1))
    seen = np.zeros(len(images), dtype=bool)
    for members, match in zip(groups.members, matches, strict=True):
        seen[members] |= match.seen
    plan = CutPlan(
        objects=objects, images=images, bands=groups.bands, image=image, x=x, y=y,
        x0=_find_first_pixel(x, nx), y0=_find_first_pixel(y, ny), nx=nx, ny=ny, errors=[""] * n, flags=[()] * n,
        seen=seen,
    )  # fmt: skip
    _set_errors(plan, covered, clash, unreadable)
    _set_flags(plan, covered)
    return plan


def _renumber(matches: ImageMatches, members: Sequence[int]) -> ImageMatches:
    """Replace the numbers within a band by the numbers in the list of all images."""
    numbers = np.array([*members, -1])
    return ImageMatches(numbers[matches.image], matches.x, matches.y, matches.seen)


def _compute_sides(
    objects: CatalogueObjects, images: list[SkyImage], image: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return nx and ny, 0 where the size is impossible, and whether the bands need different sides."""
    # the last scale stands for no image
    scales = np.array([*(i.scale for i in images), (np.nan, np.nan)])
    sides = np.broadcast_to(objects.sizes[:, None, None], (*image.shape, 2))
    with np.errstate(invalid="ignore"):
        pixels = np.round(sides / scales[image]) if objects.in_arcsec else np.round(sides)
        pixels = np.where((pixels >= 1) & (pixels <= MAX_SIDE), pixels, 0)
    pixels[image < 0] = 0
    largest = pixels.max(axis=1)
    clash = ((pixels != largest[:, None]) & (image >= 0)[..., None]).any(axis=(1, 2))
    largest[clash | (largest == 0).any(axis=1)] = 0
    return largest[:, 0].astype(int), largest[:, 1].astype(int), clash


def _find_first_pixel(position: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Return the first pixel, computed as in `astropy.nddata.overlap_slices`."""
    first: np.ndarray = np.ceil(np.nan_to_num(position) - side[:, None] / 2.0)
    return first.astype(int)


def _set_errors(plan: CutPlan, covered: np.ndarray, clash: np.ndarray, unreadable: int) -> None:
    has_position = np.isfinite(plan.objects.ra)
    readable = f" that could be read ({unreadable} could not)" if unreadable else ""
    for row in np.flatnonzero(~has_position | ~covered | (plan.nx == 0)):
        if not has_position[row]:
            plan.errors[row] = "It has no position."
        elif not covered[row]:
            plan.errors[row] = f"It lies in none of the images{readable}."
        elif clash[row]:
            plan.errors[row] = "Its bands have pixels of different sizes, so they cannot be stacked."
        else:
            unit = "arcsec" if plan.objects.in_arcsec else "pixels"
            plan.errors[row] = f"Its size is {plan.objects.sizes[row]:g} {unit}, not from 1 to {MAX_SIDE} pixels."


def _set_flags(plan: CutPlan, covered: np.ndarray) -> None:
    width = np.array([*(i.nx for i in plan.images), np.iinfo(np.int32).max])[plan.image]
    height = np.array([*(i.ny for i in plan.images), np.iinfo(np.int32).max])[plan.image]
    off = (plan.x0 < 0) | (plan.y0 < 0) | (plan.x0 + plan.nx[:, None] > width) | (plan.y0 + plan.ny[:, None] > height)
    has_image, has_cutout = plan.image >= 0, plan.nx > 0
    rows_by_flag = {
        OUTSIDE: ~covered & np.isfinite(plan.objects.ra),
        OFF_EDGE: (off & has_image).any(axis=1) & has_cutout,
        MISSING_BAND: ~has_image.all(axis=1) & has_cutout,
        MISALIGNED: _find_misaligned(plan) & has_cutout,
    }
    for flag in dict.fromkeys(flag for image in plan.images for flag in image.flags):
        numbers = [number for number, image in enumerate(plan.images) if flag in image.flags]
        rows_by_flag[flag] = np.isin(plan.image, numbers).any(axis=1) & has_cutout
    for flag, rows in rows_by_flag.items():
        for row in np.flatnonzero(rows):
            plan.flags[row] = (*plan.flags[row], flag)


def _find_misaligned(plan: CutPlan) -> np.ndarray:
    """Return whether the corners of each cutout are at other positions in another band than in the first."""
    misaligned = np.zeros(len(plan.nx), dtype=bool)
    first, has_cutout = plan.at_reference(plan.image), plan.nx > 0
    x0, y0 = plan.at_reference(plan.x0), plan.at_reference(plan.y0)
    for band in range(1, plan.image.shape[1]):
        other = plan.image[:, band]
        pairs = set(zip(first[has_cutout].tolist(), other[has_cutout].tolist(), strict=True))
        for a, b in pairs:
            if b < 0 or a == b or have_same_grid([plan.images[a], plan.images[b]]):
                continue
            rows = np.flatnonzero(has_cutout & (first == a) & (other == b))
            right, top = plan.nx[rows] - 1, plan.ny[rows] - 1
            for x, y in ((0, 0), (right, top), (right, 0)):  # two would miss a mirror image
                corner = plan.images[b].to_pixels(*plan.images[a].to_sky(x0[rows] + x, y0[rows] + y))
                offset = np.hypot(corner[0] - plan.x0[rows, band] - x, corner[1] - plan.y0[rows, band] - y)
                misaligned[rows] |= ~(offset <= _MAX_OFFSET)
    return misaligned
