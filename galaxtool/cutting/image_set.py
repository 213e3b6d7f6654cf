"""From the arguments of a command line to images and a plan, with what is wrong told on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galaxtool.cutting.sources import ImageSource, find_sources
from galaxtool.cutting.bands import group_by_band
from galaxtool.cutting.images import SkyImage, read_images
from galaxtool.cutting.objects import CatalogueObjects
from galaxtool.cutting.plan import CutPlan, make_plan
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.types import Progress

_NAMED = 10  # unreadable images named on the screen; the record names them all


@dataclass(frozen=True, slots=True)
class ImageSet:
    """The images that can be cut from.

    Parameters
    ----------
    images : list of SkyImage
    said : bool
        Whether the command line says their bands.
    unreadable : list of str
        What is wrong with each of the others.
    """

    images: list[SkyImage]
    said: bool
    unreadable: list[str]


def read_image_set(given: Sequence[str | Path], bands: Sequence[str], hdu: str | None, progress: Progress) -> ImageSet:
    """Read the headers of all images.

    Raises
    ------
    InputError
        If there is none that can be cut from.
    """
    files = find_sources(given, bands)
    images: list[SkyImage] = []
    failed: list[UnreadableImage] = []
    progress.start("Reading headers", len(files))
    for file in files:
        found, problem = _images_of(file, hdu)
        images.extend(found)
        failed.extend([problem] if problem else [])
        progress.advance()
    if not images:
        more = f" Nor can any of the other {len(failed) - 1}." if len(failed) > 1 else ""
        raise InputError(f"{failed[0].message}{more}", hint=failed[0].hint)
    for problem in failed[:_NAMED]:
        progress.say(f"Unreadable: {problem.message}")
    if len(failed) > _NAMED:
        progress.say(f"Unreadable: {len(failed) - _NAMED} more; cutouts.json names them all.")
    return ImageSet(images, any(file.band for file in files), [problem.message for problem in failed])


def _images_of(file: ImageSource, hdu: str | None) -> tuple[list[SkyImage], UnreadableImage | None]:
    try:
        return read_images(file, hdu), None
    except UnreadableImage as problem:
        return [], problem


def plan_cuts(objects: CatalogueObjects, opened: ImageSet, bands: Sequence[str], progress: Progress) -> CutPlan:
    """Find out what to cut from where.

    Raises
    ------
    InputError
        If nothing can be cut.
    """
    channels = group_by_band(opened.images, bands, opened.said)
    if channels.note:
        progress.say(channels.note)
    plan = make_plan(objects, opened.images, channels, lost=len(opened.unreadable))
    if plan.wanted.size:
        return plan
    n = len(plan.errors)
    (why, number), *others = Counter(plan.errors).most_common()
    whose = f"None of the {n} objects can be cut out" if n > 1 else "The only object cannot be cut out"
    which = f" Of {number} of them: {why}" if others else f": {why}"
    raise InputError(f"{whose}{'.' if others else ''}{which}", hint="" if plan.image.max() >= 0 else _where(plan))


def _where(plan: CutPlan) -> str:
    """Say where the first image and the first object are."""
    image = plan.images[0]
    ra, dec = image.to_sky(np.array([(image.nx - 1) / 2]), np.array([(image.ny - 1) / 2]))
    row = int(np.flatnonzero(np.isfinite(plan.objects.ra))[0])
    return (
        f"'{image.place}' is centred on RA {ra[0] % 360:.5f}, Dec {dec[0]:.5f}; the object '{plan.objects.ids[row]}' "
        f"is at {plan.objects.ra[row]:.5f}, {plan.objects.dec[row]:.5f} (degrees, ICRS)."
    )
