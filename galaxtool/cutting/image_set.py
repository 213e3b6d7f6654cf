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
from galaxtool.utils.files.regular_files import is_below

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
    arguments: Sequence[str | Path], bands: Sequence[str], hdu: str | None, output: Path, progress: Progress
) -> ImageSet:
    """Read the headers of all images that the arguments of the command line stand for.

    Those in the folder of the output are the cutouts of an earlier run, and are not used.

    Raises
    ------
    InputError
        If no image can be used.
    """
    sources = _leave_out_output(find_sources(arguments, bands), output, progress)
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


def _leave_out_output(sources: list[ImageSource], output: Path, progress: Progress) -> list[ImageSource]:
    """Return the sources that are not in the folder of the output."""
    inside = {folder for folder in {source.path.parent for source in sources} if is_below(folder, output)}
    others = [source for source in sources if source.path.parent not in inside]
    if not others:
        raise InputError(f"All images are in '{output}', the folder of the output.", hint="Choose another -o.")
    if inside:
        progress.say(f"Not used: {len(sources) - len(others)} images in '{output}', the folder of the output.")
    return others


def _read_source(
    source: ImageSource, hdu: str | None, skipped: list[UnreadableImage]
) -> tuple[list[SkyImage], UnreadableImage | None]:
    try:
        return read_images(source, hdu, skipped), None
    except UnreadableImage as problem:
        return [], problem
