"""The images of a run: their headers are read, and unreadable files are reported and skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from galaxtool.cutting.images import SkyImage, read_images
from galaxtool.cutting.sources import ImageSource, find_sources
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.types import FLAGS, Progress

_MAX_REPORTED = 10  # unreadable images reported on the screen; cutouts.json lists all


@dataclass(frozen=True, slots=True)
class ImageSet:
    """The images that objects can be cut from.

    Parameters
    ----------
    images : list of SkyImage
        The images with a celestial WCS.
    bands_given : bool
        Whether the command line names their bands.
    unreadable : list of str
        The problem of each file that cannot be used.
    """

    images: list[SkyImage]
    bands_given: bool
    unreadable: list[str]


def read_image_set(
    arguments: Sequence[str | Path], bands: Sequence[str], hdu: str | None, progress: Progress
) -> ImageSet:
    """Read the headers of all images that the arguments of the command line stand for.

    Raises
    ------
    InputError
        If no image can be used.
    """
    sources = find_sources(arguments, bands)
    images: list[SkyImage] = []
    problems: list[UnreadableImage] = []
    skipped: list[UnreadableImage] = []
    progress.start("Reading headers", len(sources))
    for source in sources:
        found, problem = _read_source(source, hdu, skipped)
        images.extend(found)
        problems.extend([problem] if problem else [])
        progress.advance()
    if not images:
        more = f" The other {len(problems) - 1} cannot be used either." if len(problems) > 1 else ""
        raise InputError(f"{problems[0].message}{more}", hint=problems[0].hint)
    for problem in problems[:_MAX_REPORTED]:
        progress.say(f"Unreadable: {problem.message}")
    if len(problems) > _MAX_REPORTED:
        progress.say(f"Unreadable: {len(problems) - _MAX_REPORTED} more; cutouts.json lists them all.")
    if skipped:
        others = f" {len(skipped) - 1} more HDUs are not used for such a reason." if len(skipped) > 1 else ""
        progress.say(f"Not used: {skipped[0].message}{others}")
    for flag, number in Counter(flag for image in images for flag in image.flags).items():
        first = next(image.ref for image in images if flag in image.flags)
        others = f" and {number - 1} more" if number > 1 else ""
        progress.say(f"{flag}, '{first}'{others}: {FLAGS[flag]}.")
    return ImageSet(images, any(source.band for source in sources), [problem.message for problem in problems])


def _read_source(
    source: ImageSource, hdu: str | None, skipped: list[UnreadableImage]
) -> tuple[list[SkyImage], UnreadableImage | None]:
    try:
        return read_images(source, hdu, skipped), None
    except UnreadableImage as problem:
        return [], problem
